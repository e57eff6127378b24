//! When we were alive: the lengths of time in which we could have heard somebody.

use std::time::Duration;

use super::timestamp::Timestamp;

/// One run of ours without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub began: Timestamp,
    /// The last moment at which it was surely still going on.
    pub alive: Timestamp,
}

/// Runs of ours, in any order; they do not overlap.
#[derive(Clone, Debug, Default)]
pub struct Lives(pub Vec<Life>);

impl Lives {
    /// How much of the time between two instants we were alive.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let shared = |life: &Life| life.alive.min(to).since(life.began.max(from));
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
        let life = |began, alive| Life {
            began: at(began),
            alive: at(alive),
        };
        let lives = Lives(vec![life(0, 100), life(200, 300), life(300, 300)]);
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
                lives.between(at(from), at(to)),
                Duration::from_secs(seconds),
                "{from}..{to}"
            );
        }
    }
}
