//! Discord rejects the token while Rollcall runs.

use discord_sandbox::{RestFault, Sandbox};

use crate::harness::alerting::{bot, the_message, with_shop};
use crate::harness::collector::Collector;
use crate::harness::{Web, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_single_401_is_checked_and_delays_alerts_for_a_moment() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.fail_requests(RestFault::Status(401), "/channels/", 1);
    // Discord is asked, and does not say at first: meanwhile the token is in doubt.
    sandbox.fail_requests(RestFault::Status(502), "/users/@me", 1);
    web.goes_down();
    wait_for("the token to be in doubt", || {
        let ready = running.call("GET", "/readyz", "", "");
        let is_in_doubt = ready.json["discord_token"] == "in_doubt" && ready.status == 503;
        is_in_doubt.then_some(())
    });
    the_message(&sandbox, "🔴 shop is offline").await;
    let ready = running.call("GET", "/readyz", "", "");
    assert_eq!(
        (ready.status, &ready.json["discord_token"]),
        (200, &"accepted".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_stays_rejected_ends_rollcall_after_the_webhooks_are_notified() {
    let (sandbox, collector) = (Sandbox::start().await, Collector::start());
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let add = format!(
        "/alerts webhook add name:pager url:{}",
        collector.url("hook")
    );
    sandbox.slash(&add).await;
    for path in ["/channels/", "/users/@me"] {
        sandbox.fail_requests(RestFault::Status(401), path, 1_000);
    }
    web.goes_down();
    let (code, err) = running.ended();
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("Discord rejected this token"), "{err}");
    assert_eq!(
        collector.types(),
        ["test", "incident.opened", "destination.broken"]
    );
    let last = collector.posted().pop().unwrap();
    assert_eq!(
        last.json["data"]["title"],
        "🟠 Rollcall stopped because Discord refused it"
    );
    let asked = sandbox.record().requests;
    let asked = asked
        .iter()
        .filter(|request| request.path.ends_with("/users/@me"));
    assert_eq!(asked.count(), 3, "few times");
}
