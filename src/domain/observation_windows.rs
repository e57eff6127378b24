//! When we were alive: the lengths of time in which we could have heard somebody.

use std::time::Duration;

use super::timestamp::Timestamp;

/// One run of ours without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservationWindow {
    pub started_at: Timestamp,
    /// The last moment at which it was surely still going on.
    pub confirmed_at: Timestamp,
}

/// Runs of ours, in any order; they do not overlap.
#[derive(Clone, Debug, Default)]
pub struct ObservationWindows(pub Vec<ObservationWindow>);

impl ObservationWindows {
    /// How much of the time between two instants we were alive.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let shared = |window: &ObservationWindow| {
            window
                .confirmed_at
                .min(to)
                .since(window.started_at.max(from))
        };
        self.0.iter().map(shared).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn only_the_time_we_were_alive_counts() {
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
