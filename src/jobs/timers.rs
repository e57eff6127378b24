//! Measures how late timers fire in the runtime that looks and jobs share. Looks that begin late would be blamed on the
//! endpoints; nothing that Discord's client does may hold this runtime up.

use std::time::Duration;

use tokio::sync::watch;

use super::Context;
use crate::clock::Stopwatch;

/// How often; cheap enough to be left on.
const EVERY: Duration = Duration::from_millis(500);

/// Runs until `stop` turns true.
pub(super) async fn run(context: Context, mut stop: watch::Receiver<bool>) {
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
