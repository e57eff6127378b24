//! Watches whether we see at all, and says so when that changes. The rule is in `domain::failures`.

use std::time::Duration;

use crate::actions::connectivity;
use crate::actions::record_result::CompletedCheck;
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::check_result::Verdict;
use crate::domain::connectivity::{
    Connectivity, ConnectivityChange, FailureTracker, LONGEST, Suspicion,
};
use crate::jobs::Context;

/// Witnesses are not asked more often than this.
const ASKED_EVERY: Duration = Duration::from_secs(5);

pub(super) struct ConnectivityMonitor {
    failures: FailureTracker,
    connectivity: Connectivity,
    /// What the witnesses said last, and how long ago.
    asked: Option<(Stopwatch, bool)>,
    /// What patience is measured by: a clock that is set makes no difference to it.
    running: Stopwatch,
}

impl ConnectivityMonitor {
    /// A blindness that a life before this one has left is over.
    pub(super) async fn start(context: &Context) -> Self {
        let now = context.checks.clock.now();
        if let Err(error) = connectivity::end(&context.store, now).await {
            tracing::warn!(%error, "it could not be noted that we see");
        }
        Self {
            failures: FailureTracker::default(),
            connectivity: Connectivity::Open,
            asked: None,
            running: Stopwatch::start(),
        }
    }

    /// Whether it must be looked at again even if nothing more is seen.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.connectivity != Connectivity::Open
    }

    /// Takes what was seen into account before it is recorded; what is worth nothing is unknown from then on.
    pub(super) async fn consider(&mut self, context: &Context, completed: &mut [CompletedCheck]) {
        if context.reference_hosts.is_empty() {
            return;
        }
        self.judge(context, completed).await;
        if context.checks.is_connectivity_lost() {
            for completed in completed {
                completed.result = context.checks.trusted(completed.result.clone());
            }
        }
    }

    async fn judge(&mut self, context: &Context, completed: &[CompletedCheck]) {
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
                connectivity_lost(context, suspicion, now).await
            }
            (Some(change), Connectivity::Blind { since }) => {
                // What has failed so far was nobody's fault but ours.
                self.failures = FailureTracker::default();
                connectivity_restored(context, change, elapsed.since(since).as_secs()).await;
            }
            _ => {}
        }
    }

    async fn any_reference_host_answers(&mut self, context: &Context) -> bool {
        if let Some((since, answered)) = &self.asked
            && since.elapsed() < ASKED_EVERY
        {
            return *answered;
        }
        let answered = context.checks.any_answers(&context.reference_hosts).await;
        self.asked = Some((Stopwatch::start(), answered));
        answered
    }
}

async fn connectivity_lost(context: &Context, suspicion: Suspicion, now: Timestamp) {
    context.checks.set_connectivity_lost(true);
    context.metrics.connectivity_up.set(0);
    tracing::warn!(
        failing = suspicion.failing,
        "Blind: {} endpoints stopped answering at once and no witness answers; no outage is told for at most {} s",
        suspicion.failing,
        LONGEST.as_secs()
    );
    if let Err(error) = connectivity::begin(&context.store, suspicion, now).await {
        tracing::error!(%error, "what was taken for outages could not be taken back");
    }
}

async fn connectivity_restored(context: &Context, change: ConnectivityChange, seconds: u64) {
    context.checks.set_connectivity_lost(false);
    context.metrics.connectivity_up.set(1);
    let why = match change {
        ConnectivityChange::GaveUp => "the witnesses have been silent for too long to be believed",
        ConnectivityChange::Restored | ConnectivityChange::Lost(_) => "a witness answers",
    };
    tracing::info!(seconds, "We see again after {seconds} s: {why}");
    let now = context.checks.clock.now();
    if let Err(error) = connectivity::end(&context.store, now).await {
        tracing::warn!(%error, "it could not be noted that we see");
    }
}
