//! Checks endpoints as they become due: one timing heap for all, one task per check in flight, never one per endpoint.
//!
//! A check whose address has too many connections already is postponed: it gives back its slot, and the endpoint waits in the
//! queue of the address until `turns` says that it may connect.
//!
//! Three tasks communicate over channels: this loop picks the next endpoint, `record` commits check results in groups, and
//! `monitor_feed` delivers changes made by people and by other processes. After a steady pass (up, and online before) the
//! next check is scheduled at once; in all other cases the scheduler waits for the decision of the status rule.

mod monitor_feed;
mod queue;
mod record;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};

use self::queue::{Launch, Queue};
use self::record::{Decided, ToRecord};
use crate::actions::endpoints::check_runner::{
    AddressBucket, ConnectionTurn, Flight, Postponed, Started, TurnOfEndpoint, TurnSender,
};
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{CheckResult, NotChecked, Timings, Verdict};
use crate::domain::endpoints::schedule;
use crate::domain::endpoints::status_rule::is_steady;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::health::Component;
use crate::jobs::JobContext;
use crate::store::endpoints::endpoint::Scheduled;

/// An endpoint whose check takes longer than this is slow; slow endpoints share only half of the slots.
const SLOW: Duration = Duration::from_secs(1);

/// How long shutdown waits for checks in flight; unfinished ones run again after the next start.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(3);

/// More new endpoints than this at once are spread over their time slots instead of being checked immediately.
const FEW: usize = 16;

/// With nothing due, the loop still wakes up this often, so that it reports progress.
const IDLE_WAKE: Duration = Duration::from_secs(5);

/// The delay when another requester is checking the endpoint at the moment.
const BUSY_DELAY: Duration = Duration::from_secs(1);

/// A finished check.
struct FinishedCheck {
    endpoint: Arc<Scheduled>,
    flight: Flight,
    result: Result<CheckResult, Postponed>,
}

/// Runs until `stop` turns true, then waits for checks in flight and for the last commit.
pub(in crate::jobs) async fn run(context: JobContext, stop: watch::Receiver<bool>) {
    let (to_record, received) = mpsc::channel(record::QUEUE);
    let (decided, decisions) = mpsc::unbounded_channel();
    let recorder = tokio::spawn(record::run(context.clone(), received, decided));
    let (changes_sender, changes) = mpsc::channel(4);
    let monitor_feed = tokio::spawn(monitor_feed::follow(
        context.store.clone(),
        Arc::clone(&context.health),
        changes_sender,
        stop.clone(),
    ));
    let (finished_sender, finished) = mpsc::unbounded_channel();
    let (turn_sender, turns) = mpsc::unbounded_channel();
    let senders = SchedulerSenders {
        to_record,
        finished: finished_sender,
        turns: turn_sender,
    };
    let scheduler = Scheduler::new(context, senders);
    let incoming = Incoming {
        finished,
        turns,
        decisions,
        changes,
        stop,
    };
    scheduler.run(incoming).await;
    for task in [recorder, monitor_feed] {
        if let Err(error) = task.await {
            tracing::error!(%error, "scheduler task failed");
        }
    }
}

/// Channels that wake the scheduler.
struct Incoming {
    finished: mpsc::UnboundedReceiver<FinishedCheck>,
    turns: mpsc::UnboundedReceiver<TurnOfEndpoint>,
    decisions: mpsc::UnboundedReceiver<Vec<Decided>>,
    changes: mpsc::Receiver<monitor_feed::FeedChange>,
    stop: watch::Receiver<bool>,
}

/// Channels to other tasks, and from them back to the scheduler.
struct SchedulerSenders {
    to_record: mpsc::Sender<ToRecord>,
    finished: mpsc::UnboundedSender<FinishedCheck>,
    turns: TurnSender,
}

struct Scheduler {
    context: JobContext,
    queue: Queue,
    senders: SchedulerSenders,
    /// The waited time that the metric has already, in ms.
    waited_ms: u64,
    /// Wall time at the start. From then on the scheduler uses the monotonic clock, so that setting the wall clock neither
    /// bunches checks nor skips them.
    started_at: Timestamp,
    stopwatch: Stopwatch,
}

impl Scheduler {
    fn new(context: JobContext, senders: SchedulerSenders) -> Self {
        let queue = Queue::new(context.scheduling.concurrency);
        let started_at = context.checks.clock.now();
        Self {
            context,
            queue,
            senders,
            waited_ms: 0,
            started_at,
            stopwatch: Stopwatch::start(),
        }
    }

    fn now(&self) -> Timestamp {
        self.started_at.plus(self.stopwatch.elapsed())
    }

