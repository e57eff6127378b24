//! How inactive endpoints are rechecked.

use std::time::Duration;

use super::read::{DAY, SECOND, Variables};

/// How inactive endpoints are rechecked.
#[derive(Clone, Debug)]
pub struct RecheckSettings {
    pub interval: Duration,
    pub min_age: Duration,
    pub batch: u32,
    pub concurrency: usize,
}

impl Variables {
    pub(super) fn recheck(&mut self) -> RecheckSettings {
        RecheckSettings {
            interval: self.length("RECHECK_INTERVAL", "3600s", SECOND, SECOND..=DAY * 7),
            min_age: self.length("RECHECK_MIN_AGE", "3600s", SECOND, Duration::ZERO..=DAY * 7),
            batch: self.small("RECHECK_BATCH", "100", 10_000),
            concurrency: self.size("RECHECK_CONCURRENCY", "10", 1000),
        }
    }
}
