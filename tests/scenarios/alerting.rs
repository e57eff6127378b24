//! What the stories about alerts have in common: a bot that is quick to notice, and what is waited for.

use discord_sandbox::{Reply, Sandbox};

use crate::harness::{Rollcall, Running, Web, wait_for};

/// Whoever is called.
pub const ROLE: u64 = 77;

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

/// Waits until everything is told in the channels.
pub fn wait_until_told(running: &Running<'_>) {
    wait_for("the outbox to be empty", || {
        (running.metric(r#"rollcall_notifications_pending{destination="channel"}"#) == Some(0.0))
            .then_some(())
    });
}

/// The command that has the home channel told, and the role called.
pub fn setup(sandbox: &Sandbox) -> String {
    let channel = sandbox.channel(sandbox.guild());
    format!("/alerts setup channel:{channel} role:{ROLE}")
}

/// The bot runs, tells the home channel and calls the role, and has found one endpoint online.
pub async fn with_shop<'a>(sandbox: &Sandbox, rollcall: &'a Rollcall, web: &Web) -> Running<'a> {
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let shown = sandbox.slash(&setup(sandbox)).await.render();
    assert!(shown.contains("Incidents are told"), "{shown}");
    let add = format!("/endpoint add target:{} name:shop", web.target());
    sandbox.slash(&add).await;
    wait_until_online(&running, 1);
    running
}

/// The bot runs, tells the home channel of these, and has found all of them online.
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

/// Puts a list of endpoints onto the home guild's roll, all at once.
pub fn import(sandbox: &Sandbox, rollcall: &Rollcall, list: &str) {
    let file = rollcall.path("list.txt");
    std::fs::write(&file, list).unwrap();
    let (file, guild) = (file.display().to_string(), sandbox.guild().0.to_string());
    rollcall.done(&["endpoint", "import", &file, "--guild", &guild]);
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
