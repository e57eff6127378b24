//! Observation windows: the periods during which Rollcall was running and could receive and store heartbeats and reports.

pub mod observer;

use std::time::Duration;

use crate::timestamp::{Timestamp, millis};

/// After a break, a monitor gets at most this much more observed time: what it sent during the break may have been lost.
const GRACE: Duration = Duration::from_secs(180);

/// One period of observation, or several that have been merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservationWindow {
    pub started_at: Timestamp,
    /// The last time at which the window was certainly still open.
    pub confirmed_at: Timestamp,
    /// How much of it was observed; `None`: all of it.
    pub observed: Option<Duration>,
}

impl ObservationWindow {
    /// A window without a break.
    pub const fn new(started_at: Timestamp, confirmed_at: Timestamp) -> Self {
        Self {
            started_at,
            confirmed_at,
            observed: None,
        }
    }

    /// How much of the time between two timestamps was observed; of a part of merged windows, as much as on average.
    fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let overlap = self.confirmed_at.min(to).since(self.started_at.max(from));
        let Some(observed) = self.observed else {
            return overlap;
        };
        let length = self.confirmed_at.since(self.started_at);
        match millis(length) {
            0 => Duration::ZERO,
            _ => observed.mul_f64(overlap.as_secs_f64() / length.as_secs_f64()),
        }
    }
}

/// Observation windows, the latest last; they do not overlap.
#[derive(Clone, Debug, Default)]
pub struct ObservationWindows(pub Vec<ObservationWindow>);

impl ObservationWindows {
    /// Returns how much of the time between two timestamps lies within the windows.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        self.0.iter().map(|window| window.between(from, to)).sum()
    }

    /// For how long a monitor has not been heard from, in observed time.
    pub fn absence(&self, last_seen: Timestamp, now: Timestamp) -> Absence {
        let current = self.0.last();
        Absence {
            observed: self.between(last_seen, now),
            present: current.map_or(Duration::ZERO, |window| now.since(window.started_at)),
        }
    }
}

/// For how long a monitor has not been heard from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// Time since it was last seen during which Rollcall could have received something.
    pub observed: Duration,
    /// Time for which Rollcall has now been observing without a break.
    pub present: Duration,
}

impl Absence {
    /// Whether it is longer than a threshold, so that the monitor is overdue.
    ///
    /// Time outside observation windows never counts. After a break, the monitor gets the threshold once more, or three
    /// minutes if that is less; but only once: the observed time before and after a break, and between many breaks, adds up,
    /// so that restarts cannot hide an outage.
    pub fn exceeds(self, threshold: Duration) -> bool {
        self.observed > threshold && self.is_judged(threshold)
    }

    /// Whether Rollcall has observed for long enough since the last break to judge.
    pub fn is_judged(self, threshold: Duration) -> bool {
        let is_unbroken = self.observed <= self.present;
        let grace = threshold.min(GRACE);
        is_unbroken || self.present > threshold || self.observed > threshold + grace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn window(started_at: i64, confirmed_at: i64) -> ObservationWindow {
        ObservationWindow::new(at(started_at), at(confirmed_at))
    }

    #[test]
    fn only_time_within_windows_counts() {
        let merged = ObservationWindow {
            observed: Some(Duration::from_secs(25)),
            ..window(1_000, 1_100)
        };
        let windows = ObservationWindows(vec![
            window(0, 100),
            window(200, 300),
            window(300, 300),
            merged,
        ]);
        for (from, to, seconds) in [
            (0, 100, 100),
            (0, 300, 200),
            (50, 250, 100),
            (100, 200, 0),
            (250, 900, 50),
            (400, 500, 0),
            (300, 100, 0),
            (1_000, 1_100, 25),
            (1_020, 1_060, 10),
            (0, 2_000, 225),
        ] {
            assert_eq!(
                windows.between(at(from), at(to)),
                Duration::from_secs(seconds),
                "{from}..{to}"
            );
        }
        let empty = ObservationWindow {
            observed: Some(Duration::ZERO),
            ..window(5, 5)
        };
        assert_eq!(empty.between(at(0), at(9)), Duration::ZERO);
    }

    #[test]
    fn only_observed_time_counts_and_a_break_adds_one_grace_period() {
        for (threshold, observed, present, overdue, why) in [
            (300, 299, 9_999, false, "not long enough"),
            (300, 300, 9_999, false, "at the threshold"),
            (300, 301, 9_999, true, "beyond it"),
            (300, 301, 301, true, "seen when observation resumed"),
            (300, 301, 10, false, "observation has just resumed"),
            (300, 310, 301, true, "resumed a threshold ago"),
            (300, 480, 20, false, "many short windows"),
            (300, 481, 20, true, "many short windows that add up"),
            (15, 30, 5, false, "the grace of a short threshold"),
            (15, 31, 5, true, "and its end"),
            (93_600, 93_780, 600, false, "the grace of a long threshold"),
            (93_600, 93_781, 600, true, "and its end"),
        ] {
            let absence = Absence {
                observed: Duration::from_secs(observed),
                present: Duration::from_secs(present),
            };
            let threshold = Duration::from_secs(threshold);
            assert_eq!(absence.exceeds(threshold), overdue, "{why}");
        }
    }

    #[test]
    fn an_absence_is_measured_since_the_monitor_was_seen() {
        let windows = ObservationWindows(vec![window(0, 100), window(200, 300)]);
        for (last_seen, observed, present) in [(50, 150, 100), (150, 100, 100), (250, 50, 100)] {
            let expected = Absence {
                observed: Duration::from_secs(observed),
                present: Duration::from_secs(present),
            };
            assert_eq!(
                windows.absence(at(last_seen), at(300)),
                expected,
                "{last_seen}"
            );
        }
    }
}
