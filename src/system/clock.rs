//! The only code that reads the time.
//!
//! Wall time is for display, calendars and stored timestamps; durations come from the monotonic clock. Everything below
//! the interfaces takes `now` as a parameter, so that a test can set the time.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;
use crate::domain::history::observation_windows::observer::Reading;

/// The source of `now`: the system clock, or a clock that a test controls.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub fn() -> Timestamp);

impl Clock {
    pub const SYSTEM: Self = Self(system_now);

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// Both clocks.
    pub fn reading(&self) -> Reading {
        Reading {
            wall: self.now(),
            monotonic: since_start(),
        }
    }
}

/// Monotonic time since the first call.
fn since_start() -> Duration {
    static START: OnceLock<Stopwatch> = OnceLock::new();
    START.get_or_init(Stopwatch::start).elapsed()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file where the wall clock is read"
)]
fn system_now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX) + offset())
}

static OFFSET_FILE: OnceLock<PathBuf> = OnceLock::new();

/// From now on, a file says how many milliseconds are added to the wall clock: it shows what a step of the clock does,
/// without one on the machine.
pub fn add_offset_from(file: PathBuf) {
    // Only a second call could fail, and there is one.
    let _ = OFFSET_FILE.set(file);
}

fn offset() -> i64 {
    let text = OFFSET_FILE
        .get()
        .and_then(|file| std::fs::read_to_string(file).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// Measures durations on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the file where the monotonic clock is read"
    )]
    pub fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// The monotonic instant `length` after the start, for `tokio::time::timeout_at` and `sleep_until`.
    pub fn after(&self, length: Duration) -> tokio::time::Instant {
        self.0 + length
    }
}
