//! Guilds do not wait for each other, and what one destination learns about a monitor never runs backward.

use std::time::Duration;

use discord_sandbox::{RestFault, Sandbox};

use crate::harness::alerting::{bot, end_backoff, setup, the_message, with_shop};
use crate::harness::own_timer::stopwatch;
use crate::harness::{Web, wait_for};

/// Incidents of another guild, whose message has been posted (`posted`) or is still to be (`due`).
fn busy_guild(guild: u64, channel: u64, due: u64, posted: u64) -> [String; 4] {
    let numbers = |count: u64| {
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})")
    };
    let all = due + posted;
    [
        format!("INSERT INTO alert_settings (guild_id) VALUES ({guild})"),
        format!(
            "INSERT INTO destinations (id, guild_id, kind, address) VALUES (900, {guild}, 'channel', {channel})"
        ),
        format!(
            "{} INSERT INTO incidents (id, guild_id, scope, opened_at, created_at, joined_at)
             SELECT 9000 + i, {guild}, '', 1, 1, 1 FROM n",
            numbers(all)
        ),
        format!(
            "{} INSERT INTO deliveries (destination_id, incident_id, wanted_revision, delivered_revision, channel_id, message_id)
             SELECT 900, 9000 + i, 1, i > {due}, CASE WHEN i > {due} THEN {channel} END, CASE WHEN i > {due} THEN 7 END FROM n",
            numbers(all)
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_guild_does_not_delay_the_outage_of_another() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let busy = sandbox.add_guild("Busy");
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    for statement in busy_guild(busy.0, sandbox.channel(busy), 200, 120) {
        rollcall.sql(&statement);
    }
    wait_for("the busy guild to be served", || {
        (!sandbox.messages(busy).is_empty()).then_some(())
    });
    let change = "UPDATE incidents SET revision = revision + 1 WHERE id > 9200";
    rollcall.sql(change);
    web.goes_down();
    let clock = stopwatch();
    the_message(&sandbox, "🔴 shop is offline").await;
    let waited = clock.elapsed();
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    let pending = rollcall.sql(
        "SELECT 'pending' FROM deliveries WHERE destination_id = 900 AND delivered_revision < wanted_revision",
    );
    assert!(pending.len() > 100, "the other guild was still busy");
    let edits = sandbox.record().requests;
    let edits = edits
        .iter()
        .filter(|request| request.method == "PATCH" && request.path.contains("/messages/7"));
    assert_eq!(edits.count(), 0, "its new incidents come before its edits");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_message_about_a_monitor_is_true_after_discord_was_away() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash(&setup(&sandbox)).await;
    let before = sandbox.messages(sandbox.guild()).len();
    sandbox.fail_requests(RestFault::Status(502), "/channels/", 1_000);
    let outages = |ended: usize, open: usize| {
        wait_for("the outages", || {
            let found = |condition: &str| {
                let sql = format!("SELECT 'outage' FROM outages WHERE ended_at IS {condition}");
                rollcall.sql(&sql).len()
            };
            (found("NOT NULL") == ended && found("NULL") == open).then_some(())
        });
    };
    web.goes_down();
    outages(0, 1);
    wait_for("failed attempts at the first incident", || {
        rollcall
            .sql("SELECT 'failed' FROM deliveries WHERE attempts > 2")
            .pop()
    });
    web.recovers();
    outages(1, 0);
    web.goes_down();
    outages(1, 1);
    sandbox.reset_faults();
    end_backoff(&rollcall);
    the_message(&sandbox, "🔴 shop is offline").await;
    let messages = sandbox.messages(sandbox.guild());
    let titles: Vec<String> = messages[before..].iter().map(|one| one.text()).collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(titles[0].contains("🟢 shop was offline for"), "{titles:?}");
    assert!(titles[1].contains("🔴 shop is offline"), "{titles:?}");
}
