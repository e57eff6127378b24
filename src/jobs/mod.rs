//! Background jobs. Each periodic job is idempotent, takes no input and does not retry within a run: its next run is the
//! retry. `endpoints/scheduler` never ends: it checks the endpoints as they become due.

mod devices;
mod driver;
mod endpoints;
mod history;
mod incidents;
mod left_guilds;
mod notifications;
mod prune;
mod self_health;
mod servers;
mod silences;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use devices::heartbeat_monitor;
use endpoints::{certificates, connectivity, recheck, scheduler};
use history::{objectives, pack, rollup, summaries};
use incidents::{bulk_alerts, diagnose, flapping, reminders};
use notifications::{board_refresh, delivery, discord_answers, storage_limits};
pub use self_health::observing::Observing;
use self_health::{
    bot_health, dead_man, keep_alive, observation_window, presence, storage_room, timers,
    token_check, unreadable_rows, watchdog, writer_progress,
};
use servers::{auto_thresholds, server_monitor};
use silences::{calendar, silence_times};

use crate::actions::endpoints::check_runner::CheckRunner;
use crate::actions::endpoints::recheck::RecheckOptions;
use crate::domain::endpoints::connectivity::ReferenceHost;
use crate::domain::notifications::presence::PresenceUpdate;
use crate::domain::servers::threshold::Thresholds;
use crate::health::{Component, Health};
use crate::metrics::Metrics;
use crate::notify::Senders;
use crate::notify::dead_man::Switch;
use crate::store::job_run::RecentRuns;
use crate::store::{Store, StoreError};

/// What the jobs share.
#[derive(Clone, Debug)]
pub struct JobContext {
    pub store: Store,
    pub recent_runs: RecentRuns,
    pub checks: CheckRunner,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    /// Whether overdue monitors can be judged.
    pub observing: Arc<Observing>,
    pub scheduling: Scheduling,
    pub heartbeat: HeartbeatTimes,
    pub gateway: GatewayTimes,
    pub retention: Retention,
    pub senders: Senders,
    /// The size near which the database stores less.
    pub database_max_bytes: u64,
    /// The shortest time between two edits of a board.
    pub board_interval: Duration,
    /// `None`: nobody waits for a ping.
    pub dead_man: Option<DeadMan>,
    /// What the presence shows.
    pub presence: watch::Sender<PresenceUpdate>,
}

/// Settings of the scheduler and the recheck job.
#[derive(Clone, Debug)]
pub struct Scheduling {
    pub concurrency: usize,
    pub recheck: RecheckOptions,
    /// Time between two runs of the recheck job.
    pub recheck_interval: Duration,
    /// Contacted when many endpoints fail at once; may be empty.
    pub reference_hosts: Vec<ReferenceHost>,
}

/// How long rows are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub check_results: Duration,
    /// Single checks in the archive.
    pub check_archive: Duration,
    /// The figures of days, the history of monitors that were removed, and the windows in which Rollcall observed.
    pub daily_stats: Duration,
    pub events: Duration,
    pub samples: Duration,
    /// Everything of a guild, since it removed the bot.
    pub left_guilds: Duration,
}

/// The dead-man ping.
#[derive(Clone, Debug)]
pub struct DeadMan {
    pub switch: Switch,
    pub interval: Duration,
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

/// How long observation windows are kept: twice the longest threshold, so that it can be exceeded even if Rollcall ran only
/// half of the time.
const WINDOWS_KEPT: Duration = Duration::from_secs(80 * 24 * 3600);

/// The summary of a job that judges monitors while none can be judged.
const NOT_JUDGED: &str = "waited until everything that has arrived is stored";

/// A periodic job: one row of the table below.
struct Job {
    name: &'static str,
    period: Duration,
    /// What the health check calls it; `None`: it does not ask about this job.
    component: Option<Component>,
    run: fn(&JobContext) -> BoxFuture<'_, Result<String, StoreError>>,
}

/// Builds the row of a job from its file and its period.
macro_rules! job {
    ($file:ident, $period:expr) => {
        job!($file, $period, None)
    };
    ($file:ident, $period:expr, $component:expr) => {
        Job {
            name: $file::NAME,
            period: $period,
            component: $component,
            run: |context| Box::pin($file::run(context)),
        }
    };
}

fn table(context: &JobContext) -> Vec<Job> {
    let (gateway, heartbeat) = (&context.gateway, &context.heartbeat);
    let server_period = server_monitor::PERIOD.min(heartbeat.thresholds.online());
    let mut jobs = vec![
        job!(recheck, context.scheduling.recheck_interval),
        job!(pack, pack::PERIOD),
        job!(rollup, rollup::PERIOD),
        job!(prune, prune::PERIOD),
        job!(left_guilds, left_guilds::PERIOD),
        job!(
            server_monitor,
            server_period,
            Some(Component::ServerMonitor)
        ),
        job!(auto_thresholds, auto_thresholds::PERIOD),
        job!(diagnose, diagnose::PERIOD),
        job!(silence_times, silence_times::PERIOD),
        job!(bulk_alerts, bulk_alerts::PERIOD),
        job!(reminders, reminders::PERIOD),
        job!(flapping, flapping::PERIOD),
        job!(board_refresh, board_refresh::PERIOD),
        job!(storage_limits, storage_limits::PERIOD),
        job!(certificates, certificates::PERIOD),
        job!(objectives, objectives::PERIOD),
        job!(summaries, summaries::PERIOD),
    ];
    if heartbeat.is_on {
        jobs.push(job!(
            heartbeat_monitor,
            heartbeat.check_interval,
            Some(Component::HeartbeatMonitor)
        ));
    }
    if gateway.is_on {
        jobs.push(job!(keep_alive, gateway.keepalive_interval));
        jobs.push(job!(bot_health, gateway.health_interval));
        jobs.push(job!(calendar, calendar::PERIOD));
    }
    if let Some(switch) = &context.dead_man {
        jobs.push(job!(dead_man, switch.interval));
    }
    jobs
}

/// Shows every periodic job in the metrics, before any of them runs.
pub fn show_in_metrics(context: &JobContext) {
    for job in table(context) {
        context.metrics.show_job(job.name, job.period);
    }
}

/// Starts every job; each ends when `stop` turns true.
pub async fn start(
    context: &JobContext,
    stop: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let window = observation_window::begin(context).await?;
    let mut tasks: Vec<_> = table(context)
        .into_iter()
        .map(|job| tokio::spawn(driver::drive(job, context.clone(), stop.clone())))
        .collect();
    tasks.push(tokio::spawn(scheduler::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(connectivity::run(
        context.clone(),
        stop.clone(),
    )));
    tasks.push(tokio::spawn(presence::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(watchdog::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(observation_window::run(
        context.clone(),
        window,
        stop.clone(),
    )));
    tasks.push(tokio::spawn(delivery::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(discord_answers::run(
        context.clone(),
        stop.clone(),
    )));
    tasks.push(tokio::spawn(token_check::run(
        context.clone(),
        stop.clone(),
    )));
    tasks.push(tokio::spawn(timers::run(context.clone(), stop.clone())));
    tasks.push(tokio::spawn(writer_progress::run(
        context.clone(),
        stop.clone(),
    )));
    tasks.push(tokio::spawn(storage_room::run(
        context.clone(),
        stop.clone(),
    )));
    tasks.push(tokio::spawn(unreadable_rows::run(
        context.clone(),
        stop.clone(),
    )));
    Ok(tasks)
}
