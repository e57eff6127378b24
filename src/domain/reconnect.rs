//! How long to wait before connecting to the gateway again: exponential with full jitter, then slow retries for ever.

use std::time::Duration;

/// The longest wait before the first, second, third … attempt in a row, while attempts are still quick.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST_QUICK: Duration = Duration::from_secs(60);

/// After the quick attempts are used up: every 5 minutes, growing to 15.
const SLOW: Duration = Duration::from_secs(5 * 60);
const SLOWEST: Duration = Duration::from_secs(15 * 60);

/// What comes before an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub length: Duration,
    /// This is the first slow one: the moment to say that quick attempts are used up.
    pub gives_up_haste: bool,
}

/// The wait before attempt number `failures + 1`, after so many failures in a row.
///
/// `jitter` is a random number from 0 to 1: quick waits are anywhere between nothing and their longest, so that many
/// bots do not come back at the same moment (full jitter).
pub fn wait(failures: u32, quick_attempts: u32, jitter: f64) -> Wait {
    if failures == 0 {
        return Wait {
            length: Duration::ZERO,
            gives_up_haste: false,
        };
    }
    if failures < quick_attempts {
        let longest = FIRST
            .saturating_mul(1 << (failures - 1).min(16))
            .min(LONGEST_QUICK);
        return Wait {
            length: longest.mul_f64(jitter.clamp(0.0, 1.0)),
            gives_up_haste: false,
        };
    }
    let slow = SLOW
        .saturating_mul(failures - quick_attempts + 1)
        .min(SLOWEST);
    Wait {
        length: slow,
        gives_up_haste: failures == quick_attempts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_then_grow_from_five_minutes_to_fifteen() {
        let longest: Vec<u64> = (0..15)
            .map(|failures| wait(failures, 10, 1.0).length.as_secs())
            .collect();
        assert_eq!(
            longest,
            [0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 300, 600, 900, 900, 900]
        );
    }

    #[test]
    fn the_moment_of_giving_up_haste_comes_once() {
        let moments: Vec<u32> = (0..40)
            .filter(|failures| wait(*failures, 10, 0.5).gives_up_haste)
            .collect();
        assert_eq!(moments, [10]);
    }

    #[test]
    fn jitter_spreads_the_quick_waits_from_nothing_to_their_longest() {
        assert_eq!(wait(5, 10, 0.0).length, Duration::ZERO);
        assert_eq!(wait(5, 10, 0.5).length, Duration::from_secs(8));
        assert_eq!(wait(20, 10, 0.0).length, SLOWEST);
    }

    proptest::proptest! {
        #[test]
        fn no_count_overflows(failures: u32, quick in 1_u32..1000, jitter in 0.0_f64..1.0) {
            proptest::prop_assert!(wait(failures, quick, jitter).length <= SLOWEST);
        }
    }
}
