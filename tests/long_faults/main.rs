//! Faults that take minutes, with the default intervals. `contrib/faults --long` runs them; `cargo test` does not.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario fails at the first unexpected result"
)]

#[path = "../scenarios/harness/mod.rs"]
#[expect(dead_code, reason = "the scenarios use all of it")]
mod harness;

mod freeze;
mod hosts;
mod uplink;
mod zone;

use std::time::Duration;

use harness::Rollcall;
use harness::own_timer::stopwatch;

/// Waits until `ask` returns a value, and fails after `limit`.
fn wait_up_to<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = stopwatch();
    tokio::task::block_in_place(|| {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(start.elapsed() < limit, "waited {limit:?} for {what}");
            std::thread::park_timeout(Duration::from_secs(1));
        }
    })
}

/// Lets this time pass.
fn pass(length: Duration) {
    let start = stopwatch();
    wait_up_to(length + Duration::from_secs(5), "the time to pass", || {
        (start.elapsed() >= length).then_some(())
    });
}

/// A bot with the default intervals, time-outs and thresholds.
fn bot() -> Rollcall {
    Rollcall::new()
        .with("DISCORD_GUILD_ID", "42")
        .with("PROBE_INTERVAL", "60s")
        .with("PROBE_RETRY_INTERVAL", "10s")
        .with("PROBE_TIMEOUT", "10s")
}

/// Adds these targets to the guild of the bot.
fn import(rollcall: &Rollcall, targets: &[String]) {
    let file = rollcall.path("list.txt");
    std::fs::write(&file, targets.join("\n")).unwrap();
    let file = file.display().to_string();
    rollcall.done(&["endpoint", "import", &file, "--guild", "42"]);
}
