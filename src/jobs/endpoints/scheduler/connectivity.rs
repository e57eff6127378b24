//! Judges whether Rollcall itself has connectivity, and records when that changes. The rule is in `domain::endpoints::connectivity`.

use std::time::Duration;

use crate::actions::endpoints::completed_check::CompletedCheck;
use crate::actions::endpoints::connectivity;
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::Verdict;
use crate::domain::endpoints::connectivity::{
    Connectivity, ConnectivityChange, FailureTracker, LONGEST, Suspicion,
};
use crate::jobs::JobContext;

/// The shortest time between two checks of the reference hosts.
const ASK_EVERY: Duration = Duration::from_secs(5);

pub(super) struct ConnectivityMonitor {
    failures: FailureTracker,
    connectivity: Connectivity,
    /// Whether a reference host answered the last time, and when that was.
    asked: Option<(Stopwatch, bool)>,
    /// Measures how long alerts are on hold, unaffected by changes of the wall clock.
    running: Stopwatch,
}

impl ConnectivityMonitor {
    /// Starts with connectivity up, and ends a connectivity loss that an earlier process has left open.
    pub(super) async fn start(context: &JobContext) -> Self {
        let now = context.checks.clock.now();
        if let Err(error) = connectivity::end(&context.store, now).await {
            tracing::warn!(%error, "cannot record the end of a connectivity loss");
        }
        Self {
            failures: FailureTracker::default(),
            connectivity: Connectivity::Up,
            asked: None,
            running: Stopwatch::start(),
        }
    }

    /// Whether connectivity must be judged again even without new results.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.connectivity != Connectivity::Up
    }

    /// Judges connectivity by completed checks before they are recorded. While it is lost, failed results become unknown.
    pub(super) async fn consider(
        &mut self,
        context: &JobContext,
        completed: &mut [CompletedCheck],
    ) {
        if context.scheduling.reference_hosts.is_empty() {
            return;
        }
        self.judge(context, completed).await;
        if context.checks.is_connectivity_lost() {
            for completed in completed {
                completed.result = context.checks.trusted(completed.result.clone());
            }
        }
    }

    async fn judge(&mut self, context: &JobContext, completed: &[CompletedCheck]) {
        for completed in completed {
            let at = completed.result.at;
            match completed.result.verdict {
                Verdict::Up => self.failures.record(completed.monitor_id, true, at),
                Verdict::Down(_) => self.failures.record(completed.monitor_id, false, at),
                Verdict::Unknown(_) => {}
            }
        }
        let now = context.checks.clock.now();
        let suspicion = self.failures.suspicion(now);
        if !self.connectivity.ask(suspicion) {
            return;
        }
        let has_answered = self.any_reference_host_answers(context).await;
        let elapsed = Timestamp::from_millis(0).plus(self.running.elapsed());
        let (connectivity, change) = self.connectivity.next(suspicion, has_answered, elapsed);
        let before = std::mem::replace(&mut self.connectivity, connectivity);
        match (change, before) {
            (Some(ConnectivityChange::Lost(suspicion)), _) => {
                connectivity_lost(context, suspicion, now).await;
            }
            (Some(change), Connectivity::Down { since }) => {
                // The failures so far were caused by our own connectivity.
                self.failures = FailureTracker::default();
                connectivity_restored(context, change, elapsed.since(since).as_secs()).await;
            }
            _ => {}
        }
    }

    async fn any_reference_host_answers(&mut self, context: &JobContext) -> bool {
        if let Some((since, answered)) = &self.asked
            && since.elapsed() < ASK_EVERY
        {
            return *answered;
        }
        let answered = context
            .checks
            .any_answers(&context.scheduling.reference_hosts)
            .await;
        self.asked = Some((Stopwatch::start(), answered));
        answered
    }
}

async fn connectivity_lost(context: &JobContext, suspicion: Suspicion, now: Timestamp) {
    context.checks.set_connectivity_lost(true);
    context.metrics.connectivity_up.set(0);
    tracing::warn!(
        failed = suspicion.failing,
        hold_seconds = LONGEST.as_secs(),
        "connectivity lost"
    );
    if let Err(error) = connectivity::begin(&context.store, suspicion, now).await {
        tracing::error!(%error, "cannot mark outages as false alarms after a connectivity loss");
    }
}

async fn connectivity_restored(context: &JobContext, change: ConnectivityChange, seconds: u64) {
    context.checks.set_connectivity_lost(false);
    context.metrics.connectivity_up.set(1);
    match change {
        ConnectivityChange::GaveUp => {
            tracing::warn!(
                seconds,
                "alerts are on again, although no reference host responds"
            );
        }
        ConnectivityChange::Restored | ConnectivityChange::Lost(_) => {
            tracing::info!(seconds, "connectivity restored");
        }
    }
    let now = context.checks.clock.now();
    if let Err(error) = connectivity::end(&context.store, now).await {
        tracing::warn!(%error, "cannot record the end of a connectivity loss");
    }
}
