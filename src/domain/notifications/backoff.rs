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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_five_minutes_and_are_never_zero() {
        for (failures, seconds) in [(0, 1), (1, 2), (5, 32), (8, 256), (9, 300), (u32::MAX, 300)] {
            assert_eq!(backoff(failures, 1.0), Duration::from_secs(seconds));
        }
        assert_eq!(backoff(3, 0.5), Duration::from_secs(4));
        assert_eq!(backoff(9, 0.0), LEAST);
    }
}
