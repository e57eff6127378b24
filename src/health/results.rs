//! Whether check results are recorded.

use std::time::Duration;

use crate::clock::Stopwatch;

/// What is known of check results on their way into the database.
#[derive(Debug, Default)]
pub(super) struct ResultsProgress {
    /// When the oldest one that waits now was there.
    oldest: Option<Stopwatch>,
    /// When some were lost, if none have been recorded since.
    lost: Option<Stopwatch>,
}

impl ResultsProgress {
    pub fn wait(&mut self, oldest: Stopwatch) {
        self.oldest = Some(oldest);
    }

    pub fn lose(&mut self) {
        self.lost = Some(Stopwatch::start());
    }

    /// Records that those that waited were recorded, or lost.
    pub fn end(&mut self, is_recorded: bool) {
        self.oldest = None;
        self.lost = match is_recorded {
            true => None,
            false => Some(Stopwatch::start()),
        };
    }

    pub fn oldest_waits(&self) -> Option<Duration> {
        self.oldest.map(|oldest| oldest.elapsed())
    }

    pub fn lost_ago(&self) -> Option<Duration> {
        self.lost.map(|lost| lost.elapsed())
    }
}
