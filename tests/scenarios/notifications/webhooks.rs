//! Notifications to webhooks: signed, sent once, in order, and never to an address that checks may not connect to.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use discord_sandbox::Sandbox;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::harness::alerting::{bot, end_backoff, wait_until_online};
use crate::harness::collector::{Collector, Posted};
use crate::harness::{Rollcall, Running, Web, wait_for};

async fn with_shop<'a>(
    sandbox: &Sandbox,
    rollcall: &'a Rollcall,
    web: &Web,
    webhook: &str,
) -> (Running<'a>, String) {
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let added = sandbox.slash(webhook).await.render();
    let add = format!("/endpoint add target:{} name:shop", web.target());
    sandbox.slash(&add).await;
    wait_until_online(&running, 1);
    (running, added)
}

/// The decoded signing key, which follows `whsec_`.
fn signing_key(added: &str) -> Vec<u8> {
    let (_, rest) = added.split_once("whsec_").expect("the key is shown once");
    let key: String = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c))
        .collect();
    BASE64_STANDARD.decode(key).unwrap()
}

fn is_signed(posted: &Posted, key: &[u8]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    let (id, timestamp) = (
        posted.header("webhook-id"),
        posted.header("webhook-timestamp"),
    );
    mac.update(format!("{id}.{timestamp}.{}", posted.text).as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    posted.header("webhook-signature") == format!("v1,{signature}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_opened_and_resolved_in_signed_messages() {
    let (sandbox, collector) = (Sandbox::start().await, Collector::start());
    let (rollcall, mut web) = (bot(&sandbox).with("LOG_LEVEL", "trace"), Web::up());
    let add = format!(
        "/alerts webhook add name:pager url:{}",
        collector.url("canary-path")
    );
    let (running, added) = with_shop(&sandbox, &rollcall, &web, &add).await;
    let key = signing_key(&added);
    web.goes_down();
    wait_for("the opening message", || {
        (collector.types() == ["test", "incident.opened"]).then_some(())
    });
    web.recovers();
    wait_for("the resolving message", || {
        (collector.types() == ["test", "incident.opened", "incident.resolved"]).then_some(())
    });
    wait_for("the outbox to be empty", || {
        (running.metric(r#"rollcall_notifications_pending{destination="webhook"}"#) == Some(0.0))
            .then_some(())
    });
    let posted = collector.posted();
    assert_eq!(posted.len(), 3, "nothing but the test and the two messages");
    assert!(posted.iter().all(|posted| is_signed(posted, &key)));
    let data = &posted[1].json["data"];
    assert_eq!(data["title"], "🔴 shop is offline");
    assert_eq!(data["members"][0]["reason"], "refused");
    assert_ne!(posted[2].json["data"]["ended_at"], serde_json::Value::Null);
    let listed = sandbox.slash("/alerts webhook list").await.render();
    assert!(listed.contains("🟢 last delivery"), "{listed}");
    let removed = sandbox.slash("/alerts webhook remove name:pager").await;
    assert!(removed.render().contains("Removed the webhook"));
    drop(running);
    for secret in ["canary-path", &BASE64_STANDARD.encode(&key)] {
        assert!(!listed.contains(secret), "{listed}");
        assert!(!rollcall.log().contains(secret), "{secret} in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_delivery_is_retried_with_the_state_of_that_time() {
    let (sandbox, collector) = (Sandbox::start().await, Collector::start());
    let (rollcall, mut web) = (bot(&sandbox).with("LOG_LEVEL", "trace"), Web::up());
    let add = format!(
        "/alerts webhook add name:pager url:{}",
        collector.url("hook")
    );
    let (running, _) = with_shop(&sandbox, &rollcall, &web, &add).await;
    collector.answer_next(&vec![(503, "Retry-After: 2\r\n"); 1_000]);
    web.goes_down();
    let refused = |times: usize| {
        let posted = collector.posted();
        let refused: Vec<_> = posted
            .iter()
            .filter(|posted| posted.status == 503)
            .collect();
        (refused.len() >= times).then(|| refused[1].at - refused[0].at)
    };
    let waited = wait_for("two failed attempts", || refused(2));
    assert!(waited.as_millis() >= 1_900, "{waited:?}");
    // A pending delivery survives the kill, because the outbox is stored in the database.
    running.kill();
    let _running = rollcall.run();
    web.recovers();
    wait_for("the shop to be online again", || {
        rollcall
            .sql("SELECT 'over' FROM incidents WHERE ended_at IS NOT NULL")
            .pop()
    });
    collector.accept_everything();
    end_backoff(&rollcall);
    wait_for("the resolving message", || {
        (collector.types() == ["test", "incident.resolved"]).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_addresses_are_rejected_and_redirects_are_not_followed() {
    let (sandbox, collector) = (Sandbox::start().await, Collector::start());
    let rollcall = bot(&sandbox)
        .with("LOG_LEVEL", "trace")
        .with("PROBE_ALLOW", "127.0.0.1/32");
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    for (url, part) in [
        ("http://127.0.0.2:9/hook", "its address is not allowed"),
        (
            "http://169.254.169.254/latest",
            "its address is not allowed",
        ),
        ("ftp://example.org/canary", "must be an http or https URL"),
    ] {
        let name = url.len();
        let add = format!("/alerts webhook add name:hook{name} url:{url}");
        let shown = sandbox.slash(&add).await.render();
        assert!(shown.contains(part), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
    let elsewhere = Collector::start();
    let location = format!("Location: {}\r\n", elsewhere.url("hook"));
    collector.answer_next(&[(302, &location)]);
    let add = format!(
        "/alerts webhook add name:moved url:{}",
        collector.url("hook")
    );
    let shown = sandbox.slash(&add).await.render();
    assert!(
        shown.contains("it responded with HTTP status 302"),
        "{shown}"
    );
    assert_eq!(elsewhere.posted().len(), 0);
    // Names are unique in a guild, and another guild does not see them.
    let twice = format!("/alerts webhook add name:moved url:{}", collector.url("x"));
    let shown = sandbox.slash(&twice).await.render();
    assert!(shown.contains("with this name already exists"), "{shown}");
    let other = sandbox.add_guild("Elsewhere");
    let eve = discord_sandbox::Member::manager(9, "Eve");
    let eve = sandbox.member(&eve).in_guild(other);
    let shown = eve.slash("/alerts webhook test name:moved").await.render();
    assert!(shown.contains("There is no webhook named"), "{shown}");
}
