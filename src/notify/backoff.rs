//! How long to wait before something that failed is tried again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Nothing is tried again sooner than this.
const LEAST: Duration = Duration::from_millis(200);

/// Anywhere up to a length that doubles with every failure, from a second to five minutes, so that many that failed together
/// do not come back together (full jitter). `jitter` is a random number from 0 to 1.
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
    fn jitter_lies_between_nothing_and_one() {
        let mut many = (0..1000).map(|_| jitter());
        assert!(many.all(|random| (0.0..=1.0).contains(&random)));
    }

    #[test]
    fn waits_double_up_to_five_minutes_and_are_never_nothing() {
        for (failures, seconds) in [(0, 1), (1, 2), (5, 32), (8, 256), (9, 300), (u32::MAX, 300)] {
            assert_eq!(backoff(failures, 1.0), Duration::from_secs(seconds));
        }
        assert_eq!(backoff(3, 0.5), Duration::from_secs(4));
        assert_eq!(backoff(9, 0.0), LEAST);
    }
}
