//! The fixed tour: adds the samples, lets one go down and recover, first with commands and then with alerts, and prints what
//! users would see. Fails at the first unexpected result, so that it can be part of a test run.

use std::time::Duration;

use discord_sandbox::{Reply, Sandbox};

use crate::channel::Channel;
use crate::listeners::Listeners;

/// The time-out of every wait on the tour.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn run(
    sandbox: &Sandbox,
    listeners: &mut Listeners,
) -> Result<(), Box<dyn std::error::Error>> {
    expect_reply(sandbox, "/ping", "Pong").await?;
    for sample in listeners.samples() {
        expect_reply(
            sandbox,
            &format!(
                "/endpoint add target:{} name:{}",
                sample.target, sample.name
            ),
            "Added.",
        )
        .await?;
    }
    retry_until(sandbox, "/endpoints list", "🟢 **flaky**").await?;
    expect_reply(sandbox, "/endpoints list all:true", "4 endpoints").await?;
    outage(sandbox, listeners).await?;
    // Repeated, because a member may recheck only once in three seconds.
    retry_until(
        sandbox,
        "/offline_endpoints recheck ip:203.0.113.99 port:80",
        "Do you want to add it?",
    )
    .await?;
    expect_reply(sandbox, "/endpoint remove endpoint:unresponsive", "Removed").await?;
    expect_reply(sandbox, "/endpoint export", "3 endpoints.").await?;
    alerts(sandbox, listeners).await?;
    println!("The tour is over; everything was as it should be.");
    Ok(())
}

/// An outage as users see it with commands.
async fn outage(
    sandbox: &Sandbox,
    listeners: &mut Listeners,
) -> Result<(), Box<dyn std::error::Error>> {
    println!("— flaky goes down —");
    listeners.flaky_goes_down().await;
    retry_until(
        sandbox,
        "/offline_endpoints list reason:\"connection refused\"",
        "**flaky**",
    )
    .await?;
    retry_until(
        sandbox,
        "/offline_endpoints list reason:\"timed out\"",
        "**unresponsive**",
    )
    .await?;
    let list = expect_reply(sandbox, "/offline_endpoints list", "2 offline endpoints").await?;
    expect_reply(
        sandbox,
        &format!("/offline_endpoints recheck ip:{}", listeners.flaky_target()),
        "Still offline",
    )
    .await?;

    println!("— flaky comes back —");
    listeners.flaky_recovers().await?;
    println!("> press Recheck all");
    let done = sandbox.press(&list, "Recheck all").await;
    println!("{}", done.render());
    retry_until(sandbox, "/endpoints list", "🟢 **flaky**").await?;
    expect_reply(
        sandbox,
        "/offline_endpoints stats",
        "Reactivated: 1 in the last 24 h",
    )
    .await?;
    expect_reply(sandbox, "/endpoints show endpoint:shop", "Request").await?;
    Ok(())
}

/// The same outage as an alert in a channel: one message that is edited.
async fn alerts(
    sandbox: &Sandbox,
    listeners: &mut Listeners,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut channel = Channel::default();
    expect_reply(sandbox, &Channel::setup(sandbox), "Alerts").await?;
    channel.print_changes(sandbox);
    println!("— flaky goes down —");
    listeners.flaky_goes_down().await;
    let alert = expect_alert(sandbox, &mut channel, "🔴 flaky is offline").await;
    println!("> press Acknowledge");
    sandbox.press(&alert, "Acknowledge").await;
    expect_alert(sandbox, &mut channel, "Acknowledged: by <@").await;
    println!("— flaky comes back —");
    listeners.flaky_recovers().await?;
    expect_alert(sandbox, &mut channel, "🟢 flaky was offline").await;
    Ok(())
}

/// Waits until a message in the channel contains these words, and prints it.
async fn expect_alert(sandbox: &Sandbox, channel: &mut Channel, words: &str) -> Reply {
    let is_there = |messages: &[Reply]| {
        let mut found = messages.iter().filter(|one| one.text().contains(words));
        found.next().cloned()
    };
    let found = sandbox
        .wait_for_messages(sandbox.guild(), words, is_there)
        .await;
    channel.print_changes(sandbox);
    found
}

/// Sends a command, prints the reply, and fails if it does not contain `words`.
async fn expect_reply(
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

/// Repeats a command until its reply contains `words`, then prints the reply.
async fn retry_until(
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
