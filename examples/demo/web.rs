//! The demo in the browser: the sandbox's own client shows the channels, and people use the bot there.

use std::net::SocketAddr;
use std::time::Duration;

use discord_sandbox::{Builder, Member, Role, Sandbox};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::listeners::Listeners;

/// The time between two changes of the flaky endpoint.
const CHANGE_EVERY: Duration = Duration::from_secs(45);

const ON_CALL: u64 = 2001;

/// A sandbox with names, as they stand in the client.
pub fn builder() -> Builder {
    Sandbox::builder()
        .guild_name("Corner Shop")
        .bot_name("Rollcall")
}

/// Adds the channels, the role and the members of the demo. Returns the channel for alerts.
pub fn name_everything(sandbox: &Sandbox) -> u64 {
    let guild = sandbox.guild();
    let role = Role::new(ON_CALL, "on-call").with_color(0xE6_7E_22);
    sandbox.set_roles(guild, &[role.mentionable()]);
    let members = [
        Member::manager(1001, "ada").with_role(ON_CALL),
        Member::plain(1002, "sam"),
    ];
    sandbox.add_members(guild, &members);
    sandbox.add_channel(guild, "alerts")
}

/// The signals that end the demo. From now on, they no longer end it without cleaning up.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub fn on_signals() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Adds the samples and serves the client. Ends only with an error.
pub async fn run(
    sandbox: &Sandbox,
    listeners: &mut Listeners,
    alerts: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let ada = Member::manager(1001, "ada").with_role(ON_CALL);
    for sample in listeners.samples() {
        let line = format!(
            "/endpoint add target:{} name:{}",
            sample.target, sample.name
        );
        sandbox.member(&ada).slash(&line).await;
    }
    sandbox
        .member(&ada)
        .in_channel(alerts)
        .slash("/alerts setup channel:#alerts role:@on-call")
        .await;
    let client = sandbox
        .serve_client(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await?;
    println!("Open {} in a browser. Ctrl-C ends the demo.", client.url());
    loop {
        tokio::time::sleep(CHANGE_EVERY).await;
        println!("flaky {}", listeners.toggle_flaky().await?);
    }
}
