//! What the stories about alerts have in common: a bot that is quick to notice, and what is waited for.

use discord_sandbox::{Reply, Sandbox};

use crate::harness::{Rollcall, Running, wait_for};

/// What fails once is offline; what works is seen again within a second.
pub fn bot(sandbox: &Sandbox) -> Rollcall {
    Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("PROBE_ALLOW", "loopback")
        .with("PROBE_INTERVAL", "1s")
        .with("PROBE_FAILURES_TO_OFFLINE", "1")
        .with("RECHECK_INTERVAL", "1h")
}

/// Waits until so many endpoints are online.
pub fn wait_until_online(running: &Running<'_>, count: usize) {
    wait_for("everything to be online", || {
        let online = running.metric(r#"rollcall_endpoints{status="online"}"#);
        (online == Some(count as f64)).then_some(())
    });
}

/// The first message in the home channel that says this.
pub async fn the_message(sandbox: &Sandbox, part: &str) -> Reply {
    sandbox
        .wait_for_messages(sandbox.guild(), part, |messages| {
            let mut found = messages.iter().filter(|one| one.text().contains(part));
            found.next().cloned()
        })
        .await
}
