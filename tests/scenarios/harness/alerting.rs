//! Shared setup of the alert scenarios: a bot that detects outages quickly, and what the scenarios wait for.

use discord_sandbox::{Reply, Sandbox};

use crate::harness::{Rollcall, Running, Web, wait_for};

/// The on-call role.
pub const ROLE: u64 = 77;

/// A bot that checks every second and sets an endpoint offline after one failed check.
pub fn bot(sandbox: &Sandbox) -> Rollcall {
    Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("PROBE_ALLOW", "loopback")
        .with("PROBE_INTERVAL", "1s")
        .with("PROBE_FAILURES_TO_OFFLINE", "1")
        .with("RECHECK_INTERVAL", "1h")
}

/// Waits until `count` endpoints are online.
pub fn wait_until_online(running: &Running<'_>, count: usize) {
    wait_for("the endpoints to be online", || {
        let online = running.metric(r#"rollcall_endpoints{status="online"}"#);
        (online == Some(count as f64)).then_some(())
    });
}

/// Waits until no channel delivery is pending.
pub fn wait_until_delivered(running: &Running<'_>) {
    wait_for("the outbox to be empty", || {
        (running.metric(r#"rollcall_notifications_pending{destination="channel"}"#) == Some(0.0))
            .then_some(())
    });
}

/// Makes every delivery due now: after a few failures, the wait until the next attempt may be longer than a scenario.
pub fn end_backoff(rollcall: &Rollcall) {
    rollcall.sql("UPDATE destinations SET next_try_at = 0");
}

/// Waits until a destination has answered that nothing can be sent there, then moves that into the past, so that it is tried
/// again at once and the next such answer makes it broken.
pub fn pass_suspicion(rollcall: &Rollcall) {
    wait_for("a destination to be suspected", || {
        rollcall
            .sql("SELECT 'suspected' FROM destinations WHERE suspected_at IS NOT NULL AND broken_at IS NULL")
            .pop()
    });
    rollcall.sql("UPDATE destinations SET suspected_at = suspected_at - 120000, next_try_at = 0 WHERE suspected_at IS NOT NULL");
}

/// Waits until a destination is broken.
pub fn wait_until_broken(rollcall: &Rollcall) {
    wait_for("a destination to be broken", || {
        rollcall
            .sql("SELECT 'broken' FROM destinations WHERE broken_at IS NOT NULL")
            .pop()
    });
}

/// The command that sends alerts to the home channel with a mention of the on-call role.
pub fn setup(sandbox: &Sandbox) -> String {
    let channel = sandbox.channel(sandbox.guild());
    format!("/alerts setup channel:{channel} role:{ROLE}")
}

/// Starts the bot with alerts in the home channel and an on-call role. Returns when the endpoint `shop` is online.
pub async fn with_shop<'a>(sandbox: &Sandbox, rollcall: &'a Rollcall, web: &Web) -> Running<'a> {
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let shown = sandbox.slash(&setup(sandbox)).await.render();
    assert!(shown.contains("Alerts"), "{shown}");
    let add = format!("/endpoint add target:{} name:shop", web.target());
    sandbox.slash(&add).await;
    wait_until_online(&running, 1);
    running
}

/// Starts the bot with alerts in the home channel and without a role. Returns when all of `webs` are online.
pub async fn with_webs<'a, 'w>(
    sandbox: &Sandbox,
    rollcall: &'a Rollcall,
    webs: impl IntoIterator<Item = &'w Web>,
) -> Running<'a> {
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let setup = format!("/alerts setup channel:{}", sandbox.channel(sandbox.guild()));
    sandbox.slash(&setup).await;
    let mut count = 0;
    for web in webs {
        let add = format!("/endpoint add target:{} name:web{count}", web.target());
        sandbox.slash(&add).await;
        count += 1;
    }
    wait_until_online(&running, count);
    running
}

/// Imports a list of endpoints into the home guild, all at once.
pub fn import(sandbox: &Sandbox, rollcall: &Rollcall, list: &str) {
    let file = rollcall.path("list.txt");
    std::fs::write(&file, list).unwrap();
    let (file, guild) = (file.display().to_string(), sandbox.guild().0.to_string());
    rollcall.done(&["endpoint", "import", &file, "--guild", &guild]);
}

/// Waits for a message in the home channel that contains `part`.
pub async fn the_message(sandbox: &Sandbox, part: &str) -> Reply {
    sandbox
        .wait_for_messages(sandbox.guild(), part, |messages| {
            let mut found = messages.iter().filter(|one| one.text().contains(part));
            found.next().cloned()
        })
        .await
}
