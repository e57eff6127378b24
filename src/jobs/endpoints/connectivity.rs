//! Tests Rollcall's own connectivity while many endpoints begin to fail and while it is lost, and records when that changes.
//! It runs beside the checks: a reference host that does not answer must not delay their results. The rule is in
//! `domain::endpoints::connectivity`.

use std::time::Duration;

use tokio::sync::watch;

use crate::actions::endpoints::connectivity::{self, Lost};
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::endpoints::connectivity::{Connectivity, ConnectivityChange, LONGEST, Loss};
use crate::jobs::JobContext;

/// Time between two tests while connectivity is lost or not verified.
const TEST_EVERY: Duration = Duration::from_secs(5);

/// Runs until `stop` turns true. At the start, it ends a connectivity loss that an earlier process has left open.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    record_end(&context).await;
    let mut monitor = ConnectivityMonitor {
        connectivity: Connectivity::Up,
        running: Stopwatch::start(),
    };
    tokio::select! {
        _ = stop.wait_for(|stopping| *stopping) => {}
        () = monitor.follow(&context) => {}
    }
    context.checks.connectivity.settle(monitor.connectivity);
}

struct ConnectivityMonitor {
    connectivity: Connectivity,
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
                    tokio::time::sleep(TEST_EVERY).await;
                }
            }
            self.test(context).await;
        }
    }

    async fn test(&mut self, context: &JobContext) {
        let state = &context.checks.connectivity;
        let now = context.checks.clock.now();
        let suspicion = state.suspicion(now);
        if !self.connectivity.must_test(suspicion.as_ref()) {
            return state.settle(self.connectivity);
        }
        let hosts = &context.scheduling.reference_hosts;
        let answers = context.checks.test_connectivity(hosts).await;
        let elapsed = Timestamp::from_millis(0).plus(self.running.elapsed());
        let before = self.connectivity;
        let (connectivity, change) = before.next(suspicion, answers, elapsed);
        self.connectivity = connectivity;
        state.settle(connectivity);
        match (change, before) {
            (Some(ConnectivityChange::Lost(loss, suspicion)), _) => {
                is_lost(context, Lost { loss, suspicion }, now).await;
            }
            (Some(change), Connectivity::Down { since, .. }) => {
                state.forget_failures();
                is_restored(context, &change, elapsed.since(since).as_secs()).await;
            }
            _ => {}
        }
    }
}

async fn is_lost(context: &JobContext, lost: Lost, now: Timestamp) {
    show(context, lost.loss, false);
    let (failed, hold_seconds) = (lost.suspicion.failing.len(), LONGEST.as_secs());
    match lost.loss {
        Loss::Network => tracing::warn!(failed, hold_seconds, "connectivity lost"),
        Loss::NameResolution => tracing::warn!(failed, hold_seconds, "name resolution lost"),
    }
    if let Err(error) = connectivity::begin(&context.store, lost, now).await {
        tracing::error!(%error, "cannot mark outages as false alarms after a connectivity loss");
    }
}

async fn is_restored(context: &JobContext, change: &ConnectivityChange, seconds: u64) {
    match change {
        ConnectivityChange::GaveUp(loss) => {
            show(context, *loss, true);
            tracing::warn!(
                seconds,
                "alerts are on again, although no reference host responds or no reference name resolves"
            );
        }
        ConnectivityChange::Restored(loss) | ConnectivityChange::Lost(loss, _) => {
            show(context, *loss, true);
            match loss {
                Loss::Network => tracing::info!(seconds, "connectivity restored"),
                Loss::NameResolution => tracing::info!(seconds, "name resolution restored"),
            }
        }
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
