//! Measures how late timers fire in the runtime that checks and jobs share. A check that starts late would be blamed on
//! the endpoint, and nothing in Discord's client may block this runtime.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Stopwatch;
use crate::jobs::JobContext;

/// Time between measurements; cheap enough to stay on.
const EVERY: Duration = Duration::from_millis(500);

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    loop {
        let stopwatch = Stopwatch::start();
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let late = stopwatch.elapsed().saturating_sub(EVERY);
        context
            .metrics
            .timer_delay_seconds
            .observe(late.as_secs_f64());
    }
}
