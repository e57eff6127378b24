//! The only code that reads the time.
//!
//! Wall time is for display, calendars and stored timestamps; durations come from the monotonic clock. Everything below
//! the interfaces takes `now` as a parameter, so that a test can set the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

/// The source of `now`: the system clock, or a clock that a test controls.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub fn() -> Timestamp);

impl Clock {
    pub const SYSTEM: Self = Self(system_now);

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file where the wall clock is read"
)]
fn system_now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
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
