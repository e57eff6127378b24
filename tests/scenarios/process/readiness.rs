//! `/readyz` names what does not work, the dead-man ping is withheld for the same reasons, and `/healthz` reports only our own
//! loops: an outage of Discord or of the database is never a reason to restart.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use discord_sandbox::{CloseWith, RestFault, Sandbox};

use crate::harness::alerting::{bot, end_backoff, with_shop};
use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, Running, Web, wait_for};

/// How long pings are counted: three intervals.
const THREE_PINGS: Duration = Duration::from_secs(3);

fn pinging(rollcall: Rollcall, switch: &Web) -> Rollcall {
    rollcall
        .with("HEALTHCHECK_PING_URL", switch.target())
        .with("HEALTHCHECK_PING_INTERVAL", "1s")
}

/// The names of the facts that fail. `/readyz` answers 200 exactly if there are none, and `/healthz` always.
fn failing(running: &Running<'_>) -> Vec<String> {
    let healthy = running.call("GET", "/healthz", "", "");
    assert_eq!(healthy.status, 200, "{healthy:?}");
    let ready = running.call("GET", "/readyz", "", "");
    let names: Vec<String> = serde_json::from_value(ready.json["failing"].clone()).unwrap();
    let status = if names.is_empty() { 200 } else { 503 };
    assert_eq!(ready.status, status, "{ready:?}");
    assert_eq!(ready.json["ready"], names.is_empty(), "{ready:?}");
    names
}

fn wait_until_failing(running: &Running<'_>, names: &[&str]) {
    wait_for(&format!("{names:?} to fail"), || {
        (failing(running) == names).then_some(())
    });
}

/// Calls `ask` for this long.
fn throughout(length: Duration, mut ask: impl FnMut()) {
    let clock = stopwatch();
    wait_for("some time to pass", || {
        ask();
        (clock.elapsed() >= length).then_some(())
    });
}

/// Waits until a ping is withheld, then asserts that none is sent, and that the log has one line about each change.
fn assert_pings_are_withheld(rollcall: &Rollcall, switch: &Web, names: &str) {
    let line = format!(r"health check ping withheld failing={names}");
    wait_for(&line, || rollcall.log().contains(&line).then_some(()));
    let before = switch.requests();
    throughout(THREE_PINGS, || {});
    assert_eq!(switch.requests(), before, "a ping while {names} fails");
    let log = rollcall.log();
    let reasons: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once("ping withheld failing="))
        .map(|(_, names)| names)
        .collect();
    assert!(
        reasons.windows(2).all(|two| two[0] != two[1]),
        "{reasons:?}"
    );
}

