//! Proposes thresholds from the gaps between a server's reports, and replays how often given thresholds would have warned.

use std::time::Duration;

use super::threshold::Thresholds;

/// The period whose reports a proposal is based on: one week.
pub const OBSERVED: Duration = Duration::from_secs(7 * 24 * 3600);

/// The minimum number of gaps for a proposal.
pub const ENOUGH: usize = 20;

/// How often automatic thresholds are updated, and the maximum factor per update: to half or twice their value.
pub const FOLLOWED_EVERY: Duration = OBSERVED;
const STEP: u32 = 2;

const MINUTE: Duration = Duration::from_secs(60);

/// The bounds of the proposed online threshold.
const ONLINE_RANGE: (Duration, Duration) = (MINUTE, Duration::from_secs(24 * 3600));

/// The proportions of the default thresholds, which are 5, 60 and 120 minutes.
const WARNING_PER_ONLINE: u32 = 12;
const OFFLINE_PER_ONLINE: u32 = 24;

/// Statistics of the gaps between reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportIntervals {
    pub gaps: usize,
    pub median: Duration,
    /// The gap that 99 of 100 gaps do not exceed (nearest rank).
    pub percentile_99: Duration,
}

/// Computes the statistics of gaps in any order; `None` if there are too few.
pub fn report_intervals(gaps: &[Duration]) -> Option<ReportIntervals> {
    if gaps.len() < ENOUGH {
        return None;
    }
    let mut sorted = gaps.to_vec();
    sorted.sort_unstable();
    let rank = |percent: usize| (sorted.len() * percent).div_ceil(100).max(1) - 1;
    Some(ReportIntervals {
        gaps: sorted.len(),
        median: *sorted.get(rank(50))?,
        percentile_99: *sorted.get(rank(99))?,
    })
}

/// Returns the thresholds for these intervals. Online is twice the median gap, as in the alert rule, or the 99th percentile,
/// whichever is longer, in whole minutes; warning and offline are in proportion, as in the defaults.
pub fn propose(report_intervals: ReportIntervals) -> Thresholds {
    let wanted = (report_intervals.median * 2).max(report_intervals.percentile_99);
    let minutes = wanted.as_millis().div_ceil(MINUTE.as_millis());
    let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
    let (shortest, longest) = ONLINE_RANGE;
    let online = MINUTE.saturating_mul(minutes).clamp(shortest, longest);
    let (warning, offline) = (online * WARNING_PER_ONLINE, online * OFFLINE_PER_ONLINE);
    // Always in order and at most 31 days: see the test.
    Thresholds::new(online, warning, offline).unwrap_or(Thresholds::DEFAULT)
}

/// Returns thresholds one step from the current ones toward the proposed ones. Each is at most halved or doubled, so that
/// one unusual week does not undo thresholds that fit.
pub fn step(current: Thresholds, proposed: Thresholds) -> Thresholds {
    let toward = |length: fn(&Thresholds) -> Duration| {
        let now = length(&current);
        length(&proposed).clamp(now / STEP, now * STEP)
    };
    let lengths = [Thresholds::online, Thresholds::warning, Thresholds::offline].map(toward);
    Thresholds::new(lengths[0], lengths[1], lengths[2]).unwrap_or(current)
}

/// How often thresholds would have changed the status over a series of gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Gaps in which the server would have been in warning, or worse.
    pub warnings: usize,
    /// Those gaps in which it would have been offline.
    pub offline: usize,
}

/// Applies the threshold rule to the gaps.
pub fn replay(gaps: &[Duration], thresholds: &Thresholds) -> Replay {
    let longer = |limit: Duration| gaps.iter().filter(|gap| **gap > limit).count();
    Replay {
        warnings: longer(thresholds.online()),
        offline: longer(thresholds.warning()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(gaps: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        gaps.into_iter().map(Duration::from_secs).collect()
    }

    fn minutes(online: u64, warning: u64, offline: u64) -> Thresholds {
        let minutes = |count: u64| MINUTE * u32::try_from(count).unwrap();
        Thresholds::new(minutes(online), minutes(warning), minutes(offline)).unwrap()
    }

    #[test]
    fn a_proposal_needs_twenty_gaps() {
        assert_eq!(report_intervals(&seconds([60; 19])), None);
        let found = report_intervals(&seconds(1..=200)).unwrap();
        assert_eq!(
            (
                found.gaps,
                found.median.as_secs(),
                found.percentile_99.as_secs()
            ),
            (200, 100, 198)
        );
    }

    #[test]
    fn proposals_follow_the_report_intervals_in_whole_minutes() {
        for (gaps, expected, why) in [
            (seconds([10; 50]), (1, 12, 24), "never less than a minute"),
            (seconds([60; 50]), (2, 24, 48), "twice the median"),
            (seconds([90; 50]), (3, 36, 72), "exactly three minutes"),
            (
                seconds([60; 90].into_iter().chain([600; 10])),
                (10, 120, 240),
                "the 99th percentile counts",
            ),
            (
                seconds([60; 200].into_iter().chain([86_400])),
                (2, 24, 48),
                "one long gap in two hundred does not",
            ),
            (
                seconds([90_000; 50]),
                (1_440, 17_280, 34_560),
                "at most a day",
            ),
        ] {
            let proposed = propose(report_intervals(&gaps).unwrap());
            let (online, warning, offline) = expected;
            assert_eq!(proposed, minutes(online, warning, offline), "{why}");
        }
    }

    #[test]
    fn a_step_at_most_halves_or_doubles_thresholds() {
        let current = minutes(5, 60, 120);
        for (proposed, expected) in [
            (minutes(6, 72, 144), minutes(6, 72, 144)),
            (minutes(20, 240, 480), minutes(10, 120, 240)),
            (
                minutes(1, 12, 24),
                Thresholds::new(MINUTE * 5 / 2, MINUTE * 30, MINUTE * 60).unwrap(),
            ),
        ] {
            assert_eq!(step(current, proposed), expected);
        }
    }

    #[test]
    fn a_replay_counts_the_gaps_beyond_each_threshold() {
        let gaps = seconds([60, 300, 301, 3_600, 3_601, 9_000]);
        let found = replay(&gaps, &minutes(5, 60, 120));
        assert_eq!((found.warnings, found.offline), (4, 2));
    }

    proptest! {
        #[test]
        fn proposals_and_the_steps_toward_them_stay_in_order(
            gaps in proptest::collection::vec(0_u64..3_000_000, ENOUGH..100),
            current in (1_u64..10_000, 1_u64..10_000, 0_u64..10_000),
        ) {
            let proposed = propose(report_intervals(&seconds(gaps)).unwrap());
            prop_assert_eq!(proposed.offline(), proposed.online() * OFFLINE_PER_ONLINE);
            let (online, more, most) = current;
            let current = minutes(online, online + more, online + more + most);
            let next = step(current, proposed);
            prop_assert!(next.online() < next.warning() && next.warning() <= next.offline());
            prop_assert!(next.online() <= current.online() * 2 && next.online() * 2 >= current.online());
        }
    }
}
