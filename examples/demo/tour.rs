//! The fixed tour: adds the samples, lets one go down and come back, and shows what people would see. Fails where
//! something is not as it should be, so that it can stand in a test run.

use std::time::Duration;

use discord_sandbox::{Reply, Sandbox};

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
    // Again and again, for a member may recheck once in three seconds only.
    until(
        sandbox,
        "/offline_endpoints recheck ip:203.0.113.99 port:80",
        "Shall I add it?",
    )
    .await?;
    say(sandbox, "/endpoint remove endpoint:silent", "Removed").await?;
    say(sandbox, "/endpoint export", "3 endpoints.").await?;
    println!("The tour is over; everything was as it should be.");
    Ok(())
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
