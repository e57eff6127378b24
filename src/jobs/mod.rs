//! Background jobs. Each periodic job is idempotent, takes no input and does not retry within a run: its next run is the
//! retry. `endpoints/scheduler` never ends: it checks the endpoints as they become due.

mod devices;
mod driver;
mod endpoints;
mod incidents;
mod notifications;
mod prune;
mod reconcile;
mod self_health;
mod servers;
mod silences;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use devices::heartbeat_monitor;
use endpoints::{recheck, scheduler};
use incidents::{bulk_alerts, diagnose, flapping, reminders};
use notifications::{board, channel_delivery, webhook_delivery};
use self_health::{
    bot_health, dead_man, keep_alive, observation_window, presence, timers, watchdog,
};
use servers::{auto_thresholds, server_monitor};
use silences::{expire_mutes, maintenance_windows};

use crate::actions::endpoints::check_runner::CheckRunner;
use crate::actions::endpoints::recheck::RecheckOptions;
use crate::domain::endpoints::connectivity::ReferenceHost;
use crate::domain::presence::PresenceUpdate;
use crate::domain::servers::threshold::Thresholds;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::notify::dead_man::Switch;
use crate::notify::messenger::Messenger;
use crate::notify::webhook::WebhookSender;
use crate::store::{Store, StoreError};

/// State and settings that the jobs share.
#[derive(Clone, Debug)]
pub struct Context {
    pub store: Store,
    pub checks: CheckRunner,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub recheck: RecheckOptions,
    pub recheck_interval: Duration,
    pub retention_check_results: Duration,
    pub retention_events: Duration,
    pub check_concurrency: usize,
    pub gateway: GatewayTimes,
    pub heartbeat_times: HeartbeatTimes,
    pub retention_samples: Duration,
    /// Where the dead-man ping is sent; its interval follows.
    pub dead_man: Option<Switch>,
    pub dead_man_interval: Duration,
    /// Sends messages to people; `None` without Discord.
    pub messenger: Option<Arc<dyn Messenger>>,
    /// Sends to webhooks, also without Discord.
    pub webhook_sender: WebhookSender,
    /// Checked when many endpoints fail at once; empty turns the connectivity check off.
    pub reference_hosts: Vec<ReferenceHost>,
    /// The shortest time between two edits of a board.
    pub board_interval: Duration,
    /// What the presence shows.
    pub presence: watch::Sender<PresenceUpdate>,
}

/// Settings of the jobs that watch the connection to Discord.
#[derive(Clone, Debug)]
pub struct GatewayTimes {
    /// Whether a token is set: without one there is no connection to watch.
    pub is_on: bool,
    pub keepalive_interval: Duration,
    pub health_interval: Duration,
    pub inactivity_warning: Duration,
    pub offline_warning: Duration,
    pub presence_template: String,
}

/// Settings of the jobs that detect missed heartbeats and reports.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatTimes {
    /// Whether the heartbeat monitor runs.
    pub is_on: bool,
    pub check_interval: Duration,
    /// For devices without a threshold of their own.
    pub device_threshold: Duration,
    /// For servers without thresholds of their own.
    pub thresholds: Thresholds,
}

/// How long observation windows are kept: longer than any threshold.
const WINDOWS_KEPT: Duration = Duration::from_secs(40 * 24 * 3600);

/// A periodic job: one row of the table below.
struct Job {
    name: &'static str,
    period: Duration,
    run: fn(&Context) -> BoxFuture<'_, Result<String, StoreError>>,
}

/// Builds the row of a job from its file and its period.
macro_rules! job {
    ($file:ident, $period:expr) => {
        Job {
            name: $file::NAME,
            period: $period,
            run: |context| Box::pin($file::run(context)),
        }
    };
}

fn table(context: &Context) -> Vec<Job> {
    let (gateway, heartbeat_times) = (&context.gateway, &context.heartbeat_times);
    let server_period = server_monitor::PERIOD.min(heartbeat_times.thresholds.online());
    let mut jobs = vec![
        job!(recheck, context.recheck_interval),
        job!(prune, prune::PERIOD),
        job!(server_monitor, server_period),
        job!(auto_thresholds, auto_thresholds::PERIOD),
        job!(diagnose, diagnose::PERIOD),
        job!(maintenance_windows, maintenance_windows::PERIOD),
        job!(bulk_alerts, bulk_alerts::PERIOD),
        job!(reminders, reminders::PERIOD),
        job!(flapping, flapping::PERIOD),
        job!(expire_mutes, expire_mutes::PERIOD),
    ];
    if heartbeat_times.is_on {
        jobs.push(job!(heartbeat_monitor, heartbeat_times.check_interval));
    }
    if gateway.is_on {
        jobs.push(job!(keep_alive, gateway.keepalive_interval));
        jobs.push(job!(bot_health, gateway.health_interval));
    }
    if context.dead_man.is_some() {
        jobs.push(job!(dead_man, context.dead_man_interval));
    }
    jobs
}

/// Starts every job; each ends when `stop` turns true.
pub async fn start(
    context: &Context,
    stop: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let window = observation_window::begin(context).await?;
    let mut tasks: Vec<_> = table(context)
        .into_iter()
        .map(|job| tokio::spawn(driver::drive(job, context.clone(), stop.clone())))
        .collect();
    tasks.push(tokio::spawn(scheduler::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(presence::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(watchdog::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(observation_window::run(
        context.clone(),
        window,
        stop.clone(),
    )));
    tasks.push(tokio::spawn(channel_delivery::run(
        context.clone(),
        stop.clone(),
    )));
    tasks.push(tokio::spawn(board::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(webhook_delivery::run(
        context.clone(),
        stop.clone(),
    )));
    tasks.push(tokio::spawn(timers::run(context.clone(), stop.clone())));
    Ok(tasks)
}
