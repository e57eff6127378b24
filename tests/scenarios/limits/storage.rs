//! Near DATABASE_MAX_BYTES, what can be missed best is no longer stored, and the rest still is.

use discord_sandbox::Sandbox;

use crate::devices::http_devices_servers::{key, text};
use crate::harness::alerting::{bot, the_message, with_webs};
use crate::harness::{Rollcall, Running, Web, wait_for};

/// Makes the database larger by about this many kilobytes.
fn grow(rollcall: &Rollcall, kilobytes: u32) {
    rollcall.sql(&format!(
        "INSERT INTO events (guild_id, kind, at, noticed_at, actor, details)
         VALUES (99, 'endpoint_edited', 1, 9000000000000, 'cli', HEX(ZEROBLOB({}) ))",
        kilobytes * 500
    ));
}

fn wait_for_log(rollcall: &Rollcall, words: &str) {
    wait_for(words, || rollcall.log().contains(words).then_some(()));
}

fn count(rollcall: &Rollcall, table: &str) -> u32 {
    let counted = rollcall.sql(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}"));
    counted[0].parse().unwrap()
}

/// Sends a report and returns the number of stored ones.
fn report(rollcall: &Rollcall, running: &Running<'_>, own: &str) -> u32 {
    let answer = running.call("POST", "/api/v1/server-stats", own, r#"{"cpu":1}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["status"], "online");
    count(rollcall, "samples")
}

#[test]
fn a_database_that_is_nearly_full_stores_status_and_outages_but_no_reports_and_results() {
    let mut web = Web::up();
    let rollcall = Rollcall::new()
        .with("DATABASE_MAX_BYTES", "10MB")
        .with("PROBE_ALLOW", "loopback")
        .with("PROBE_INTERVAL", "1s")
        .with("PROBE_FAILURES_TO_OFFLINE", "1");
    let admin = key(&rollcall, "admin", "42");
    let running = rollcall.run();
    let added = running.call("POST", "/api/v1/servers", &admin, r#"{"name":"db"}"#);
    let own = text(&added.json["key"]);
    assert_eq!(report(&rollcall, &running, &own), 1);

    grow(&rollcall, 8_700);
    wait_for_log(&rollcall, "database is nearly full");
    assert_eq!(report(&rollcall, &running, &own), 1, "it is not stored");
    let id = rollcall.add(&web.target());
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    wait_for("a stored check result", || {
        (count(&rollcall, "check_results") > 0).then_some(())
    });

    grow(&rollcall, 800);
    wait_for_log(&rollcall, "database is full");
    let results = count(&rollcall, "check_results");
    web.goes_down();
    rollcall.wait_until("offline", id, |endpoint| endpoint["status"] == "offline");
    assert_eq!(count(&rollcall, "outages"), 1);
    let later = count(&rollcall, "check_results");
    assert!(
        later <= results + 1,
        "one may have been in flight: {results} {later}"
    );

    rollcall.sql("DELETE FROM events WHERE guild_id = 99");
    wait_for_log(&rollcall, "database has room again");
    assert_eq!(report(&rollcall, &running, &own), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_limit_that_is_reached_is_announced_in_the_alert_channel() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    with_webs(&sandbox, &rollcall, []).await.kill();
    // As after a write beyond the limit, which takes millions of rows.
    rollcall.sql(&format!(
        "INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes, deleted_rows) VALUES ({}, 'samples', 1, 1, 500)",
        sandbox.guild().0
    ));
    // The job runs at the start.
    rollcall.sql("DELETE FROM job_runs");
    let _running = rollcall.run();
    let message = the_message(&sandbox, "Storage limit reached: server reports").await;
    assert!(message.text().contains("2,500,000"), "{}", message.text());
    let events = rollcall.sql("SELECT kind FROM events WHERE kind = 'storage_limit_reached'");
    assert_eq!(events.len(), 1);
}
