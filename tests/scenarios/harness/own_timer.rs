//! The test process's own timer, which shows whether the whole machine stalls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// The period of the timer in the test process.
const TICK: Duration = Duration::from_millis(50);

/// The current monotonic instant, to measure from.
#[expect(
    clippy::disallowed_methods,
    reason = "a test measures how long its user would wait"
)]
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// A timer in the test process, which has as little to do as the bot's timers should have.
pub struct Machine {
    longest_ms: Arc<AtomicU64>,
    /// Dropped with the `Machine`, which ends the thread.
    _stop: Sender<()>,
}

impl Machine {
    pub fn watch() -> Self {
        let (stop, stopped) = mpsc::channel();
        let longest_ms = Arc::new(AtomicU64::new(0));
        let longest = Arc::clone(&longest_ms);
        std::thread::spawn(move || {
            let mut since = stopwatch();
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let late = since.elapsed().saturating_sub(TICK);
                longest.fetch_max(u64::try_from(late.as_millis()).unwrap(), Ordering::Relaxed);
                since = stopwatch();
            }
        });
        Self {
            longest_ms,
            _stop: stop,
        }
    }

    /// The longest delay so far.
    pub fn longest_delay(&self) -> Duration {
        Duration::from_millis(self.longest_ms.load(Ordering::Relaxed))
    }
}
