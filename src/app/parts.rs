//! Builds each component from the settings.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use outbound_policy::AddressPolicy;
use tokio::sync::watch;

use super::AppError;
use crate::actions::devices::heartbeat_batcher::HeartbeatBatcher;
use crate::actions::endpoints::check_runner::CheckRunner;
use crate::actions::endpoints::endpoint_limits::EndpointLimits;
use crate::actions::endpoints::recheck::RecheckOptions;
use crate::actions::endpoints::record_result::Rules;
use crate::clock::Clock;
use crate::discord::bot::diagnosis::{Diagnosis, NoAnswer};
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::discord_id::{ApplicationId, ChannelId, GuildId};
use crate::domain::notifications::presence::PresenceUpdate;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::notify::Senders;
use crate::notify::dead_man::Switch;
use crate::notify::messenger::ChannelAccess;
use crate::notify::picture::renderer::PictureRenderer;
use crate::notify::webhook::WebhookSender;
use crate::probe::{ConnectionRate, Prober, ProberConfig, ProberError};
use crate::settings::{Secret, Settings};
use crate::store::Store;
use crate::store::job_run::RecentRuns;
use crate::web::status_page::live::cache::PageCache;
use crate::web::status_page::live::load::PagesBase;
use crate::{discord, http, jobs, private_files, telemetry};

/// The check runner of the operator's command line, with rules and prober as set in the settings. Its checks have no limits.
pub fn checks(
    settings: &Settings,
    store: &Store,
    timeout: Duration,
) -> Result<CheckRunner, AppError> {
    let prober = unlimited_prober(settings)?;
    Ok(check_runner(settings, store, prober, timeout))
}

fn limited_checks(settings: &Settings, store: &Store) -> Result<CheckRunner, AppError> {
    let probe = &settings.probe;
    let rate = ConnectionRate {
        per_second: probe.address_rate,
        includes_allowed: probe.limits_allowed,
    };
    let prober = prober(settings, Some(rate))?;
    let limits = EndpointLimits {
        quota: settings.quota.endpoints,
        min_interval: probe.min_interval,
        exempt: match probe.limits_allowed {
            true => AddressPolicy::default(),
            false => probe.allow.clone(),
        },
    };
    let checks = check_runner(settings, store, prober, probe.timeout).with_limits(limits);
    Ok(
        match probe.reference_hosts.is_empty() && probe.reference_names.is_empty() {
            true => checks,
            false => checks.with_connectivity_test(),
        },
    )
}

fn check_runner(
    settings: &Settings,
    store: &Store,
    prober: Prober,
    timeout: Duration,
) -> CheckRunner {
    CheckRunner::new(
        prober,
        store.writer.clone(),
        rules(settings),
        timeout,
        Clock::SYSTEM,
    )
}

fn rules(settings: &Settings) -> Rules {
    Rules {
        interval: settings.probe.interval,
        retry_interval: settings.probe.retry_interval,
        recheck_interval: settings.recheck.interval,
        failures_to_offline: settings.probe.failures_to_offline,
    }
}

fn prober(settings: &Settings, connections: Option<ConnectionRate>) -> Result<Prober, AppError> {
    let probe = &settings.probe;
    let config = ProberConfig {
        policy: probe.allow.clone(),
        resolver: probe.resolver,
        reference_names: probe.reference_names.clone(),
        extra_roots_pem: extra_roots(settings)?,
        connections,
    };
    Prober::new(config).map_err(|error| match error {
        ProberError::ExtraRoots(_) | ProberError::ExtraRoot(_) => AppError::Setting(format!(
            "PROBE_CA_FILE: {error}. Set a file with certificates in PEM form. Example: PROBE_CA_FILE=/etc/ssl/home-ca.pem"
        )),
        error => AppError::Setting(error.to_string()),
    })
}

/// The prober of the operator's command line, without limits of connections.
pub fn unlimited_prober(settings: &Settings) -> Result<Prober, AppError> {
    prober(settings, None)
}

/// Questions to Discord about the settings; `None` without a token.
pub fn diagnosis(settings: &Settings) -> Result<Option<Diagnosis>, NoAnswer> {
    Diagnosis::new(&discord_config(settings))
}

