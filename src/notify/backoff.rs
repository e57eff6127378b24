//! Delays between attempts after a failure.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Minimum delay.
const LEAST: Duration = Duration::from_millis(200);

/// A random delay below a limit that doubles with every failure, from 1 second to 5 minutes (full jitter), so that attempts
/// that failed together are not repeated together. `jitter` is a random number from 0 to 1.
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let longest = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
    longest.mul_f64(jitter.clamp(0.0, 1.0)).max(LEAST)
}

/// A random number from 0 to 1. The standard library's hasher is seeded by the system; nothing better is needed here.
pub fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_between_zero_and_one() {
        let mut many = (0..1000).map(|_| jitter());
        assert!(many.all(|random| (0.0..=1.0).contains(&random)));
    }

    #[test]
    fn delays_double_up_to_five_minutes_and_are_never_zero() {
        for (failures, seconds) in [(0, 1), (1, 2), (5, 32), (8, 256), (9, 300), (u32::MAX, 300)] {
            assert_eq!(backoff(failures, 1.0), Duration::from_secs(seconds));
        }
        assert_eq!(backoff(3, 0.5), Duration::from_secs(4));
        assert_eq!(backoff(9, 0.0), LEAST);
    }
}
