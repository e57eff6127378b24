//! Destinations that cannot be written to: they are tried again, reported once they are broken, and heal by themselves.

use discord_sandbox::{RestFault, Sandbox};

use crate::harness::alerting::{
    bot, pass_suspicion, setup, the_message, wait_until_broken, with_shop,
};
use crate::harness::collector::Collector;
use crate::harness::{Web, wait_for};

const DELETED: RestFault = RestFault::Error {
    status: 404,
    code: 10_003,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_channel_is_reported_and_missed_alerts_follow_the_repair() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.fail_requests(DELETED, "/channels/", 2);
    web.goes_down();
    pass_suspicion(&rollcall);
    wait_until_broken(&rollcall);
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(shown.contains("the channel was deleted"), "{shown}");
    // Reported once, by direct message to the user who set the channel.
    let direct = |record: &discord_sandbox::Record| {
        let mut posted = record.requests.iter().filter(|request| {
            request.method == "POST" && request.path.ends_with("/channels/1001/messages")
        });
        posted.next().cloned()
    };
    let direct = sandbox.wait_for("a direct message", direct).await;
    let text = direct.body["content"].as_str().unwrap();
    assert!(
        text.contains("cannot post alerts") && text.contains("/alerts channel"),
        "{text}"
    );
    let audit = sandbox.slash("/audit type:alerts_broken").await.render();
    assert!(audit.contains("Rollcall cannot post in <#"), "{audit}");
    sandbox.slash(&setup(&sandbox)).await;
    the_message(&sandbox, "🔴 shop is offline").await;
    drop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_channel_is_tried_again_every_hour_and_gets_what_it_missed() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    let denied = RestFault::Error {
        status: 403,
        code: 50_013,
    };
    sandbox.fail_requests(denied, "/channels/", 2);
    web.goes_down();
    pass_suspicion(&rollcall);
    wait_until_broken(&rollcall);
    let next =
        rollcall.sql("SELECT CAST((next_try_at - broken_at) / 60000 AS TEXT) FROM destinations");
    assert_eq!(next, ["60"], "minutes until the next attempt");
    // An hour later.
    rollcall.sql("UPDATE destinations SET next_try_at = 0");
    the_message(&sandbox, "🔴 shop is offline").await;
    wait_for("the channel to work again", || {
        rollcall
            .sql("SELECT 'works' FROM destinations WHERE broken_at IS NULL")
            .pop()
    });
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(!shown.contains("unable to send alerts"), "{shown}");
    web.recovers();
    the_message(&sandbox, "🟢 shop was offline for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unexplained_403_is_retried_and_breaks_nothing() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.fail_requests(RestFault::Status(403), "/channels/", 2);
    web.goes_down();
    the_message(&sandbox, "🔴 shop is offline").await;
    let suspected =
        rollcall.sql("SELECT 'suspected' FROM destinations WHERE suspected_at IS NOT NULL");
    assert!(suspected.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_answers_410_is_reported_and_works_again_after_a_test() {
    let (sandbox, collector) = (Sandbox::start().await, Collector::start());
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    let add = format!(
        "/alerts webhook add name:pager url:{} format:\"slack: for Slack, Mattermost and Rocket.Chat\"",
        collector.url("hook")
    );
    sandbox.slash(&add).await;
    collector.answer_next(&[(410, ""), (410, "")]);
    web.goes_down();
    pass_suspicion(&rollcall);
    let note = the_message(&sandbox, "Alerts cannot be sent to the webhook pager").await;
    assert!(
        note.text().contains("it responded with HTTP status 410"),
        "{}",
        note.render()
    );
    assert!(note.buttons().is_empty());
    let listed = sandbox.slash("/alerts webhook list").await.render();
    assert!(listed.contains("🔴 broken"), "{listed}");
    let before = collector.posted().len();
    let tested = sandbox.slash("/alerts webhook test name:pager").await;
    assert!(
        tested.text().contains("pager: test message delivered"),
        "{}",
        tested.render()
    );
    // The test comes first, then the missed notification.
    wait_for("the test and the missed notification", || {
        (collector.posted().len() == before + 2).then_some(())
    });
    let last = collector.posted().pop().unwrap();
    assert!(
        last.json["text"]
            .as_str()
            .unwrap()
            .contains("shop is offline")
    );
    assert_eq!(last.header("content-type"), "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_end_when_the_channel_is_switched_off() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.fail_requests(RestFault::Status(503), "/channels/", 1_000);
    web.goes_down();
    wait_for("a failed attempt", || {
        rollcall
            .sql("SELECT 'failed' FROM deliveries WHERE attempts > 0")
            .pop()
    });
    sandbox.slash("/alerts off").await;
    let left = rollcall.sql("SELECT 'left' FROM deliveries");
    assert!(left.is_empty(), "{left:?}");
}
