//! Commits check results in groups.
//!
//! While Rollcall tests its own connectivity, failures wait here for the end of the test, and other results do not.
//!
//! A steady pass (up, and online before) can wait a second for others, which makes its share of the commit small. A result
//! that may change a status, or that a waiter needs, is committed at once together with those collected by then.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::actions::endpoints::completed_check::CompletedCheck;
use crate::actions::endpoints::connectivity_state::ConnectivityState;
use crate::actions::endpoints::record_result;
use crate::clock::Stopwatch;
use crate::domain::endpoints::check_result::Verdict;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::health::{Component, DATABASE_PATIENCE};
use crate::jobs::JobContext;

/// Check results that may be queued; more are dropped and counted, and checks continue.
pub(super) const QUEUE: usize = 32_768;

/// The longest that a steady pass waits for others.
const GROUP_WAIT: Duration = Duration::from_secs(1);

/// With nothing to record, the loop still wakes up this often, so that it reports progress.
const IDLE_WAKE: Duration = Duration::from_secs(5);

/// Check results in one commit.
const GROUP: usize = 4_096;

/// One completed check as the scheduler hands it over.
pub(super) struct ToRecord {
    pub completed: CompletedCheck,
    /// The status of the endpoint before the check.
    pub status_before: Status,
    /// The check passed and the endpoint was online: the scheduler has planned the next check already.
    pub is_steady: bool,
    pub is_urgent: bool,
    /// Since when it waits.
    pub since: Stopwatch,
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
    let (connectivity, health) = (&context.checks.connectivity, &context.health);
    let mut held = HeldResults::default();
    loop {
        health.record_progress(Component::Recorder);
        let group = tokio::select! {
            first = to_record.recv() => match first {
                Some(first) => {
                    health.results_wait(first.since);
                    let group = gather(first, &mut to_record).await;
                    admit(&context, group, &mut held)
                }
                None => break,
            },
            () = held.may_count(connectivity), if held.since.is_some() => held.take(),
            () = tokio::time::sleep(IDLE_WAKE) => continue,
        };
        let recording = record(&context, group, &decided);
        health
            .progress_while(Component::Recorder, DATABASE_PATIENCE, recording)
            .await;
    }
    record(&context, held.take(), &decided).await;
}

/// Failures that wait for the end of a test of connectivity.
#[derive(Default)]
struct HeldResults {
    results: Vec<ToRecord>,
    /// When the first of them began to wait; `None`: there are none.
    since: Option<Stopwatch>,
}

impl HeldResults {
    fn hold(&mut self, results: Vec<ToRecord>) {
        if results.is_empty() {
            return;
        }
        self.since.get_or_insert_with(Stopwatch::start);
        self.results.extend(results);
    }

    /// Waits until they may count. Results that arrive meanwhile do not extend the wait.
    async fn may_count(&self, connectivity: &ConnectivityState) {
        if let Some(since) = self.since {
            connectivity.is_settled(since).await;
        }
    }

    fn take(&mut self) -> Vec<ToRecord> {
        self.since = None;
        std::mem::take(&mut self.results)
    }
}

/// The results that can be recorded now. Failures during a test of connectivity are held.
fn admit(context: &JobContext, group: Vec<ToRecord>, held: &mut HeldResults) -> Vec<ToRecord> {
    let connectivity = &context.checks.connectivity;
    let results = group.iter().map(|one| {
        let completed = &one.completed;
        (completed.monitor_id, one.status_before, &completed.result)
    });
    connectivity.record(results, context.checks.clock.now());
    if !connectivity.view().is_being_tested {
        return group;
    }
    let (failed, others) = group
        .into_iter()
        .partition(|one| matches!(one.completed.result.verdict, Verdict::Down(_)));
    held.hold(failed);
    others
}

async fn record(
    context: &JobContext,
    group: Vec<ToRecord>,
    decided: &mpsc::UnboundedSender<Vec<Decided>>,
) {
    if group.is_empty() {
        return;
    }
    let decisions = commit(context, group).await;
    if !decisions.is_empty() {
        // During shutdown the scheduler may have ended; the decisions are stored anyway.
        let _ = decided.send(decisions);
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

async fn commit(context: &JobContext, group: Vec<ToRecord>) -> Vec<Decided> {
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
        let CompletedCheck {
            result, has_name, ..
        } = to_record.completed;
        let result = checks.connectivity.trusted(result, has_name);
        checks.not_checked.record(id, &result.verdict);
        completed.push(CompletedCheck {
            result,
            ..to_record.completed
        });
    }
    let count = completed.len();
    let recorded =
        record_result::record(&checks.writer, completed, checks.rules, Actor::System, now).await;
    context.health.results_ended(recorded.is_ok());
    match recorded {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::endpoints::check_result::{CheckResult, Failure, FailureClass, Timings};

    fn failure(id: i64) -> ToRecord {
        let result = CheckResult {
            at: Timestamp::from_millis(0),
            verdict: Verdict::Down(Failure::new(FailureClass::Refused)),
            timings: Timings::default(),
            certificate: None,
        };
        ToRecord {
            completed: CompletedCheck {
                monitor_id: MonitorId(id),
                revision: 0,
                has_name: false,
                result,
                waiters: Vec::new(),
            },
            status_before: Status::Online,
            since: Stopwatch::start(),
            is_steady: false,
            is_urgent: true,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn held_failures_count_after_some_seconds_even_if_the_test_does_not_end() {
        let connectivity = ConnectivityState::new(true);
        let results: Vec<ToRecord> = (0..5).map(failure).collect();
        let seen = results.iter().map(|one| {
            (
                one.completed.monitor_id,
                Status::Online,
                &one.completed.result,
            )
        });
        connectivity.record(seen, Timestamp::from_millis(0));
        assert!(connectivity.view().is_being_tested);
        let mut held = HeldResults::default();
        held.hold(results);
        let start = Stopwatch::start();
        // Each wait is given up after a second, as when other results arrive.
        let mut waits = 0;
        let second = Duration::from_secs(1);
        while tokio::time::timeout(second, held.may_count(&connectivity))
            .await
            .is_err()
        {
            held.hold(vec![failure(9)]);
            waits += 1;
            assert!(waits < 20, "they are held forever");
        }
        assert_eq!(start.elapsed(), Duration::from_secs(8));
        assert_eq!(held.take().len(), 5 + waits);
        assert!(held.since.is_none());
    }
}
