//! Thresholds that a server's own rhythm would give it: how far apart its reports come, and how often either thresholds
//! would have warned.

use std::time::Duration;

use super::threshold::Thresholds;

/// What a rhythm is taken from: the reports of a week.
pub const OBSERVED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Fewer gaps than these tell no rhythm.
pub const ENOUGH: usize = 20;

/// How often thresholds follow by themselves, and by how much at most: half or twice what they were.
pub const FOLLOWED_EVERY: Duration = OBSERVED;
const STEP: u32 = 2;

const MINUTE: Duration = Duration::from_secs(60);

/// Bounds of the online threshold that is proposed.
const ONLINE_RANGE: (Duration, Duration) = (MINUTE, Duration::from_secs(24 * 3600));

/// In the proportion of the defaults, which are 5, 60 and 120 minutes.
const WARNING_PER_ONLINE: u32 = 12;
const OFFLINE_PER_ONLINE: u32 = 24;

/// How far apart reports come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportIntervals {
    pub gaps: usize,
    pub median: Duration,
    /// All but one gap of a hundred are no longer (nearest rank).
    pub percentile_99: Duration,
}

/// The rhythm in these gaps, in any order; `None` where they are too few.
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

/// The thresholds for a rhythm: online for twice the median gap, as the alert rule has it, or as long as ninety-nine gaps
/// of a hundred, whichever is longer, in whole minutes; warning and offline in the proportion of the defaults.
pub fn propose(report_intervals: ReportIntervals) -> Thresholds {
    let wanted = (report_intervals.median * 2).max(report_intervals.percentile_99);
    let minutes = wanted.as_millis().div_ceil(MINUTE.as_millis());
    let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
    let (shortest, longest) = ONLINE_RANGE;
    let online = MINUTE.saturating_mul(minutes).clamp(shortest, longest);
    let (warning, offline) = (online * WARNING_PER_ONLINE, online * OFFLINE_PER_ONLINE);
    // In order and within a month whatever the rhythm: see the test.
    Thresholds::new(online, warning, offline).unwrap_or(Thresholds::DEFAULT)
}

/// One step from the thresholds that are to those that are proposed: each at most halved or doubled, so that one strange
/// week does not undo what fitted.
pub fn step(current: Thresholds, proposed: Thresholds) -> Thresholds {
    let toward = |length: fn(&Thresholds) -> Duration| {
        let now = length(&current);
        length(&proposed).clamp(now / STEP, now * STEP)
    };
    let lengths = [Thresholds::online, Thresholds::warning, Thresholds::offline].map(toward);
    Thresholds::new(lengths[0], lengths[1], lengths[2]).unwrap_or(current)
}

/// What thresholds would have said of these gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Gaps that left the server in warning, or worse.
    pub warnings: usize,
    /// Those of them that left it offline.
    pub offline: usize,
}

/// Plays the gaps through the threshold rule.
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
    fn a_rhythm_needs_twenty_gaps() {
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
    fn thresholds_follow_the_rhythm_in_whole_minutes() {
        for (gaps, expected, why) in [
            (seconds([10; 50]), (1, 12, 24), "never less than a minute"),
            (seconds([60; 50]), (2, 24, 48), "twice the median"),
            (seconds([90; 50]), (3, 36, 72), "exactly three minutes"),
            (
                seconds([60; 90].into_iter().chain([600; 10])),
                (10, 120, 240),
                "the hundredth gap is usual, too",
            ),
            (
                seconds([60; 200].into_iter().chain([86_400])),
                (2, 24, 48),
                "one long gap in two hundred is not",
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
    fn a_step_halves_or_doubles_at_most() {
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
        fn what_is_proposed_and_every_step_to_it_are_in_order(
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
