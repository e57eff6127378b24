//! The fixed tour: adds the samples, lets one go down and come back, first asked for and then told, and shows what people
//! would see. Fails where something is not as it should be, so that it can stand in a test run.

use std::time::Duration;

use discord_sandbox::{Reply, Sandbox};

use crate::channel::Channel;
use crate::listeners::Listeners;

/// Nothing on the tour takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn walk(
    sandbox: &Sandbox,
    listeners: &mut Listeners,
) -> Result<(), Box<dyn std::error::Error>> {
    say(sandbox, "/ping", "Pong").await?;
    for sample in listeners.samples() {
        say(
            sandbox,
            &format!(
                "/endpoint add target:{} name:{}",
                sample.target, sample.name
            ),
            "Added.",
        )
        .await?;
    }
    until(sandbox, "/endpoints list", "🟢 **flaky**").await?;
    say(sandbox, "/endpoints list all:true", "4 on the roll").await?;
    outage(sandbox, listeners).await?;
    // Again and again, for a member may recheck once in three seconds only.
    until(
        sandbox,
        "/offline_endpoints recheck ip:203.0.113.99 port:80",
        "Shall I add it?",
    )
    .await?;
    say(sandbox, "/endpoint remove endpoint:silent", "Removed").await?;
    say(sandbox, "/endpoint export", "3 endpoints.").await?;
    alerts(sandbox, listeners).await?;
    println!("The tour is over; everything was as it should be.");
    Ok(())
}

/// An outage as people find it when they ask.
async fn outage(
    sandbox: &Sandbox,
    listeners: &mut Listeners,
) -> Result<(), Box<dyn std::error::Error>> {
    println!("— flaky goes down —");
    listeners.flaky_goes_down().await;
    until(
        sandbox,
        "/offline_endpoints list reason:\"connection refused\"",
        "**flaky**",
    )
    .await?;
    until(
        sandbox,
        "/offline_endpoints list reason:\"timed out\"",
        "**silent**",
    )
    .await?;
    let list = say(sandbox, "/offline_endpoints list", "2 offline").await?;
    say(
        sandbox,
        &format!("/offline_endpoints recheck ip:{}", listeners.flaky_target()),
        "Still offline",
    )
    .await?;

    println!("— flaky comes back —");
    listeners.flaky_comes_back().await?;
    println!("> press Recheck all");
    let done = sandbox.press(&list, "Recheck all").await;
    println!("{}", done.render());
    until(sandbox, "/endpoints list", "🟢 **flaky**").await?;
    say(
        sandbox,
        "/offline_endpoints stats",
        "Reactivated: 1 in 24 h",
    )
    .await?;
    say(sandbox, "/endpoint show endpoint:shop", "Asks and accepts").await?;
    Ok(())
}

/// The same outage as it is told in a channel: one message that changes.
async fn alerts(
    sandbox: &Sandbox,
    listeners: &mut Listeners,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut channel = Channel::default();
    say(sandbox, &Channel::setup(sandbox), "Incidents are told").await?;
    channel.draw_news(sandbox);
    println!("— flaky goes down —");
    listeners.flaky_goes_down().await;
    let alert = told(sandbox, &mut channel, "🔴 flaky is offline").await;
    println!("> press Acknowledge");
    sandbox.press(&alert, "Acknowledge").await;
    told(sandbox, &mut channel, "Acknowledged: <@").await;
    println!("— flaky comes back —");
    listeners.flaky_comes_back().await?;
    told(sandbox, &mut channel, "🟢 flaky was offline").await;
    Ok(())
}

/// Waits until a message in the channel has these words, and draws it.
async fn told(sandbox: &Sandbox, channel: &mut Channel, words: &str) -> Reply {
    let is_there = |messages: &[Reply]| {
        let mut found = messages.iter().filter(|one| one.text().contains(words));
        found.next().cloned()
    };
    let found = sandbox
        .wait_for_messages(sandbox.guild(), words, is_there)
        .await;
    channel.draw_news(sandbox);
    found
}

/// Types a command, shows what comes back, and fails where `words` are not in it.
async fn say(
    sandbox: &Sandbox,
    line: &str,
    words: &str,
) -> Result<Reply, Box<dyn std::error::Error>> {
    println!("> {line}");
    let reply = sandbox.slash(line).await;
    println!("{}", reply.render());
    if reply.text().contains(words) {
        Ok(reply)
    } else {
        Err(format!("`{words}` was expected after {line}").into())
    }
}

/// Types a command again and again until `words` are in its answer, then shows it.
async fn until(
    sandbox: &Sandbox,
    line: &str,
    words: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let found = async {
        loop {
            let reply = sandbox.slash(line).await;
            if reply.text().contains(words) {
                return reply;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let reply = tokio::time::timeout(PATIENCE, found)
        .await
        .map_err(|_| format!("`{words}` never came after {line}"))?;
    println!("> {line}\n{}", reply.render());
    Ok(())
}