/// The certificates of the operator's own CAs as PEM text; empty for none.
fn extra_roots(settings: &Settings) -> Result<Vec<u8>, AppError> {
    let Some(file) = &settings.probe.ca_file else {
        return Ok(Vec::new());
    };
    std::fs::read(file).map_err(|error| {
        AppError::Setting(format!(
            "PROBE_CA_FILE: {} cannot be read: {}. Example: PROBE_CA_FILE=/etc/ssl/home-ca.pem",
            file.display(),
            private_files::reason(&error)
        ))
    })
}

/// What several components share.
pub(crate) struct Parts<'a> {
    pub settings: &'a Settings,
    pub store: &'a Store,
    pub checks: CheckRunner,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub senders: Senders,
    pub recent_runs: RecentRuns,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(settings: &'a Settings, store: &'a Store) -> Result<Self, AppError> {
        let checks = limited_checks(settings, store)?;
        let metrics = Metrics::new().map_err(|error| AppError::Other(error.to_string()))?;
        let most = i64::try_from(settings.database.max_bytes).unwrap_or(i64::MAX);
        metrics.database_limit_bytes.set(most);
        let health = Arc::new(Health::new());
        if settings.discord.token.is_some() {
            health.doubt_application();
        }
        let senders = Senders {
            messenger: discord::messenger(&discord_config(settings), &health),
            webhooks: WebhookSender::new(Arc::new(checks.clone()), &extra_roots(settings)?),
            pictures: PictureRenderer::default(),
        };
        Ok(Self {
            settings,
            store,
            checks,
            metrics: Arc::new(metrics),
            health,
            senders,
            recent_runs: RecentRuns::default(),
        })
    }

    pub(crate) fn http(&self) -> http::HttpState {
        let clock = Clock::SYSTEM;
        http::HttpState {
            store: self.store.clone(),
            metrics: Arc::clone(&self.metrics),
            health: Arc::clone(&self.health),
            heartbeats: HeartbeatBatcher::start(
                self.store.writer.clone(),
                self.settings.quota.devices,
                clock,
            ),
            thresholds: self.settings.heartbeat.thresholds,
            checks: self.checks.clone(),
            device_threshold: self.settings.heartbeat.offline_threshold,
            public_url: self.settings.http.public_url.clone(),
            quota_devices: self.settings.quota.devices,
            quota_servers: self.settings.quota.servers,
            quota_keys: self.settings.quota.keys,
            messenger: self.senders.messenger.clone(),
            limits: http::Limits::default(),
            key_cache: http::KeyCache::default(),
            known_callers: http::KnownCallers::default(),
            read_turns: http::ReadTurns::default(),
            export_turns: http::ReadTurns::default(),
            kept_checks: self.settings.retention.check_archive,
            probe_places: http::ProbePlaces::default(),
            trusted_proxies: self.settings.http.trusted_proxies.clone().into(),
            clock,
        }
    }

    /// The pages for people, at `PUBLIC_URL` or at the address on which Rollcall listens; `None`: they are off.
    pub(super) fn pages(&self, bound: SocketAddr) -> Option<PageCache> {
        let url = match &self.settings.http.public_url {
            Some(url) => url.clone(),
            None if bound.ip().to_canonical().is_loopback() => PublicUrl::bound(bound),
            None => {
                tracing::warn!(
                    "status pages are off, because HTTP_BIND is reachable from other machines and PUBLIC_URL is not set. Example: PUBLIC_URL=https://rollcall.example.org"
                );
                return None;
            }
        };
        let base = PagesBase::of(url.as_str());
        let reader = self.store.reader.clone();
        Some(PageCache::new(reader, base, Clock::SYSTEM))
    }

    pub(super) fn jobs(
        &self,
        presence: watch::Sender<PresenceUpdate>,
    ) -> Result<jobs::JobContext, AppError> {
        let settings = self.settings;
        Ok(jobs::JobContext {
            store: self.store.clone(),
            recent_runs: self.recent_runs.clone(),
            checks: self.checks.clone(),
            metrics: Arc::clone(&self.metrics),
            observing: Arc::default(),
            health: Arc::clone(&self.health),
            scheduling: jobs::Scheduling {
                concurrency: settings.probe.concurrency,
                recheck: recheck_options(settings),
                recheck_interval: settings.recheck.interval,
                reference_hosts: settings.probe.reference_hosts.clone(),
            },
            heartbeat: heartbeat_times(settings),
            gateway: gateway_times(settings),
            retention: jobs::Retention {
                check_results: settings.retention.check_results,
                events: settings.retention.events,
                samples: settings.retention.samples,
                check_archive: settings.retention.check_archive,
                daily_stats: settings.retention.daily_stats,
                left_guilds: settings.retention.left_guilds,
            },
            senders: self.senders.clone(),
            database_max_bytes: settings.database.max_bytes,
            board_interval: settings.board_interval,
            dead_man: dead_man(settings)?,
            presence,
        })
    }

    /// `bound` is the address on which the HTTP server listens.
    pub(super) fn discord(
        &self,
        presence: watch::Receiver<PresenceUpdate>,
        bound: SocketAddr,
    ) -> discord::DiscordState {
        discord::DiscordState {
            store: self.store.clone(),
            recent_runs: self.recent_runs.clone(),
            checks: self.checks.clone(),
            metrics: Arc::clone(&self.metrics),
            health: Arc::clone(&self.health),
            public_url: match &self.settings.http.public_url {
                Some(set) => set.clone(),
                None => PublicUrl::bound(bound),
            },
            thresholds: self.settings.heartbeat.thresholds,
            device_threshold: self.settings.heartbeat.offline_threshold,
            quota_devices: self.settings.quota.devices,
            quota_servers: self.settings.quota.servers,
            quota_keys: self.settings.quota.keys,
            kept_checks: self.settings.retention.check_archive,
            endpoints: discord::EndpointSettings {
                policy: self.settings.probe.allow.clone(),
                recheck: recheck_options(self.settings),
                recheck_interval: self.settings.recheck.interval,
            },
            senders: self.senders.clone(),
            bot: discord::Bot {
                presence,
                command_ids: discord::CommandIds::default(),
                guild_locks: discord::GuildLocks::default(),
                recheck_limit: discord::RecheckLimit::default(),
                picture_limit: discord::PictureLimit::default(),
                main_runtime: tokio::runtime::Handle::current(),
            },
        }
    }
}

