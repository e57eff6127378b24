//! Tests Rollcall's own connectivity while many endpoints begin to fail and while it is lost, and records when that changes.
//! It runs in parallel with the checks: a reference host that does not answer must not delay their results. The rule is in
//! `domain::endpoints::connectivity`.

use tokio::sync::watch;

use crate::actions::endpoints::connectivity::{self, Lost};
use crate::actions::endpoints::connectivity_state::ConnectivityState;
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::endpoints::connectivity::{Connectivity, ConnectivityChange, LONGEST, Loss};
use crate::jobs::JobContext;

/// Runs until `stop` turns true. At the start, it ends a connectivity loss that an earlier process has left open.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    record_end(&context).await;
    let _ends_tests = EndsTests(&context.checks.connectivity);
    let mut monitor = ConnectivityMonitor {
        connectivity: Connectivity::Up,
        lost: None,
        running: Stopwatch::start(),
    };
    tokio::select! {
        _ = stop.wait_for(|stopping| *stopping) => {}
        () = monitor.follow(&context) => {}
    }
}

/// Ends a test when the job ends, also by a panic: failures wait for it.
struct EndsTests<'a>(&'a ConnectivityState);

impl Drop for EndsTests<'_> {
    fn drop(&mut self) {
        self.0.settle(self.0.view().connectivity);
    }
}

struct ConnectivityMonitor {
    connectivity: Connectivity,
    /// What is lost, and the endpoints about which guilds were notified.
    lost: Option<Lost>,
    /// Measures how long alerts are on hold, unaffected by changes of the wall clock.
    running: Stopwatch,
}

impl ConnectivityMonitor {
    async fn follow(&mut self, context: &JobContext) {
        let state = &context.checks.connectivity;
        loop {
            match self.connectivity {
                Connectivity::Up => state.test_is_requested().await,
                Connectivity::Down { .. } | Connectivity::Unverified(_) => {
                    let gap = self.connectivity.test_gap(self.elapsed());
                    tokio::time::sleep(gap).await;
                }
            }
            self.test(context).await;
        }
    }

    /// The time on the clock that the wall clock does not change.
    fn elapsed(&self) -> Timestamp {
        Timestamp::from_millis(0).plus(self.running.elapsed())
    }

    async fn test(&mut self, context: &JobContext) {
        let (checks, state) = (&context.checks, &context.checks.connectivity);
        if !self
            .connectivity
            .must_test(state.suspicion(checks.clock.now()).as_ref())
        {
            return state.settle(self.connectivity);
        }
        let answers = checks
            .test_connectivity(&context.scheduling.reference_hosts)
            .await;
        let now = checks.clock.now();
        let elapsed = self.elapsed();
        let before = self.connectivity;
        // More endpoints may have begun to fail during the test.
        let suspicion = state.suspicion(now);
        let (connectivity, change) = before.next(suspicion, answers, elapsed);
        self.connectivity = connectivity;
        match (&change, before) {
            (Some(ConnectivityChange::Restored(loss)), _) => {
                state.restore(*loss, now);
                state.forget_failures();
            }
            (Some(ConnectivityChange::GaveUp(_)), _) => state.forget_failures(),
            _ => {}
        }
        state.settle(connectivity);
        match (change, before) {
            (Some(ConnectivityChange::Lost(loss, suspicion)), _) => {
                let lost = Lost { loss, suspicion };
                is_lost(context, &lost, now).await;
                self.lost = Some(lost);
            }
            (Some(change), Connectivity::Down { since, .. }) => {
                self.lost = None;
                is_restored(context, &change, elapsed.since(since).as_secs()).await;
            }
            (None, Connectivity::Down { .. }) => self.notify_others(context, now).await,
            _ => {}
        }
    }

    /// Notifies guilds whose endpoints began to fail later.
    async fn notify_others(&mut self, context: &JobContext, now: Timestamp) {
        let Some(lost) = &mut self.lost else { return };
        let failing = context
            .checks
            .connectivity
            .failing_since(lost.suspicion.began);
        if failing.len() <= lost.suspicion.failing.len() {
            return;
        }
        lost.suspicion.failing = failing;
        if let Err(error) = connectivity::notify_others(&context.store, lost.clone(), now).await {
            tracing::warn!(%error, "cannot notify all Discord servers about the connectivity loss");
        }
    }
}

async fn is_lost(context: &JobContext, lost: &Lost, now: Timestamp) {
    show(context, lost.loss, false);
    let failed = lost.suspicion.failing.len();
    match lost.loss {
        Loss::Network => {
            tracing::warn!(
                failed,
                hold_seconds = LONGEST.as_secs(),
                "connectivity lost"
            );
        }
        Loss::NameResolution => tracing::warn!(failed, "name resolution lost"),
    }
    if let Err(error) = connectivity::begin(&context.store, lost.clone(), now).await {
        tracing::error!(%error, "cannot mark outages as false alarms after a connectivity loss");
    }
}

async fn is_restored(context: &JobContext, change: &ConnectivityChange, seconds: u64) {
    // Names may have been lost before the network.
    for loss in [Loss::Network, Loss::NameResolution] {
        show(context, loss, true);
    }
    match change {
        ConnectivityChange::GaveUp(Loss::Network) => {
            tracing::warn!(
                seconds,
                "alerts are on again, although no reference host responds"
            );
        }
        ConnectivityChange::GaveUp(Loss::NameResolution) => {
            tracing::warn!(
                seconds,
                "failures of endpoints with a name count again, although no reference name resolves"
            );
        }
        ConnectivityChange::Restored(loss) | ConnectivityChange::Lost(loss, _) => match loss {
            Loss::Network => tracing::info!(seconds, "connectivity restored"),
            Loss::NameResolution => tracing::info!(seconds, "name resolution restored"),
        },
    }
    record_end(context).await;
}

fn show(context: &JobContext, loss: Loss, is_up: bool) {
    let gauge = match loss {
        Loss::Network => &context.metrics.connectivity_up,
        Loss::NameResolution => &context.metrics.name_resolution_up,
    };
    gauge.set(i64::from(is_up));
}

async fn record_end(context: &JobContext) {
    let now = context.checks.clock.now();
    if let Err(error) = connectivity::end(&context.store, now).await {
        tracing::warn!(%error, "cannot record the end of a connectivity loss");
    }
}
