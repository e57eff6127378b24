//! The report interval of a server, learned from its own reports, and the rule for alerts about overdue servers.

use std::time::Duration;

use super::threshold::Reports;
use crate::timestamp::Timestamp;

/// The interval is learned from at most this many of the latest reports, none older than `LEARNED_WITHIN`.
pub const LEARNED_FROM: usize = 10;
pub const LEARNED_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// Reports that are loaded to learn from: more than `LEARNED_FROM`, because a burst counts as one.
pub const LOADED: usize = 10 * LEARNED_FROM;

/// Reports that arrive within this time of each other are one: an agent sends late reports in a burst.
const BURST: Duration = Duration::from_secs(5);

/// No server is expected to report more often than this.
const SHORTEST: Duration = Duration::from_secs(30);

/// A server is overdue after more than this many intervals without a report.
const MISSED: u32 = 2;

/// Returns the expected interval between reports: the median gap of the recent ones, but at least 30 s. `None` if there are
/// too few to learn from. Takes `reports` in any order and ignores reports from the future.
pub fn expected_interval(reports: &[Timestamp], now: Timestamp) -> Option<Duration> {
    let mut recent: Vec<Timestamp> = reports
        .iter()
        .copied()
        .filter(|at| *at <= now && now.since(*at) <= LEARNED_WITHIN)
        .collect();
    recent.sort_unstable();
    recent.dedup_by(|later, earlier| later.since(*earlier) < BURST);
    let first = recent.len().saturating_sub(LEARNED_FROM);
    let gaps = recent
        .get(first..)
        .unwrap_or_default()
        .windows(2)
        .map(|pair| pair[1].since(pair[0]))
        .collect();
    Some(median(gaps)?.max(SHORTEST))
}

/// Returns the middle value, or the mean of the middle two.
fn median(mut lengths: Vec<Duration>) -> Option<Duration> {
    lengths.sort_unstable();
    let upper = *lengths.get(lengths.len() / 2)?;
    if lengths.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *lengths.get(lengths.len() / 2 - 1)?;
    Some((lower + upper) / 2)
}

/// Whether an active server that has reported before is overdue: no report for more than twice its interval.
pub fn should_alert(reports: Reports, expected_interval: Duration, now: Timestamp) -> bool {
    let limit = expected_interval.saturating_mul(MISSED);
    reports.is_active
        && reports
            .last_seen
            .is_some_and(|seen| now.since(seen) > limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn ago(seconds: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(seconds))
    }

    #[test]
    fn the_interval_is_the_median_gap_of_the_last_ten_reports_of_a_day() {
        for (reports, seconds, why) in [
            (vec![], None, "no report"),
            (vec![ago(10)], None, "one report"),
            (vec![ago(60), ago(0)], Some(60), "one gap"),
            (vec![ago(0), ago(60)], Some(60), "in any order"),
            (
                vec![ago(400), ago(100), ago(0)],
                Some(200),
                "the mean of the middle two",
            ),
            (
                vec![ago(10_000), ago(120), ago(60), ago(0)],
                Some(60),
                "one long gap does not matter",
            ),
            (vec![ago(90_000), ago(86_401), ago(0)], None, "too old"),
            (
                vec![ago(4), ago(3), ago(2), ago(1), ago(0)],
                None,
                "a burst counts as one report",
            ),
            (
                vec![ago(304), ago(4), ago(3), ago(2), ago(0)],
                Some(300),
                "a burst after a report",
            ),
            (
                vec![ago(5), ago(0)],
                Some(30),
                "no longer a burst, and the shortest interval",
            ),
            (vec![ago(29), ago(0)], Some(30), "below the shortest"),
            (vec![ago(31), ago(0)], Some(31), "above the shortest"),
            (
                vec![ago(60), ago(0), NOW.plus(Duration::from_secs(9))],
                Some(60),
                "a report from the future",
            ),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(expected_interval(&reports, NOW), expected, "{why}");
        }
        let slow_then_fast: Vec<Timestamp> = (0..20)
            .map(|number| {
                if number < 10 {
                    ago(number * 30)
                } else {
                    ago(number * 3600)
                }
            })
            .collect();
        assert_eq!(
            expected_interval(&slow_then_fast, NOW),
            Some(Duration::from_secs(30))
        );
    }

    #[test]
    fn alerts_after_more_than_twice_the_interval() {
        let minute = Duration::from_secs(60);
        let seen = |at| Reports {
            last_seen: Some(at),
            is_active: true,
        };
        for (reports, alerts, why) in [
            (seen(ago(119)), false, "before"),
            (seen(ago(120)), false, "at"),
            (
                seen(ago(120).minus(Duration::from_millis(1))),
                true,
                "after",
            ),
            (seen(NOW.plus(minute)), false, "in the future"),
            (
                Reports {
                    last_seen: None,
                    is_active: true,
                },
                false,
                "never seen",
            ),
            (
                Reports {
                    is_active: false,
                    ..seen(ago(9_999))
                },
                false,
                "switched off",
            ),
        ] {
            assert_eq!(should_alert(reports, minute, NOW), alerts, "{why}");
        }
    }
}
