//! Composition: builds all components, starts and supervises them, and drains them on shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::actions::devices::heartbeat_batcher::HeartbeatBatcher;
use crate::actions::endpoints::check_runner::CheckRunner;
use crate::actions::endpoints::recheck::RecheckOptions;
use crate::actions::endpoints::record_result::Rules;
use crate::clock::Clock;
use crate::domain::presence::{PresenceUpdate, presence};
use crate::health::Health;
use crate::metrics::Metrics;
use crate::notify::dead_man::Switch;
use crate::notify::messenger::Messenger;
use crate::notify::service_manager;
use crate::notify::webhook::WebhookSender;
use crate::probe::{Prober, ProberConfig, ProberError};
use crate::settings::{Secret, Settings};
use crate::store::{Store, StoreError};
use crate::{discord, http, jobs, telemetry};

/// Time for all tasks to end after the signal; tasks that take longer are abandoned.
const DRAIN: Duration = Duration::from_secs(8);

/// Why the bot did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Settings(#[from] crate::settings::SettingsError),
    #[error("{0}")]
    Setting(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Discord(#[from] discord::Refused),
    #[error("{0}")]
    Other(String),
}

impl AppError {
    /// 2 for settings, 3 for the database, 4 if Discord refused permanently, 1 for anything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) | Self::Setting(_) => 2,
            Self::Store(_) => 3,
            Self::Discord(_) => 4,
            Self::Other(_) => 1,
        }
    }
}

/// The check runner, with rules and prober as set in the settings.
pub fn checks(
    settings: &Settings,
    store: &Store,
    timeout: Duration,
) -> Result<CheckRunner, AppError> {
    let prober = prober(settings)?;
    Ok(CheckRunner::new(
        prober,
        store.writer.clone(),
        rules(settings),
        timeout,
        Clock::SYSTEM,
    ))
}

fn rules(settings: &Settings) -> Rules {
    Rules {
        interval: settings.probe.interval,
        retry_interval: settings.probe.retry_interval,
        recheck_interval: settings.recheck.interval,
        failures_to_offline: settings.probe.failures_to_offline,
    }
}

fn prober(settings: &Settings) -> Result<Prober, AppError> {
    let probe = &settings.probe;
    let config = ProberConfig {
        policy: probe.allow.clone(),
        resolver: probe.resolver,
        extra_roots_pem: extra_roots(settings)?,
    };
    Prober::new(config).map_err(|error: ProberError| AppError::Setting(error.to_string()))
}

/// The certificates of the operator's own CAs as PEM text; empty for none.
fn extra_roots(settings: &Settings) -> Result<Vec<u8>, AppError> {
    let Some(file) = &settings.probe.ca_file else {
        return Ok(Vec::new());
    };
    std::fs::read(file).map_err(|error| {
        AppError::Setting(format!(
            "PROBE_CA_FILE: {} cannot be read: {error}; a right one is PROBE_CA_FILE=/etc/ssl/home-ca.pem",
            file.display()
        ))
    })
}

/// Runs the bot until a signal arrives.
pub async fn run(settings: Settings) -> Result<(), AppError> {
    let log = telemetry::start(&settings.log, secrets(&settings))
        .map_err(|error| AppError::Setting(error.to_string()))?;
    // A panic must appear in the log, too.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, "a task panicked");
    }));
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let lock = Store::lock(&settings.database_url)?;
    let store = Store::open(&settings.database_url).await?;
    let result = run_on(&settings, &store).await;
    store.close().await;
    drop((lock, log));
    result
}

/// Values that must never appear in the log.
fn secrets(settings: &Settings) -> telemetry::Secrets {
    let known = [&settings.discord.token, &settings.dead_man.url];
    telemetry::Secrets::new(known.into_iter().flatten().map(Secret::reveal))
}

async fn run_on(settings: &Settings, store: &Store) -> Result<(), AppError> {
    let checks = checks(settings, store, settings.probe.timeout)?;
    let shared = Shared {
        settings,
        store,
        webhook_sender: WebhookSender::new(Arc::new(checks.clone()), &extra_roots(settings)?),
        checks,
        metrics: Arc::new(Metrics::new().map_err(|error| AppError::Other(error.to_string()))?),
        health: Arc::new(Health::new()),
        messenger: discord::messenger(&discord_config(settings)),
    };
    let listener = http::bind(settings.http.bind)
        .await
        .map_err(|error| AppError::Setting(error.to_string()))?;
    announce(
        settings,
        listener
            .local_addr()
            .map_err(|error| AppError::Other(error.to_string()))?,
    )?;
    let (stop_sender, stop) = watch::channel(false);
    let (presence_sender, presence_receiver) = watch::channel(PresenceUpdate {
        presence: presence(&[], &settings.discord.presence),
        refreshes: 0,
    });
    let mut signals = Signals::new()?;

    let app = shared.http_state();
    let mut tasks = vec![tokio::spawn(
        http::Server { listener, app }.run(stop.clone()),
    )];
    tasks.extend(jobs::start(&shared.job_context(presence_sender)?, &stop).await?);
    let app = shared.discord_state(presence_receiver);
    let mut discord = discord::start(discord_config(settings), app, &stop);
    service_manager::ready();
    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        refused = discord.refused() => Err(AppError::Discord(refused)),
    };
    service_manager::stopping();
    tracing::info!("stopping");
    stop_sender.send_replace(true);
    drain(tasks, discord).await;
    ended
}

/// What several components need.
struct Shared<'a> {
    settings: &'a Settings,
    store: &'a Store,
    checks: CheckRunner,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    messenger: Option<Arc<dyn Messenger>>,
    webhook_sender: WebhookSender,
}

