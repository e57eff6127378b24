//! Commits check results in groups.
//!
//! A steady pass (up, and online before) can wait a second for others, which makes its share of the commit small. A result
//! that may change a status, or that a waiter needs, is committed at once together with those collected by then.

use std::time::Duration;

use tokio::sync::mpsc;

use super::connectivity::ConnectivityMonitor;
use crate::actions::endpoints::completed_check::CompletedCheck;
use crate::actions::endpoints::record_result;
use crate::clock::Stopwatch;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::jobs::JobContext;

/// Check results that may be queued; more are dropped and counted, and checks continue.
pub(super) const QUEUE: usize = 32_768;

/// The longest that a steady pass waits for others.
const GROUP_WAIT: Duration = Duration::from_secs(1);

/// While connectivity is in doubt, it is judged again at least this often, even without new results.
const DOUBT_RECHECK: Duration = Duration::from_secs(1);

/// Check results in one commit.
const GROUP: usize = 4_096;

/// One completed check as the scheduler hands it over.
pub(super) struct ToRecord {
    pub completed: CompletedCheck,
    /// The check passed and the endpoint was online: the scheduler has planned the next check already.
    pub is_steady: bool,
    pub is_urgent: bool,
}

/// The decision about an endpoint after its result was recorded.
pub(super) struct Decided {
    pub id: MonitorId,
    pub status: Status,
    /// Time until the next check; `None` leaves it to the recheck job.
    pub wait: Option<Duration>,
}

/// Runs until the scheduler has ended and everything is committed.
pub(super) async fn run(
    context: JobContext,
    mut to_record: mpsc::Receiver<ToRecord>,
    decided: mpsc::UnboundedSender<Vec<Decided>>,
) {
    let mut monitor = ConnectivityMonitor::start(&context).await;
    loop {
        let first = match monitor.is_in_doubt() {
            false => to_record.recv().await,
            true => match tokio::time::timeout(DOUBT_RECHECK, to_record.recv()).await {
                Ok(first) => first,
                Err(_) => {
                    monitor.consider(&context, &mut []).await;
                    continue;
                }
            },
        };
        let Some(first) = first else { return };
        let group = gather(first, &mut to_record).await;
        let decisions = commit(&context, &mut monitor, group).await;
        if !decisions.is_empty() {
            // During shutdown the scheduler may have ended; the decisions are stored anyway.
            let _ = decided.send(decisions);
        }
    }
}

async fn gather(first: ToRecord, to_record: &mut mpsc::Receiver<ToRecord>) -> Vec<ToRecord> {
    let deadline = Stopwatch::start().after(GROUP_WAIT);
    let mut is_urgent = first.is_urgent;
    let mut group = vec![first];
    while group.len() < GROUP {
        let next = match is_urgent {
            true => to_record.try_recv().ok(),
            false => tokio::time::timeout_at(deadline, to_record.recv())
                .await
                .ok()
                .flatten(),
        };
        let Some(next) = next else { break };
        is_urgent |= next.is_urgent;
        group.push(next);
    }
    group
}

async fn commit(
    context: &JobContext,
    monitor: &mut ConnectivityMonitor,
    group: Vec<ToRecord>,
) -> Vec<Decided> {
    let checks = &context.checks;
    let now = checks.clock.now();
    let mut planned = std::collections::HashSet::with_capacity(group.len());
    let mut unplanned = Vec::new();
    let mut completed = Vec::with_capacity(group.len());
    for to_record in group {
        let id = to_record.completed.monitor_id;
        if to_record.is_steady {
            planned.insert(id);
        } else {
            unplanned.push(id);
        }
        completed.push(to_record.completed);
    }
    monitor.consider(context, &mut completed).await;
    let count = completed.len();
    match record_result::record(&checks.writer, completed, checks.rules, Actor::System, now).await {
        Ok(recorded) => recorded
            .iter()
            .filter(|recorded| {
                recorded.transition.is_some()
                    || !planned.contains(&recorded.monitor_id)
                    || recorded.state.status != Status::Online
            })
            .map(|recorded| {
                Decided::new(
                    recorded.monitor_id,
                    recorded.state.status,
                    recorded.next_check_at,
                    now,
                )
            })
            .collect(),
        Err(error) => {
            context.metrics.check_results_dropped.inc_by(count as u64);
            tracing::error!(%error, count, "cannot store check results; the endpoints are checked again");
            let wait = Some(checks.rules.retry_interval);
            unplanned
                .into_iter()
                .map(|id| Decided {
                    id,
                    status: Status::Unknown,
                    wait,
                })
                .collect()
        }
    }
}