fn assert_pings_are_sent(rollcall: &Rollcall, switch: &Web) {
    let before = switch.requests();
    wait_for("pings", || (switch.requests() >= before + 2).then_some(()));
    let log = rollcall.log();
    let count = |words: &str| log.matches(words).count();
    assert_eq!(count("health check pings are sent again"), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_process_locks_makes_rollcall_unready() {
    use sqlx::Connection;
    let (switch, web) = (Web::up(), Web::up());
    let rollcall = pinging(Rollcall::new(), &switch);
    rollcall.add(&web.target());
    let running = rollcall.run();
    wait_until_failing(&running, &[]);
    wait_for("a ping", || (switch.requests() > 0).then_some(()));

    let url = format!("sqlite://{}", rollcall.path("rollcall.db").display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    wait_until_failing(&running, &["writes", "check_results"]);
    assert_pings_are_withheld(&rollcall, &switch, "writes");
    throughout(Duration::from_secs(10), || {
        assert!(failing(&running).contains(&"writes".to_owned()));
    });
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    wait_until_failing(&running, &[]);
    assert_pings_are_sent(&rollcall, &switch);
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_that_answers_no_message_makes_rollcall_unready() {
    let (sandbox, switch) = (Sandbox::start().await, Web::up());
    let rollcall = pinging(bot(&sandbox), &switch);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    wait_until_failing(&running, &[]);
    sandbox.fail_requests(RestFault::NoAnswer, "/messages", 1_000);
    let clock = stopwatch();
    web.goes_down();
    wait_until_failing(&running, &["deliveries"]);
    assert!(clock.elapsed() < Duration::from_secs(60));
    assert_pings_are_withheld(&rollcall, &switch, "deliveries");
    sandbox.reset_faults();
    wait_for("an answered message", || {
        end_backoff(&rollcall);
        failing(&running).is_empty().then_some(())
    });
    assert_pings_are_sent(&rollcall, &switch);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_guild_whose_messages_fail_does_not_make_rollcall_unready() {
    let (sandbox, mut web) = (Sandbox::start().await, Web::up());
    let rollcall = bot(&sandbox);
    let other = sandbox.add_guild("Other");
    let running = with_shop(&sandbox, &rollcall, &web).await;
    rollcall.sql(&format!(
        "INSERT INTO destinations (guild_id, kind, address) VALUES ({}, 'channel', {})",
        other.0,
        sandbox.channel(other)
    ));
    wait_until_failing(&running, &[]);
    let messages = format!("/channels/{}/messages", sandbox.channel(sandbox.guild()));
    sandbox.fail_requests(RestFault::Status(500), &messages, 10_000);
    web.goes_down();
    throughout(Duration::from_secs(50), || {
        assert_eq!(failing(&running), Vec::<String>::new());
    });
    let failed = r#"rollcall_notifications_total{destination="channel",result="failed"}"#;
    assert!(running.metric(failed) >= Some(3.0));
    let asked = format!("/channels/{}", sandbox.channel(other));
    let asked = |record: &discord_sandbox::Record| {
        let requests = record.requests.iter();
        requests.filter(|one| one.path.ends_with(&asked)).count()
    };
    let asked = asked(&sandbox.record());
    assert!((1..=10).contains(&asked), "{asked} questions");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_discord_runtime_makes_rollcall_unready() {
    let (sandbox, switch) = (Sandbox::start().await, Web::up());
    let rollcall = pinging(bot(&sandbox), &switch);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_until_failing(&running, &[]);
    let clock = stopwatch();
    let frozen = running.freeze_threads("discord");
    wait_until_failing(&running, &["discord_runtime"]);
    assert!(clock.elapsed() < Duration::from_secs(33));
    assert_pings_are_withheld(&rollcall, &switch, "discord_runtime");
    frozen.thaw();
    wait_until_failing(&running, &[]);
    assert_pings_are_sent(&rollcall, &switch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_worker_of_the_discord_runtime_makes_rollcall_unready() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_until_failing(&running, &[]);
    let frozen = running.freeze_threads("discord-worker");
    wait_until_failing(&running, &["discord_runtime"]);
    frozen.thaw();
    wait_until_failing(&running, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_gateway_is_reported_and_withholds_pings_after_a_minute() {
    let (sandbox, switch) = (Sandbox::start().await, Web::up());
    let rollcall = pinging(bot(&sandbox), &switch);
    let path = rollcall.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let rollcall = rollcall
        .with("NOTIFY_SOCKET", path.display().to_string())
        .with("WATCHDOG_USEC", "2000000");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_until_failing(&running, &[]);
    sandbox.set_faults(|faults| faults.refuse = true);
    sandbox.close_gateway(CloseWith::Drop);
    wait_until_failing(&running, &["gateway"]);
    let before = switch.requests();
    wait_for("half a minute without the gateway", || {
        assert_eq!(failing(&running), ["gateway"]);
        let away = running.call("GET", "/readyz", "", "").json["gateway_away_seconds"].as_u64();
        (away >= Some(30)).then_some(())
    });
    assert!(
        switch.requests() > before + 10,
        "a short reconnect withholds no ping"
    );
    assert!(!rollcall.log().contains("ping withheld"));
    assert_pings_are_withheld(&rollcall, &switch, "gateway");
    // Skip what was sent until now.
    socket.set_nonblocking(true).unwrap();
    while socket.recv(&mut [0; 1024]).is_ok() {}
    wait_for("the watchdog", || {
        let mut message = [0; 1024];
        let length = socket.recv(&mut message).ok()?;
        let message = String::from_utf8_lossy(&message[..length]).into_owned();
        message.contains("WATCHDOG=1").then_some(())
    });
    sandbox.reset_faults();
    wait_until_failing(&running, &[]);
    assert_pings_are_sent(&rollcall, &switch);
}
