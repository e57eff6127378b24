//! The backoff for reconnecting to the gateway: quick and jittered at first, then slow without end; and the gap between new
//! sessions, because Discord limits how many a bot may start.

use std::time::Duration;

/// The longest wait after the first failed attempt in a row, doubled for each further one up to a maximum, while attempts
/// are still quick.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST_QUICK: Duration = Duration::from_secs(60);

/// The wait once the quick attempts are used up: 5 minutes, growing to 15.
const SLOW: Duration = Duration::from_secs(5 * 60);
const SLOWEST: Duration = Duration::from_secs(15 * 60);

/// The longest wait after the first connection in a row that worked and was soon lost, doubled for each further one up to a
/// maximum.
const FIRST_DROP: Duration = Duration::from_millis(250);
const LONGEST_DROP: Duration = Duration::from_secs(2);

/// A connection that worked for this long resets the backoff.
const STEADY: Duration = Duration::from_secs(30);

/// Discord accepts one IDENTIFY every 5 seconds.
const IDENTIFY_GAP: Duration = Duration::from_secs(5);

/// After an invalid session Discord requires a pause of 1 to 5 seconds before the next IDENTIFY.
const INVALID_LEAST: Duration = Duration::from_secs(1);
const INVALID_MOST: Duration = Duration::from_secs(5);

/// The number of consecutive attempts that failed or were soon lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    /// Attempts that never reached a working connection.
    failures: u32,
    /// Connections that worked but were soon lost.
    drops: u32,
}

/// The wait before an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub length: Duration,
    /// Whether the quick attempts are used up.
    pub is_slow: bool,
}

impl Backoff {
    /// Records the end of an attempt; `worked_for` is how long its connection worked, `None` if it never did.
    pub fn ended(&mut self, worked_for: Option<Duration>) {
        *self = match worked_for {
            None => Self {
                failures: self.failures.saturating_add(1),
                ..*self
            },
            Some(length) if length < STEADY => Self {
                failures: 0,
                drops: self.drops.saturating_add(1),
            },
            Some(_) => Self::default(),
        };
    }

    /// Returns the wait before the next attempt. The first `quick_attempts` attempts are quick, later ones slow.
    ///
    /// `jitter` is a random number from 0 to 1: a quick wait lies anywhere between zero and its maximum, so that many bots
    /// do not reconnect at the same moment (full jitter).
    pub fn wait(&self, quick_attempts: u32, jitter: f64) -> Wait {
        let jitter = jitter.clamp(0.0, 1.0);
        if self.failures >= quick_attempts.max(1) {
            let nth = self.failures - quick_attempts.max(1) + 1;
            return Wait {
                length: SLOW.saturating_mul(nth).min(SLOWEST),
                is_slow: true,
            };
        }
        let longest = match (self.failures, self.drops) {
            (0, 0) => Duration::ZERO,
            (0, drops) => doubled(FIRST_DROP, drops).min(LONGEST_DROP),
            (failures, _) => doubled(FIRST, failures).min(LONGEST_QUICK),
        };
        Wait {
            length: longest.mul_f64(jitter),
            is_slow: false,
        }
    }
}

/// Returns `first` for the first attempt, twice that for the second, and so on.
fn doubled(first: Duration, nth: u32) -> Duration {
    first.saturating_mul(1 << nth.saturating_sub(1).min(16))
}

/// Returns the pause after Discord has declared a session invalid.
pub fn invalid_session_pause(jitter: f64) -> Duration {
    INVALID_LEAST + (INVALID_MOST - INVALID_LEAST).mul_f64(jitter.clamp(0.0, 1.0))
}

/// How many sessions Discord still allows the bot to start, as of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartLimit {
    /// Sessions per period, usually 1,000 per day.
    pub total: u32,
    pub remaining: u32,
    /// Time until the period ends and `remaining` is `total` again.
    pub reset_in: Duration,
}

