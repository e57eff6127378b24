//! Calls the endpoints as they become due: one timing heap for all, one task per look in flight, never one per endpoint.
//!
//! Three parts talk over channels: this loop decides who is next, `record` commits what was seen in groups, `roster`
//! brings the changes that people and other processes make. A steady pass is due again at its slot at once; for
//! everything else the rule's decision is waited for.

mod queue;
mod record;
mod roster;
mod sight;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};

use self::queue::Queue;
use self::record::{Decided, Seen};
use super::Context;
use crate::actions::looking::{Begun, Lead};
use crate::clock::Stopwatch;
use crate::domain::monitor::MonitorId;
use crate::domain::outcome::{Outcome, Timings, Verdict};
use crate::domain::status::Status;
use crate::domain::{Timestamp, schedule};
use crate::store::endpoint::Scheduled;
use crate::vitals::Part;

/// A look that takes longer than this belongs to the slow ones, which share only half of the places.
const SLOW: Duration = Duration::from_secs(1);

/// How long looks in flight are waited for at the end; what is not done by then is taken again after the next start.
const LAST_LOOKS: Duration = Duration::from_secs(3);

/// More new endpoints than this at once are spread over their slots instead of being looked at immediately.
const FEW: usize = 16;

/// With nothing due, the loop turns over this often all the same, so that its health can be seen.
const IDLE_TURN: Duration = Duration::from_secs(5);

/// Somebody else is looking at this endpoint just now: our look comes a moment later.
const STEP_ASIDE: Duration = Duration::from_secs(1);

/// A look that has ended.
struct Landed {
    endpoint: Arc<Scheduled>,
    lead: Lead,
    outcome: Outcome,
}

/// Runs until `stop` turns true, then lets looks in flight end and has everything committed.
pub(super) async fn run(context: Context, stop: watch::Receiver<bool>) {
    let (seen, to_record) = mpsc::channel(record::QUEUE);
    let (decided, decisions) = mpsc::unbounded_channel();
    let recorder = tokio::spawn(record::run(context.clone(), to_record, decided));
    let (news_sender, news) = mpsc::channel(4);
    let roster = tokio::spawn(roster::follow(
        context.store.clone(),
        news_sender,
        stop.clone(),
    ));
    let (landing, landed) = mpsc::unbounded_channel();
    let scheduler = Scheduler::new(context, seen, landing);
    let incoming = Incoming {
        landed,
        decisions,
        news,
        stop,
    };
    scheduler.run(incoming).await;
    for task in [recorder, roster] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the scheduler ended badly");
        }
    }
}

/// What wakes the scheduler.
struct Incoming {
    landed: mpsc::UnboundedReceiver<Landed>,
    decisions: mpsc::UnboundedReceiver<Vec<Decided>>,
    news: mpsc::Receiver<roster::News>,
    stop: watch::Receiver<bool>,
}

struct Scheduler {
    context: Context,
    queue: Queue,
    seen: mpsc::Sender<Seen>,
    landing: mpsc::UnboundedSender<Landed>,
    /// Wall time at the start; from there on the scheduler goes by the monotonic clock, so a clock that is set does
    /// neither bunch looks nor leave them out.
    started_at: Timestamp,
    stopwatch: Stopwatch,
}

impl Scheduler {
    fn new(
        context: Context,
        seen: mpsc::Sender<Seen>,
        landing: mpsc::UnboundedSender<Landed>,
    ) -> Self {
        let queue = Queue::new(context.look_concurrency);
        let started_at = context.looking.clock.now();
        Self {
            context,
            queue,
            seen,
            landing,
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
            self.context.vitals.turned(Part::Scheduler);
            let idle = self.now().plus(IDLE_TURN);
            let wake = self
                .queue
                .next_due()
                .map_or(idle, |due| due.min(idle))
                .since(self.started_at);
            tokio::select! {
                _ = incoming.stop.wait_for(|stopping| *stopping) => break,
                Some(landed) = incoming.landed.recv() => self.landed(landed),
                Some(decisions) = incoming.decisions.recv() => self.decided(decisions),
                Some(news) = incoming.news.recv() => self.heard(news),
                () = tokio::time::sleep_until(self.stopwatch.after(wake)) => {}
            }
            while let Ok(landed) = incoming.landed.try_recv() {
                self.landed(landed);
            }
        }
        self.wind_down(incoming).await;
    }

