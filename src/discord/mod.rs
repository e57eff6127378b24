//! The Discord interface: commands, buttons, messages and the gateway connection. The only folder that uses serenity and
//! poise.
//!
//! Discord runs on its own thread and runtime, because a stalled client can stop a runtime's timers for half a minute. That
//! must not delay checks and jobs. Checks that a command requests run on the main runtime.

pub mod bot;
mod commands;
mod devices;
mod endpoints;
mod gateway;
mod incidents;
mod keys;
mod monitors;
mod notifications;
mod press;
mod servers;
mod setup;
mod silences;
mod ui;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use discord_gateway_relay::PrivilegedIntent;
use discord_gateway_relay::rest::{self, LimitedRest, Rest, RestError};
use outbound_policy::AddressPolicy;
use tokio::sync::{oneshot, watch};

use crate::actions::endpoints::check_runner::CheckRunner;
use crate::actions::endpoints::recheck::RecheckOptions;
use crate::domain::Timestamp;
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::discord_id::{ApplicationId, GuildId};
use crate::domain::notifications::presence::PresenceUpdate;
use crate::domain::servers::threshold::Thresholds;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::notify::Senders;
use crate::notify::messenger::Messenger;
use crate::store::Store;
use crate::store::job_run::RecentRuns;

pub use discord_gateway_relay::CommandIds;
pub use monitors::pictures::PictureLimit;
#[cfg(fuzzing)]
pub(crate) use ui::custom_id::Button;
pub use ui::recheck_limit::RecheckLimit;

/// The targets under which serenity logs that its gateway closed the connection. Its gateway is the relay, which has logged the
/// reason already, and closes with one code for every reason.
pub const REPEATED_LOG: [&str; 2] = [
    "serenity::gateway::shard",
    "serenity::gateway::bridge::shard_runner",
];

/// How to reach Discord.
#[derive(Clone)]
pub struct Config {
    pub token: Option<String>,
    pub guild: Option<GuildId>,
    pub api_url: String,
    /// The connection is dropped if no heartbeat is acknowledged for this long.
    pub heartbeat_timeout: Duration,
    /// Attempts in a row before the retries become slow.
    pub max_reconnects: u32,
    pub privileged_intents: Vec<PrivilegedIntent>,
}

/// What commands and buttons share.
#[derive(Clone, Debug)]
pub struct DiscordState {
    pub store: Store,
    /// The last runs of the background jobs.
    pub recent_runs: RecentRuns,
    pub checks: CheckRunner,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    /// The address that devices, agents and people use.
    pub public_url: PublicUrl,
    /// Thresholds for servers without their own.
    pub thresholds: Thresholds,
    /// For devices without a threshold of their own.
    pub device_threshold: Duration,
    /// The maximum number of devices of a guild.
    pub quota_devices: u64,
    /// The maximum number of servers of a guild.
    pub quota_servers: u64,
    /// How long single checks are kept.
    pub kept_checks: Duration,
    /// The maximum number of valid keys of a guild.
    pub quota_keys: u64,
    pub endpoints: EndpointSettings,
    pub senders: Senders,
    pub bot: Bot,
}

/// The operator's settings about endpoints.
#[derive(Clone, Debug)]
pub struct EndpointSettings {
    /// Where checks may connect.
    pub policy: AddressPolicy,
    pub recheck: RecheckOptions,
    /// Time between two runs of the recheck job.
    pub recheck_interval: Duration,
}

/// What belongs to the bot as a whole.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Kept up to date by a job.
    pub presence: watch::Receiver<PresenceUpdate>,
    pub command_ids: CommandIds,
    pub guild_locks: GuildLocks,
    pub recheck_limit: RecheckLimit,
    pub picture_limit: PictureLimit,
    /// The main runtime, which runs checks.
    pub main_runtime: tokio::runtime::Handle,
}

impl DiscordState {
    fn now(&self) -> Timestamp {
        self.checks.clock.now()
    }
}

