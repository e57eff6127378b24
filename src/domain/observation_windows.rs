//! Observation windows: the periods during which Rollcall was running and could receive heartbeats and reports.

use std::time::Duration;

use super::timestamp::Timestamp;

/// One period of observation without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservationWindow {
    pub started_at: Timestamp,
    /// The last time at which the window was certainly still open.
    pub confirmed_at: Timestamp,
}

/// Observation windows in any order; they do not overlap.
#[derive(Clone, Debug, Default)]
pub struct ObservationWindows(pub Vec<ObservationWindow>);

impl ObservationWindows {
    /// Returns how much of the time between two timestamps lies within the windows.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let overlap = |window: &ObservationWindow| {
            window
                .confirmed_at
                .min(to)
                .since(window.started_at.max(from))
        };
        self.0.iter().map(overlap).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn only_time_within_windows_counts() {
        let window = |started_at, confirmed_at| ObservationWindow {
            started_at: at(started_at),
            confirmed_at: at(confirmed_at),
        };
        let windows = ObservationWindows(vec![window(0, 100), window(200, 300), window(300, 300)]);
        for (from, to, seconds) in [
            (0, 100, 100),
            (0, 300, 200),
            (50, 250, 100),
            (100, 200, 0),
            (250, 1_000, 50),
            (400, 500, 0),
            (300, 100, 0),
        ] {
            assert_eq!(
                windows.between(at(from), at(to)),
                Duration::from_secs(seconds),
                "{from}..{to}"
            );
        }
    }
}