    /// Looks in flight may end; nothing new begins.
    async fn wind_down(mut self, mut incoming: Incoming) {
        let deadline = Stopwatch::start().after(LAST_LOOKS);
        while self.queue.in_flight() > 0 {
            match tokio::time::timeout_at(deadline, incoming.landed.recv()).await {
                Ok(Some(landed)) => self.landed(landed),
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn launch_due(&mut self) {
        let now = self.now();
        self.queue.take_due(now);
        while let Some((endpoint, due)) = self.queue.launch() {
            self.context
                .metrics
                .look_lateness_seconds
                .observe(now.since(due).as_secs_f64());
            match self.context.looking.begin(endpoint.id) {
                Begun::Lead(lead) => self.spawn(endpoint, lead),
                Begun::Follow(_) => {
                    self.queue.landed(endpoint.id, false);
                    self.queue.schedule(endpoint.id, Some(now.plus(STEP_ASIDE)));
                }
            }
        }
        self.context
            .metrics
            .looks_in_flight
            .set(i64::try_from(self.queue.in_flight()).unwrap_or(i64::MAX));
        self.context
            .metrics
            .looks_waiting
            .set(i64::try_from(self.queue.waiting()).unwrap_or(i64::MAX));
    }

    fn spawn(&self, endpoint: Arc<Scheduled>, lead: Lead) {
        let (looking, landing) = (self.context.looking.clone(), self.landing.clone());
        tokio::spawn(async move {
            let at = looking.clock.now();
            let look = AssertUnwindSafe(looking.look(&endpoint))
                .catch_unwind()
                .await;
            let outcome = look.unwrap_or_else(|_| Outcome {
                at,
                verdict: Verdict::Unknown("the look itself failed".into()),
                timings: Timings::default(),
                certificate_expires_at: None,
            });
            // At the end the scheduler may have stopped listening; then this look is taken again after the next start.
            let _ = landing.send(Landed {
                endpoint,
                lead,
                outcome,
            });
        });
    }

    fn landed(&mut self, landed: Landed) {
        let Landed {
            endpoint,
            lead,
            outcome,
        } = landed;
        let metrics = &self.context.metrics;
        let result = match &outcome.verdict {
            Verdict::Up => "up",
            Verdict::Down(failure) => failure.class.word(),
            Verdict::Unknown(_) => "unknown",
        };
        metrics.looks.with_label_values(&[result]).inc();
        metrics
            .look_seconds
            .observe(outcome.timings.total.as_secs_f64());
        self.queue.landed(endpoint.id, outcome.timings.total > SLOW);
        let is_steady = outcome.is_up() && self.queue.status(endpoint.id) == Some(Status::Online);
        if is_steady {
            let interval = self.interval(&endpoint);
            self.queue.schedule(
                endpoint.id,
                Some(schedule::next_slot(endpoint.id.0, interval, self.now())),
            );
        }
        let observation = lead.finish(&endpoint, outcome);
        let has_followers = !observation.followers.is_empty();
        let seen = Seen {
            observation,
            is_steady,
            is_urgent: !is_steady || has_followers,
        };
        if self.seen.try_send(seen).is_err() {
            metrics.outcomes_lost.inc();
            let retry = self.now().plus(self.context.looking.rules.retry_interval);
            self.queue.schedule(endpoint.id, Some(retry));
        }
    }

    fn decided(&mut self, decisions: Vec<Decided>) {
        for decided in decisions {
            let due = decided.wait.map(|wait| self.now().plus(wait));
            self.queue.set_status(decided.id, decided.status);
            self.queue.schedule(decided.id, due);
        }
    }

    fn heard(&mut self, news: roster::News) {
        for id in news.gone {
            self.queue.remove(id);
        }
        let is_few = news.there.len() <= FEW && !news.is_start;
        for endpoint in news.there {
            let due = self.due(&endpoint, is_few);
            self.queue.put(endpoint, due);
        }
    }

    /// When an endpoint that we hear of is due.
    fn due(&self, endpoint: &Scheduled, is_few: bool) -> Option<Timestamp> {
        let now = self.now();
        let interval = self.interval(endpoint);
        let slot = schedule::next_slot(endpoint.id.0, interval, now);
        match (endpoint.next_due_at, endpoint.status) {
            (Some(due), _) if due > now => {
                Some(due.min(now.plus(self.context.looking.rules.recheck_interval)))
            }
            // Overdue: soon, but not all of them at once.
            (Some(_), _) if is_few => Some(now),
            (Some(_), _) => Some(schedule::next_slot(
                endpoint.id.0,
                interval.min(Duration::from_secs(10)),
                now,
            )),
            (None, Status::Offline) => None,
            (None, _) if endpoint.is_new && is_few => Some(now),
            (None, _) => Some(slot),
        }
    }

    fn interval(&self, endpoint: &Scheduled) -> Duration {
        endpoint
            .interval
            .unwrap_or(self.context.looking.rules.interval)
    }
}

impl Decided {
    /// How long from now until `next_due_at`, by the wall clock that dated it.
    fn new(id: MonitorId, status: Status, next_due_at: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            id,
            status,
            wait: next_due_at.map(|due| due.since(now)),
        }
    }
}