/// Guilds in which a long operation is running. Each guild runs one at a time.
#[derive(Clone, Debug, Default)]
pub struct GuildLocks(Arc<Mutex<HashSet<GuildId>>>);

/// Held while a guild's operation runs.
#[derive(Debug)]
struct GuildLock {
    guild: GuildId,
    locks: GuildLocks,
}

impl GuildLocks {
    /// Takes a guild's lock; `None` if an operation is already running there.
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

/// Discord refused the bot for good; the sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("{}", ui::texts::TOKEN_REJECTED)]
    Token,
    #[error("{}", ui::texts::intents_rejected(.0))]
    Intents(u16),
    #[error("{}", ui::texts::GATEWAY_VERSION_REJECTED)]
    Version,
    /// The token belongs to another bot than the one in the stored guilds.
    #[error("{}", ui::texts::other_application(*.stored, *.of_token))]
    Application {
        stored: ApplicationId,
        of_token: ApplicationId,
    },
}

/// The application that a token belongs to.
///
/// # Errors
/// Discord does not say; the error tells why.
pub async fn application_of(config: &Config, token: &str) -> Result<ApplicationId, String> {
    let found = async {
        let rest = Rest::new(http_client()?, &config.api_url, token);
        rest.application().await
    };
    let found = found.await.map_err(|error| error.to_string())?;
    Ok(ApplicationId(found.get()))
}

/// The messenger that sends notifications to Discord; `None` without a token.
pub fn messenger(config: &Config, health: &Arc<Health>) -> Option<Arc<dyn Messenger>> {
    let token = config.token.as_deref()?;
    match http_client() {
        Ok(client) => {
            let rest = LimitedRest::new(Rest::new(client, &config.api_url, token));
            let health = Arc::clone(health);
            Some(Arc::new(notifications::messenger::ChannelMessenger::new(
                rest, health,
            )))
        }
        Err(error) => {
            tracing::error!(%error, "cannot start the Discord messenger; Rollcall sends nothing to Discord");
            None
        }
    }
}

/// The HTTP client for Discord's API. serenity's own has no time limit.
fn http_client() -> Result<reqwest::Client, RestError> {
    rest::http_client(concat!("Rollcall, ", env!("CARGO_PKG_VERSION")))
}

/// The running client.
#[derive(Debug)]
pub struct Handle {
    refused: oneshot::Receiver<Refused>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Handle {
    /// Waits until Discord refuses the bot for good, which normally never happens.
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

/// Shows the commands and the ends of connections that are counted in the metrics, before any of them happens.
pub fn show_in_metrics(metrics: &Metrics) {
    let names = commands::counted_names();
    metrics.show_commands(names.iter().map(String::as_str));
    metrics.show_reconnect_reasons(discord_gateway_relay::reconnect_reasons());
}

/// Starts the client on its own thread; without a token it only logs a warning.
pub fn start(config: Config, app: DiscordState, stop: &watch::Receiver<bool>) -> Handle {
    let (refused_sender, refused) = oneshot::channel();
    let Some(token) = config.token.clone() else {
        tracing::warn!(
            "DISCORD_TOKEN is not set; Rollcall runs without Discord. docs/quick-start.md explains how to get a token"
        );
        return Handle {
            refused,
            ended: None,
        };
    };
    app.health.expect_gateway();
    let (ended_sender, ended) = oneshot::channel();
    let stop = stop.clone();
    let thread = std::thread::Builder::new()
        .name("discord".into())
        .spawn(move || {
            if let Some(error) = gateway::client::run(&token, &config, &app, &stop) {
                // The receiver may be dropped already when the process is stopping.
                let _ = refused_sender.send(error);
            }
            let _ = ended_sender.send(());
        });
    if let Err(error) = thread {
        tracing::error!(%error, "cannot start the Discord thread; Rollcall runs without Discord");
    }
    Handle {
        refused,
        ended: Some(ended),
    }
}

/// The context that poise passes to a command.
type Context<'a> = poise::Context<'a, DiscordState, ui::error::CommandError>;
