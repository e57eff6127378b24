//! Monitors that join an incident after people have read its message.

use discord_sandbox::Sandbox;

use super::escalation::wait_for_mention;
use crate::harness::alerting::{ROLE, bot, the_message, wait_until_online, with_shop};
use crate::harness::collector::Collector;
use crate::harness::{Rollcall, Running, Web, wait_for};

/// Adds the endpoint `mail`, on the same host as the shop. Returns when both are online.
async fn add_mail(sandbox: &Sandbox, running: &Running<'_>, mail: &Web) {
    let add = format!("/endpoint add target:{} name:mail", mail.target());
    sandbox.slash(&add).await;
    wait_until_online(running, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_joins_takes_the_acknowledgment_back_and_mentions_again() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let (mut shop, mut mail) = (Web::up(), Web::up());
    let running = with_shop(&sandbox, &rollcall, &shop).await;
    add_mail(&sandbox, &running, &mail).await;
    shop.goes_down();
    let alert = the_message(&sandbox, "🔴 shop is offline").await;
    let mention = format!("<@&{ROLE}>");
    wait_for_mention(&sandbox, &mention, 1).await;
    sandbox.slash("/ack").await;
    the_message(&sandbox, "Acknowledged: by <@1001>").await;
    mail.goes_down();
    let reply = wait_for_mention(&sandbox, &mention, 2).await;
    let replied = reply.body["message_reference"]["message_id"].as_str();
    assert_eq!(replied, Some(&*alert.message_id().to_string()));
    let text = the_message(&sandbox, "🔴 mail is offline, too")
        .await
        .text();
    assert!(
        text.contains("The acknowledgment by <@1001> does not cover this"),
        "{text}"
    );
    let grown = the_message(&sandbox, "2 monitors on 127.0.0.1 are offline").await;
    assert!(!grown.text().contains("Acknowledged"), "{}", grown.text());
    assert_eq!(grown.message_id(), alert.message_id());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_permission_to_reply_the_message_is_posted_without_reference() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let (mut shop, mut mail) = (Web::up(), Web::up());
    let running = with_shop(&sandbox, &rollcall, &shop).await;
    add_mail(&sandbox, &running, &mail).await;
    shop.goes_down();
    the_message(&sandbox, "🔴 shop is offline").await;
    sandbox.slash("/ack").await;
    the_message(&sandbox, "Acknowledged: by <@1001>").await;
    // View Channel, Send Messages, Embed Links and Attach Files, as the invitation asks for.
    sandbox.set_bot_permissions(sandbox.guild(), 52_224);
    mail.goes_down();
    the_message(&sandbox, "🔴 mail is offline, too").await;
}

/// Adds a webhook of each of two formats for people.
async fn add_webhooks(sandbox: &Sandbox, collector: &Collector) {
    for (name, format) in [
        (
            "wall",
            r#"format:"slack: for Slack, Mattermost and Rocket.Chat""#,
        ),
        ("phone", r#"template:{\"text\":\"{{title}}:{{text}}\"}"#),
    ] {
        let url = collector.url(name);
        let add = format!("/alerts webhook add name:{name} url:{url} {format}");
        let added = sandbox.slash(&add).await.render();
        assert!(added.contains("test message delivered"), "{added}");
    }
}

/// Every message about outages, without the two tests.
fn texts_about_outages(collector: &Collector) -> Vec<String> {
    let posted = collector.posted().into_iter();
    let texts = posted.filter_map(|one| one.json["text"].as_str().map(str::to_owned));
    texts
        .filter(|text| !text.starts_with("Test message"))
        .collect()
}

fn wait_until_mail_is(rollcall: &Rollcall, status: &str) {
    wait_for("the status of mail", || {
        let found = rollcall.sql("SELECT status FROM endpoints WHERE name = 'mail'");
        (found == [status]).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_for_people_show_monitors_that_join_and_recover() {
    let (sandbox, collector) = (Sandbox::start().await, Collector::start());
    let rollcall = bot(&sandbox);
    let (mut shop, mut mail) = (Web::up(), Web::up());
    let running = with_shop(&sandbox, &rollcall, &shop).await;
    add_webhooks(&sandbox, &collector).await;
    add_mail(&sandbox, &running, &mail).await;
    let texts = || texts_about_outages(&collector);
    let wait_for_both = |part: &str| {
        wait_for(part, || {
            let found = texts().iter().filter(|text| text.contains(part)).count();
            (found == 2).then_some(())
        });
    };
    let a_minute_later = || {
        rollcall.sql("UPDATE deliveries SET delivered_at = delivered_at - 60000, next_try_at = 0");
    };
    shop.goes_down();
    wait_for_both("🔴 shop is offline");
    mail.goes_down();
    wait_until_mail_is(&rollcall, "offline");
    wait_for("both webhooks to wait", || {
        let held = rollcall.sql(
            "SELECT 'held' FROM deliveries d JOIN destinations t ON t.id = d.destination_id
             WHERE t.kind = 'webhook' AND d.next_try_at > d.delivered_at",
        );
        (held.len() == 2).then_some(())
    });
    assert_eq!(texts().len(), 2, "at most one message a minute");
    a_minute_later();
    wait_for_both("🔴 mail");
    let joined = texts().pop().unwrap();
    assert!(
        joined.contains("2 monitors on 127.0.0.1 are offline"),
        "{joined}"
    );
    assert!(!joined.contains("shop"), "{joined}");
    mail.recovers();
    wait_until_mail_is(&rollcall, "online");
    a_minute_later();
    wait_for_both("🟢 mail");
    shop.recovers();
    wait_for_both("🟢 2 monitors on 127.0.0.1 were offline for");
    assert_eq!(texts().len(), 8, "{:?}", texts());
}
