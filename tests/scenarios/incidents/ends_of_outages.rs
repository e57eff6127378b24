//! How an outage ends, if not by a recovery: its monitor is removed or paused, or flapping turns into an outage.

use discord_sandbox::{Reply, Sandbox};

use super::escalation::wait_for_mention;
use crate::harness::alerting::{ROLE, bot, with_shop};
use crate::harness::{Rollcall, Web, wait_for};

/// Waits until the latest message contains a text.
async fn the_latest(sandbox: &Sandbox, part: &str) -> Reply {
    sandbox
        .wait_for_messages(sandbox.guild(), part, |messages| {
            let latest = messages.last()?;
            latest.text().contains(part).then(|| latest.clone())
        })
        .await
}

/// How the latest outage ended.
fn ended_by(rollcall: &Rollcall) -> String {
    wait_for("the outage to end", || {
        rollcall
            .sql("SELECT ended_by FROM outages WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1")
            .pop()
    })
}

/// Waits until exactly this many monitors are offline.
fn wait_for_open_outages(rollcall: &Rollcall, count: usize) {
    wait_for(&format!("{count} open outages"), || {
        let open = rollcall.sql("SELECT 'open' FROM outages WHERE ended_at IS NULL");
        (open.len() == count).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_or_paused_monitor_keeps_its_name_and_has_not_recovered() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    the_latest(&sandbox, "🔴 shop is offline").await;
    sandbox.slash("/endpoint pause endpoint:shop").await;
    let paused = the_latest(&sandbox, "shop was paused while offline").await;
    assert!(!paused.text().contains("recovered"), "{}", paused.render());
    assert_eq!(ended_by(&rollcall), "paused");
    // Later, so that the next outage does not join this incident.
    rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
    sandbox.slash("/endpoint resume endpoint:shop").await;
    the_latest(&sandbox, "🔴 shop is offline").await;
    sandbox.slash("/endpoint remove endpoint:shop").await;
    let removed = the_latest(&sandbox, "⚪ shop was removed while offline").await;
    let text = removed.text();
    assert!(text.contains("**shop** `http://127.0.0.1:"), "{text}");
    assert!(
        !text.contains("recovered") && !text.contains("🟢"),
        "{text}"
    );
    assert_eq!(ended_by(&rollcall), "removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flapping_monitor_that_stays_offline_is_an_incident_of_its_own() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    for _ in 0..2 {
        // Moves the incidents apart in time, so that the second outage does not join the first incident.
        rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
        web.goes_down();
        the_latest(&sandbox, "🔴 shop is offline").await;
        web.recovers();
        the_latest(&sandbox, "🟢 shop was offline for").await;
    }
    web.goes_down();
    the_latest(&sandbox, "🟠 shop is flapping, offline now").await;
    let mention = format!("<@&{ROLE}>");
    wait_for_mention(&sandbox, &mention, 2).await;
    // A quarter of an hour later.
    rollcall.sql("UPDATE outages SET started_at = started_at - 900000 WHERE ended_at IS NULL");
    rollcall.sql("UPDATE observation_windows SET started_at = started_at - 900000");
    wait_for_mention(&sandbox, &mention, 3).await;
    the_latest(&sandbox, "🔴 shop is offline").await;
    sandbox
        .wait_for_messages(sandbox.guild(), "the flapping to end", |messages| {
            let flapped = |text: &str| {
                text.contains("shop was flapping for") && text.contains("then stayed offline")
            };
            messages.iter().find(|one| flapped(&one.text())).map(drop)
        })
        .await;
    web.recovers();
    the_latest(&sandbox, "🟢 shop was offline for 15 min").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_says_who_is_flapping_and_who_is_offline() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let (mut steady, mut flaky) = (Web::up(), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &steady).await;
    let add = format!("/endpoint add target:{} name:flaky", flaky.target());
    sandbox.slash(&add).await;
    wait_for("both to be online", || {
        let online = rollcall.sql("SELECT 'online' FROM endpoints WHERE status = 'online'");
        (online.len() == 2).then_some(())
    });
    steady.goes_down();
    the_latest(&sandbox, "🔴 shop is offline").await;
    for _ in 0..2 {
        flaky.goes_down();
        // The message alone may still be the one of the outage before.
        wait_for_open_outages(&rollcall, 2);
        the_latest(&sandbox, "2 monitors on 127.0.0.1 are offline").await;
        flaky.recovers();
        wait_for_open_outages(&rollcall, 1);
    }
    flaky.goes_down();
    let alert = the_latest(&sandbox, "🔴 shop is offline, flaky is flapping").await;
    let text = alert.text();
    assert_eq!(text.matches("**flaky**").count(), 1, "{text}");
    assert!(text.contains("is flapping (3 outages)"), "{text}");
}
