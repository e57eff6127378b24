//! How long the agent waits after a report that was not accepted.

use std::time::Duration;

/// The longest wait after the first failure.
const FIRST: Duration = Duration::from_secs(5);

/// The longest wait of all, unless Rollcall asks for a longer one.
const LONGEST: Duration = Duration::from_secs(300);

/// The longest wait that Rollcall may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The wait before the next report, after this many failures in a row. It doubles from 5 s to 5 min. Up to half of it is
/// subtracted at random, so that agents do not all report at once when Rollcall is up again. `random` is in 0..1.
/// `retry_after` is the wait that the answer asks for; it is never undercut, up to an hour.
pub(super) fn wait(failures: u32, retry_after: Option<Duration>, random: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let longest = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let own = longest.mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0);
    let asked = retry_after.unwrap_or_default().min(LONGEST_ASKED);
    own.max(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_five_minutes_with_a_random_part() {
        for (failures, longest) in [
            (0, 5),
            (1, 5),
            (2, 10),
            (3, 20),
            (6, 160),
            (7, 300),
            (8, 300),
            (u32::MAX, 300),
        ] {
            let longest = Duration::from_secs(longest);
            assert_eq!(wait(failures, None, 0.0), longest, "{failures}");
            assert_eq!(wait(failures, None, 1.0), longest / 2, "{failures}");
        }
    }

    #[test]
    fn the_wait_that_rollcall_asks_for_is_kept_up_to_an_hour() {
        for (asked, expected) in [
            (0, 10),
            (9, 10),
            (10, 10),
            (11, 11),
            (3_599, 3_599),
            (3_600, 3_600),
            (3_601, 3_600),
        ] {
            let asked = Some(Duration::from_secs(asked));
            assert_eq!(wait(2, asked, 0.0), Duration::from_secs(expected));
        }
    }
}