    async fn run(mut self, mut incoming: Incoming) {
        loop {
            self.launch_due();
            self.context.health.record_progress(Component::Scheduler);
            let idle = self.now().plus(IDLE_WAKE);
            let wake = self
                .queue
                .next_due()
                .map_or(idle, |due| due.min(idle))
                .since(self.started_at);
            tokio::select! {
                _ = incoming.stop.wait_for(|stopping| *stopping) => break,
                Some(finished) = incoming.finished.recv() => self.finished(finished),
                Some(turn) = incoming.turns.recv() => self.queue.turn_reached(turn, self.now()),
                Some(decisions) = incoming.decisions.recv() => self.decided(decisions),
                Some(changes) = incoming.changes.recv() => self.apply(changes),
                () = tokio::time::sleep_until(self.stopwatch.after(wake)) => {}
            }
            while let Ok(finished) = incoming.finished.try_recv() {
                self.finished(finished);
            }
        }
        self.wind_down(incoming).await;
    }

    /// Waits for checks in flight; starts no new ones.
    async fn wind_down(mut self, mut incoming: Incoming) {
        let deadline = Stopwatch::start().after(SHUTDOWN_WAIT);
        while self.queue.in_flight() > 0 {
            match tokio::time::timeout_at(deadline, incoming.finished.recv()).await {
                Ok(Some(finished)) => self.finished(finished),
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn launch_due(&mut self) {
        let now = self.now();
        self.queue.take_due(now);
        while let Some(launch) = self.queue.launch(self.lent_slots()) {
            let Launch {
                endpoint,
                due,
                turn,
            } = launch;
            self.context
                .metrics
                .check_schedule_delay_seconds
                .observe(now.since(due).as_secs_f64());
            match self.context.checks.begin(endpoint.id) {
                Started::Flight(flight) => self.spawn(endpoint, flight, turn),
                Started::Waiting(_) => {
                    self.queue.ended(endpoint.id);
                    self.queue.schedule(endpoint.id, Some(now.plus(BUSY_DELAY)));
                }
            }
        }
        self.show_metrics();
    }

    /// Slots of checks that wait for their turn to connect: so that one guild's redirects to one address do not delay the
    /// checks of others.
    fn lent_slots(&self) -> usize {
        let limiter = self.context.checks.limiter();
        let within = limiter.map_or(0, |limiter| limiter.totals().within);
        usize::try_from(within).unwrap_or(usize::MAX)
    }

    fn show_metrics(&mut self) {
        let metrics = &self.context.metrics;
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.checks_in_flight.set(gauge(self.queue.in_flight()));
        metrics.checks_queued.set(gauge(self.queue.waiting()));
        metrics
            .checks_waiting_for_address
            .set(gauge(self.queue.held() + self.lent_slots()));
        if let Some(limiter) = self.context.checks.limiter() {
            let waited_ms = limiter.totals().waited_ms;
            let waited = Duration::from_millis(waited_ms - self.waited_ms);
            metrics
                .check_address_wait_seconds
                .inc_by(waited.as_secs_f64());
            self.waited_ms = waited_ms;
        }
    }

    fn spawn(&self, endpoint: Arc<Scheduled>, flight: Flight, turn: Option<ConnectionTurn>) {
        let (checks, finished_sender) =
            (self.context.checks.clone(), self.senders.finished.clone());
        tokio::spawn(async move {
            let at = checks.clock.now();
            let check = AssertUnwindSafe(checks.check(&endpoint, turn))
                .catch_unwind()
                .await;
            let result = check.unwrap_or_else(|_| {
                Ok(CheckResult {
                    at,
                    verdict: Verdict::Unknown(NotChecked::Machine("the check itself failed")),
                    timings: Timings::default(),
                    certificate: None,
                })
            });
            // During shutdown the scheduler may have ended; this check then runs again after the next start.
            let _ = finished_sender.send(FinishedCheck {
                endpoint,
                flight,
                result,
            });
        });
    }

    /// Lets an endpoint wait for its turn to connect, without a slot and without the flight.
    fn postpone(&mut self, endpoint: &Scheduled, bucket: &AddressBucket) {
        self.queue.ended(endpoint.id);
        let Some(limiter) = self.context.checks.limiter() else {
            return;
        };
        let sender = self.senders.turns.clone();
        let place = limiter.queue(endpoint.guild, bucket, endpoint.id, sender);
        self.queue.hold(endpoint.id, place);
    }

    fn finished(&mut self, finished: FinishedCheck) {
        let FinishedCheck {
            endpoint,
            flight,
            result,
        } = finished;
        let result = match result {
            Ok(result) => result,
            Err(Postponed(bucket)) => {
                drop(flight);
                return self.postpone(&endpoint, &bucket);
            }
        };
        let metrics = &self.context.metrics;
        let label = match &result.verdict {
            Verdict::Up => "up",
            Verdict::Down(failure) => failure.class.as_str(),
            Verdict::Unknown(_) => "unknown",
        };
        metrics.checks.with_label_values(&[label]).inc();
        metrics
            .check_duration_seconds
            .observe(result.timings.total.as_secs_f64());
        self.queue
            .finished(endpoint.id, result.timings.total > SLOW);
        let status = self.queue.status(endpoint.id);
        let is_steady = status.is_some_and(|status| is_steady(status, &result.verdict));
        if is_steady {
            let interval = self.interval(&endpoint);
            self.queue.schedule(
                endpoint.id,
                Some(schedule::next_slot(endpoint.id.0, interval, self.now())),
            );
        }
        let completed = flight.finish(&endpoint, result);
        let has_waiters = !completed.waiters.is_empty();
        let to_record = ToRecord {
            completed,
            status_before: status.unwrap_or(endpoint.status),
            is_steady,
            is_urgent: !is_steady || has_waiters,
            since: Stopwatch::start(),
        };
        if self.senders.to_record.try_send(to_record).is_err() {
            metrics.check_results_dropped.inc();
            self.context.health.result_lost();
            let retry = self.now().plus(self.context.checks.rules.retry_interval);
            self.queue.schedule(endpoint.id, Some(retry));
        }
    }

    fn decided(&mut self, decisions: Vec<Decided>) {
        for decided in decisions {
            let least = self.least_wait(decided.id);
            let due = decided.wait.map(|wait| self.now().plus(wait.max(least)));
            self.queue.set_status(decided.id, decided.status);
            self.queue.schedule(decided.id, due);
        }
    }

    fn apply(&mut self, changes: monitor_feed::FeedChange) {
        self.context.checks.connectivity.forget(&changes.removed);
        for id in changes.removed {
            self.context.checks.final_targets.record(id, None);
            self.context.checks.not_checked.forget(id);
            self.queue.remove(id);
        }
        let is_few = changes.present.len() <= FEW;
        for endpoint in changes.present {
            // Its target may be another one now.
            self.context.checks.final_targets.record(endpoint.id, None);
            let due = self.due(&endpoint, is_few, changes.is_start);
            self.queue.put(endpoint, due);
        }
    }

    /// When an endpoint from the feed is due. A few endpoints that were never checked are due at once, also at the start:
    /// the member who added them waits for the result. Many of anything are spread out.
    fn due(&self, endpoint: &Scheduled, is_few: bool, is_start: bool) -> Option<Timestamp> {
        let now = self.now();
        let interval = self.interval(endpoint);
        let slot = schedule::next_slot(endpoint.id.0, interval, now);
        match (endpoint.next_check_at, endpoint.status) {
            (Some(due), _) if due > now => {
                Some(due.min(now.plus(self.context.checks.rules.recheck_interval)))
            }
            // Overdue: soon, but spread so that they are not all checked at once.
            (Some(_), _) if is_few && !is_start => Some(now),
            (Some(_), _) => Some(schedule::next_slot(
                endpoint.id.0,
                interval.min(Duration::from_secs(10)),
                now,
            )),
            (None, Status::Offline) => None,
            (None, _) if endpoint.is_new && is_few => Some(now),
            (None, _) if endpoint.is_new => {
                let spread = interval.min(Duration::from_secs(60));
                Some(schedule::next_slot(endpoint.id.0, spread, now))
            }
            (None, _) => Some(slot),
        }
    }

    fn interval(&self, endpoint: &Scheduled) -> Duration {
        let checks = &self.context.checks;
        checks.limits.interval(endpoint, checks.rules.interval)
    }

    /// The status rule knows stored intervals only. One that is too short now must not shorten the waits that it decides.
    fn least_wait(&self, id: MonitorId) -> Duration {
        let Some(endpoint) = self.queue.endpoint(id) else {
            return Duration::ZERO;
        };
        let interval = self.interval(endpoint);
        match endpoint.interval {
            Some(stored) if stored < interval => interval,
            _ => Duration::ZERO,
        }
    }
}

impl Decided {
    /// How long from now until `next_check_at`, by the wall clock that dated it.
    fn new(
        id: MonitorId,
        status: Status,
        next_check_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            status,
            wait: next_check_at.map(|due| due.since(now)),
        }
    }
}