impl Shared<'_> {
    fn http_state(&self) -> http::AppState {
        http::AppState {
            store: self.store.clone(),
            metrics: Arc::clone(&self.metrics),
            health: Arc::clone(&self.health),
            heartbeats: HeartbeatBatcher::start(
                self.store.writer.clone(),
                self.settings.quota.devices,
                Clock::SYSTEM,
            ),
            thresholds: self.settings.heartbeat.thresholds,
            checks: self.checks.clone(),
            quota_endpoints: self.settings.quota.endpoints,
            rate_limit: http::RateLimit::authenticated(),
            unauthenticated: http::RateLimit::unauthenticated(),
            key_cache: http::KeyCache::default(),
            clock: Clock::SYSTEM,
        }
    }

    fn job_context(
        &self,
        presence: watch::Sender<PresenceUpdate>,
    ) -> Result<jobs::Context, AppError> {
        let settings = self.settings;
        Ok(jobs::Context {
            store: self.store.clone(),
            checks: self.checks.clone(),
            metrics: Arc::clone(&self.metrics),
            health: Arc::clone(&self.health),
            recheck: recheck_options(settings),
            recheck_interval: settings.recheck.interval,
            retention_check_results: settings.retention.check_results,
            retention_events: settings.retention.events,
            retention_samples: settings.retention.samples,
            check_concurrency: settings.probe.concurrency,
            gateway: gateway_times(settings),
            heartbeat_times: heartbeat_times(settings),
            dead_man: dead_man(settings)?,
            messenger: self.messenger.clone(),
            webhook_sender: self.webhook_sender.clone(),
            dead_man_interval: settings.dead_man.interval,
            reference_hosts: settings.probe.reference_hosts.clone(),
            board_interval: settings.board_interval,
            presence,
        })
    }

    fn discord_state(&self, presence: watch::Receiver<PresenceUpdate>) -> discord::AppState {
        discord::AppState {
            store: self.store.clone(),
            checks: self.checks.clone(),
            messenger: self.messenger.clone(),
            webhook_sender: self.webhook_sender.clone(),
            metrics: Arc::clone(&self.metrics),
            health: Arc::clone(&self.health),
            quota_endpoints: self.settings.quota.endpoints,
            recheck: recheck_options(self.settings),
            recheck_interval: self.settings.recheck.interval,
            policy: self.settings.probe.allow.clone(),
            thresholds: self.settings.heartbeat.thresholds,
            guild_locks: discord::GuildLocks::default(),
            presence,
            command_ids: discord::CommandIds::default(),
            main_runtime: tokio::runtime::Handle::current(),
        }
    }
}

fn dead_man(settings: &Settings) -> Result<Option<Switch>, AppError> {
    let url = settings.dead_man.url.as_ref();
    url.map(|url| Switch::new(url.reveal()))
        .transpose()
        .map_err(|error| AppError::Other(error.to_string()))
}

fn recheck_options(settings: &Settings) -> RecheckOptions {
    let recheck = &settings.recheck;
    RecheckOptions {
        min_age: recheck.min_age,
        batch: recheck.batch,
        concurrency: recheck.concurrency,
    }
}

fn heartbeat_times(settings: &Settings) -> jobs::HeartbeatTimes {
    let heartbeat = &settings.heartbeat;
    if !heartbeat.is_enabled {
        tracing::warn!(
            "HEARTBEAT_ENABLED is false: overdue devices are not detected and stay online"
        );
    }
    jobs::HeartbeatTimes {
        is_on: heartbeat.is_enabled,
        check_interval: heartbeat.check_interval,
        device_threshold: heartbeat.offline_threshold,
        thresholds: heartbeat.thresholds,
    }
}

fn gateway_times(settings: &Settings) -> jobs::GatewayTimes {
    let discord = &settings.discord;
    jobs::GatewayTimes {
        is_on: discord.token.is_some(),
        keepalive_interval: discord.keepalive_interval,
        health_interval: discord.health_interval,
        inactivity_warning: discord.inactivity_warning,
        offline_warning: discord.offline_warning,
        presence_template: discord.presence.clone(),
    }
}

fn discord_config(settings: &Settings) -> discord::Config {
    let discord = &settings.discord;
    discord::Config {
        token: discord
            .token
            .as_ref()
            .map(|token| token.reveal().to_owned()),
        guild: discord.guild,
        api_url: discord.api_url.clone(),
        heartbeat_timeout: discord.heartbeat_timeout,
        max_reconnects: discord.max_reconnects,
        privileged_intents: discord.privileged_intents.clone(),
    }
}

/// Publishes the address of the HTTP server: in the log, and in a file for a program that started Rollcall with port 0.
fn announce(settings: &Settings, address: SocketAddr) -> Result<(), AppError> {
    tracing::info!(%address, "Rollcall {} is up, HTTP on {address}", env!("CARGO_PKG_VERSION"));
    let Some(file) = &settings.http.addr_file else {
        return Ok(());
    };
    // Written to a temporary file and renamed, so that a reader never sees part of an address.
    let draft = file.with_extension("tmp");
    std::fs::write(&draft, format!("{address}\n"))
        .and_then(|()| std::fs::rename(&draft, file))
        .map_err(|error| {
            AppError::Setting(format!(
                "ROLLCALL_ADDR_FILE: {} cannot be written: {error}",
                file.display()
            ))
        })
}

/// The two signals that request a shutdown.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, AppError> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| AppError::Other(format!("signals cannot be listened to: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn drain(tasks: Vec<JoinHandle<()>>, discord: discord::Handle) {
    let all = async {
        discord.stopped().await;
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task failed");
            }
        }
    };
    if tokio::time::timeout(DRAIN, all).await.is_err() {
        tracing::warn!(
            "shutdown timed out; unfinished work is abandoned, acknowledged work is stored"
        );
    }
}