/// Values that must never appear in the log.
pub(super) fn secrets(settings: &Settings) -> telemetry::Secrets {
    let known = [&settings.discord.token, &settings.dead_man.url];
    telemetry::Secrets::new(known.into_iter().flatten().map(Secret::reveal))
}

fn dead_man(settings: &Settings) -> Result<Option<jobs::DeadMan>, AppError> {
    let Some(url) = &settings.dead_man.url else {
        return Ok(None);
    };
    let switch = Switch::new(url.reveal()).map_err(|error| AppError::Other(error.to_string()))?;
    Ok(Some(jobs::DeadMan {
        switch,
        interval: settings.dead_man.interval,
    }))
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

/// The application of the bot in the settings, which Discord is asked for.
pub async fn application(settings: &Settings) -> Result<ApplicationId, AppError> {
    let config = discord_config(settings);
    let Some(token) = config.token.as_deref() else {
        let missing = "neither DISCORD_TOKEN nor DISCORD_TOKEN_FILE is set. Set one of them. Example: DISCORD_TOKEN=MTIz.abc.def";
        return Err(AppError::Setting(missing.to_owned()));
    };
    let found = discord::application_of(&config, token).await;
    found.map_err(AppError::Other)
}

/// What the bot in the settings can see of a channel of a guild, which Discord is asked for.
pub async fn channel_access(
    settings: &Settings,
    guild: GuildId,
    channel: ChannelId,
) -> Result<ChannelAccess, AppError> {
    let messenger = discord::messenger(&discord_config(settings), &Arc::new(Health::new()));
    let Some(messenger) = messenger else {
        return Err(AppError::Setting(
            "without DISCORD_TOKEN, Rollcall cannot ask Discord whether the channel belongs to the Discord server".to_owned(),
        ));
    };
    let found = messenger.has_channel(guild, channel).await;
    found.map_err(|error| {
        AppError::Other(format!(
            "Discord did not say whether the channel exists: {error}"
        ))
    })
}

pub(super) fn discord_config(settings: &Settings) -> discord::Config {
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
