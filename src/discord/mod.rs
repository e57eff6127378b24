//! The Discord door; the only folder that names serenity and poise.
//!
//! Discord lives on a thread and a runtime of its own, because a stalled client can stop a runtime's timers for half a
//! minute; looks and jobs must not notice. Looks that a command asks for run on the main runtime.

mod access;
mod buttons;
mod cards;
mod client;
mod commands;
mod complete;
mod error;
mod framework;
mod handlers;
mod messenger;
mod registration;
mod relay;
mod reply;
mod rest;
mod roles;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::actions::check_runner::CheckRunner;
use crate::actions::recheck::RecheckOptions;
use crate::domain::Timestamp;
use crate::domain::address::AddressPolicy;
use crate::domain::intent::PrivilegedIntent;
use crate::domain::monitor::GuildId;
use crate::domain::presence::PresenceUpdate;
use crate::domain::threshold::Thresholds;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::notify::messenger::Messenger;
use crate::notify::webhook::WebhookSender;
use crate::store::Store;

pub use registration::CommandIds;

/// How to reach Discord.
#[derive(Clone)]
pub struct Config {
    pub token: Option<String>,
    pub guild: Option<GuildId>,
    pub api_url: String,
    /// No heartbeat acknowledged for this long: the connection is given up.
    pub heartbeat_timeout: Duration,
    /// Attempts in a row before the retries become slow.
    pub max_reconnects: u32,
    pub privileged_intents: Vec<PrivilegedIntent>,
}

/// What commands and buttons work with.
#[derive(Clone, Debug)]
pub struct AppState {
    pub store: Store,
    pub checks: CheckRunner,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub quota_endpoints: u64,
    pub recheck: RecheckOptions,
    pub recheck_interval: Duration,
    pub policy: AddressPolicy,
    /// Of servers that have none of their own.
    pub thresholds: Thresholds,
    pub guild_locks: GuildLocks,
    /// Through which alerts go out.
    pub messenger: Option<Arc<dyn Messenger>>,
    pub webhook_sender: WebhookSender,
    /// What the presence shows, kept in step by a job.
    pub presence: watch::Receiver<PresenceUpdate>,
    pub command_ids: CommandIds,
    /// Where looks run.
    pub home: tokio::runtime::Handle,
}

impl AppState {
    fn now(&self) -> Timestamp {
        self.checks.clock.now()
    }
}

/// Guilds in which a long piece of work is under way, one at a time in each.
#[derive(Clone, Debug, Default)]
pub struct GuildLocks(Arc<Mutex<HashSet<GuildId>>>);

/// Held while the work of a guild goes on.
#[derive(Debug)]
struct GuildLock {
    guild: GuildId,
    locks: GuildLocks,
}

impl GuildLocks {
    /// `None` where this guild's work is under way already.
    fn take(&self, guild: GuildId) -> Option<GuildLock> {
        let is_first = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(guild);
        is_first.then(|| GuildLock {
            guild,
            locks: self.clone(),
        })
    }
}

impl Drop for GuildLock {
    fn drop(&mut self) {
        self.locks
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.guild);
    }
}

/// Discord refused us for good; the sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(
        "DISCORD_TOKEN: Discord does not know this token; open https://discord.com/developers/applications, choose the application, Bot, Reset Token, and set DISCORD_TOKEN to the new one"
    )]
    Token,
    #[error(
        "Discord refused the connection for good, because of the intents that Rollcall asks for (close code {0}); install the newest Rollcall"
    )]
    Intents(u16),
    #[error(
        "Discord no longer speaks the version of its gateway that this Rollcall speaks (close code 4012); install the newest Rollcall"
    )]
    Version,
}

/// The way out for alerts; `None` without a token.
pub fn messenger(config: &Config) -> Option<Arc<dyn Messenger>> {
    let token = config.token.as_deref()?;
    match rest::Rest::new(&config.api_url, token) {
        Ok(rest) => Some(Arc::new(messenger::ChannelMessenger::new(rest))),
        Err(error) => {
            tracing::error!(%error, "alerts cannot be sent");
            None
        }
    }
}

/// The running client.
#[derive(Debug)]
pub struct Handle {
    refused: oneshot::Receiver<Refused>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Handle {
    /// Waits until Discord refuses us for good, which normally never happens.
    pub async fn refused(&mut self) -> Refused {
        match (&mut self.refused).await {
            Ok(refused) => refused,
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits until the client has ended.
    pub async fn stopped(self) {
        if let Some(ended) = self.ended {
            let _ = ended.await;
        }
    }
}

/// Starts the client on a thread of its own; without a token it only says so.
pub fn start(config: Config, app: AppState, stop: &watch::Receiver<bool>) -> Handle {
    let (tell_refused, refused) = oneshot::channel();
    let Some(token) = config.token.clone() else {
        tracing::warn!(
            "DISCORD_TOKEN is not set: everything but Discord runs; README.md tells how to get a token"
        );
        return Handle {
            refused,
            ended: None,
        };
    };
    app.health.expect_gateway();
    let (tell_ended, ended) = oneshot::channel();
    let stop = stop.clone();
    let thread = std::thread::Builder::new()
        .name("discord".into())
        .spawn(move || {
            if let Some(error) = client::run(&token, &config, &app, &stop) {
                // Nobody waits for it any more where the process is stopping.
                let _ = tell_refused.send(error);
            }
            let _ = tell_ended.send(());
        });
    if let Err(error) = thread {
        tracing::error!(%error, "the thread for Discord cannot start; everything else runs");
    }
    Handle {
        refused,
        ended: Some(ended),
    }
}

/// What a command is given.
type Context<'a> = poise::Context<'a, AppState, error::CommandError>;