/// Returns the shortest time between the last IDENTIFY and the next.
///
/// It is 5 seconds while more than half of the period's sessions are left. After that, the remaining sessions are spread
/// over the rest of the period; with none left, it is the rest of the period. Exceeding the limit would cost the bot its
/// token.
pub fn identify_gap(limit: StartLimit) -> Duration {
    if limit.remaining == 0 {
        return limit.reset_in.max(IDENTIFY_GAP);
    }
    if limit.remaining > limit.total / 2 {
        return IDENTIFY_GAP;
    }
    (limit.reset_in / limit.remaining).max(IDENTIFY_GAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(failures: u32, drops: u32) -> Backoff {
        Backoff { failures, drops }
    }

    #[test]
    fn waits_double_up_to_a_minute_then_grow_from_five_minutes_to_fifteen() {
        let longest: Vec<u64> = (0..15)
            .map(|failures| backoff(failures, 0).wait(10, 1.0).length.as_secs())
            .collect();
        assert_eq!(
            longest,
            [0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 300, 600, 900, 900, 900]
        );
        let slow: Vec<u32> = (0..12)
            .filter(|failures| backoff(*failures, 0).wait(10, 0.5).is_slow)
            .collect();
        assert_eq!(slow, [10, 11]);
    }

    #[test]
    fn a_connection_that_keeps_dropping_is_retried_within_two_seconds() {
        let longest: Vec<u128> = (0..7)
            .map(|drops| backoff(0, drops).wait(10, 1.0).length.as_millis())
            .collect();
        assert_eq!(longest, [0, 250, 500, 1000, 2000, 2000, 2000]);
        assert!(!backoff(0, 1000).wait(10, 1.0).is_slow);
    }

    #[test]
    fn a_working_connection_resets_failures_and_a_steady_one_resets_drops() {
        let mut backoff = Backoff::default();
        backoff.ended(None);
        backoff.ended(None);
        assert_eq!((backoff.failures, backoff.drops), (2, 0));
        backoff.ended(Some(Duration::from_secs(1)));
        backoff.ended(Some(Duration::from_secs(29)));
        assert_eq!((backoff.failures, backoff.drops), (0, 2));
        backoff.ended(None);
        assert_eq!((backoff.failures, backoff.drops), (1, 2));
        backoff.ended(Some(Duration::from_secs(30)));
        assert_eq!(backoff, Backoff::default());
    }

    #[test]
    fn jitter_spreads_quick_waits_from_zero_to_their_maximum() {
        assert_eq!(backoff(5, 0).wait(10, 0.0).length, Duration::ZERO);
        assert_eq!(backoff(5, 0).wait(10, 0.5).length, Duration::from_secs(8));
        assert_eq!(backoff(20, 0).wait(10, 0.0).length, SLOWEST);
        assert_eq!(invalid_session_pause(0.0), Duration::from_secs(1));
        assert_eq!(invalid_session_pause(1.0), Duration::from_secs(5));
    }

    #[test]
    fn sessions_start_five_seconds_apart_and_spread_out_when_few_are_left() {
        for (total, remaining, reset_in, gap) in [
            (1000, 1000, 86_400, 5),
            (1000, 501, 86_400, 5),
            (1000, 500, 86_400, 172),
            (1000, 10, 3_600, 360),
            (1000, 400, 60, 5),
            (1000, 0, 7_200, 7_200),
            (1000, 0, 0, 5),
            (1, 1, 60, 5),
        ] {
            let limit = StartLimit {
                total,
                remaining,
                reset_in: Duration::from_secs(reset_in),
            };
            assert_eq!(identify_gap(limit).as_secs(), gap, "{limit:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_count_overflows(failures: u32, drops: u32, quick in 0_u32..1000, jitter in 0.0_f64..1.0) {
            proptest::prop_assert!(backoff(failures, drops).wait(quick, jitter).length <= SLOWEST);
        }

        #[test]
        fn the_session_start_limit_is_never_exceeded(total in 1_u32..2000, remaining in 0_u32..2000, seconds in 0_u64..100_000) {
            let reset_in = Duration::from_secs(seconds);
            let gap = identify_gap(StartLimit { total, remaining, reset_in });
            proptest::prop_assert!(gap >= IDENTIFY_GAP);
            // At this gap, the remaining sessions last until the period ends.
            if remaining <= total / 2 && remaining > 0 {
                proptest::prop_assert!(gap * remaining + Duration::from_millis(1) >= reset_in);
            }
        }
    }
}
