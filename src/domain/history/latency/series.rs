//! Latencies over the steps of a range. Steps of whole days are made of the sketches of days, which are kept for years; shorter ones
//! of single checks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::sketch::LatencySketch;
use crate::history::check_archive::ArchivedCheck;
use crate::history::range::HistoryRange;
use crate::timestamp::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The most points of a series.
pub const MOST_POINTS: u32 = 1_000;

/// The steps of a range, if no other number is asked for.
const USUAL_POINTS: u32 = 100;

/// The steps of a series: the first one starts with the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySteps {
    /// Of days: from the start of the first to the end of the last one, in UTC.
    pub range: HistoryRange,
    pub step: Duration,
    /// Whether each step has whole days in UTC.
    pub are_days: bool,
}

impl LatencySteps {
    /// The steps of a range. A hundred of them if no step is asked for, and each at least a second; at most 1,000 otherwise.
    /// Steps of a day or longer have whole days, and so do those of a range that begins before single checks are kept
    /// (`checks_from`; `None`: none are kept).
    pub fn of(
        range: HistoryRange,
        asked: Option<Duration>,
        checks_from: Option<Timestamp>,
    ) -> Self {
        let usual = || (range.length() / USUAL_POINTS).max(Duration::from_secs(1));
        let shortest = millis_up(range.length(), u64::from(MOST_POINTS));
        let step = asked.unwrap_or_else(usual).max(shortest);
        let has_checks = checks_from.is_some_and(|from| range.from >= from);
        if step < DAY && has_checks {
            return Self {
                range,
                step: millis_up(step, 1).max(Duration::from_millis(1)),
                are_days: false,
            };
        }
        let (first, last) = days_of(range);
        let range = HistoryRange {
            from: Timestamp::start_of_day(first),
            to: Timestamp::start_of_day(last + 1),
        };
        let days = step.as_millis().div_ceil(DAY.as_millis());
        Self {
            range,
            step: DAY * u32::try_from(days).unwrap_or(u32::MAX),
            are_days: true,
        }
    }

    /// The first and the last day, in UTC.
    pub fn days(self) -> (i64, i64) {
        days_of(self.range)
    }

    fn start_of(self, at: Timestamp) -> Option<Timestamp> {
        if at < self.range.from || at >= self.range.to {
            return None;
        }
        let step = self.step.as_millis();
        let index = at.since(self.range.from).as_millis() / step;
        let offset = u64::try_from(index * step).ok()?;
        Some(self.range.from.plus(Duration::from_millis(offset)))
    }
}

fn days_of(range: HistoryRange) -> (i64, i64) {
    let last = range.to.minus(Duration::from_millis(1)).max(range.from);
    (range.from.day(), last.day())
}

/// A part of a length, rounded up to whole milliseconds.
fn millis_up(length: Duration, parts: u64) -> Duration {
    let parts = u128::from(parts) * 1_000_000;
    Duration::from_millis(u64::try_from(length.as_nanos().div_ceil(parts)).unwrap_or(u64::MAX))
}

/// The checks of one step, or the runs of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyPoint {
    /// Those that ran.
    pub checks: u64,
    pub failures: u64,
    /// How long those took that passed.
    pub latencies: LatencySketch,
}

/// The points of a series by the start of their steps; steps without checks have none.
#[derive(Clone, Debug)]
pub struct LatencySeries {
    pub steps: LatencySteps,
    pub points: BTreeMap<Timestamp, LatencyPoint>,
}

impl LatencySeries {
    pub fn new(steps: LatencySteps) -> Self {
        Self {
            steps,
            points: BTreeMap::new(),
        }
    }

    /// Adds a check. One that could not run, or that is outside the range, changes nothing.
    pub fn record(&mut self, check: &ArchivedCheck) {
        if !check.class.is_up() && !check.class.is_down() {
            return;
        }
        let Some(start) = self.steps.start_of(check.at) else {
            return;
        };
        let point = self.points.entry(start).or_default();
        point.checks += 1;
        match check.class.is_up() {
            true => point.latencies.record(check.latency),
            false => point.failures += 1,
        }
    }

    /// Adds a day (since 1970-01-01, in UTC).
    pub fn add_day(&mut self, day: i64, of_day: &LatencyPoint) {
        let Some(start) = self.steps.start_of(Timestamp::start_of_day(day)) else {
            return;
        };
        if of_day.checks == 0 {
            return;
        }
        let point = self.points.entry(start).or_default();
        point.checks += of_day.checks;
        point.failures += of_day.failures;
        point.latencies.merge(&of_day.latencies);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::check_archive::ResultClass;
    use crate::history::latency::bucket::LatencyBucket;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Some days after 1970-01-01, and some more hours.
    fn at(days: i64, hours: u32) -> Timestamp {
        Timestamp::start_of_day(days).plus(HOUR * hours)
    }

    fn range(from: Timestamp, to: Timestamp) -> HistoryRange {
        HistoryRange { from, to }
    }

    fn steps(length: Duration, asked: Option<Duration>) -> (Duration, bool) {
        let from = at(10, 0);
        let steps = LatencySteps::of(range(from, from.plus(length)), asked, Some(from));
        (steps.step, steps.are_days)
    }

    #[test]
    fn steps_are_hundredths_by_default_and_at_most_a_thousand() {
        let second = Duration::from_secs(1);
        for (length, asked, step, are_days) in [
            (DAY, None, Duration::from_secs(864), false),
            (Duration::from_secs(10), None, second, false),
            (DAY, Some(HOUR), HOUR, false),
            (1_000 * second, Some(second), second, false),
            (
                1_000 * second + Duration::from_millis(1),
                Some(second),
                Duration::from_millis(1_001),
                false,
            ),
            (DAY * 90, None, Duration::from_secs(77_760), false),
            (DAY * 100, None, DAY, true),
            (DAY * 90, Some(DAY - Duration::from_nanos(1)), DAY, false),
            (DAY * 90, Some(DAY), DAY, true),
            (
                DAY * 90,
                Some(DAY + Duration::from_millis(1)),
                2 * DAY,
                true,
            ),
            (DAY * 1_826, None, 19 * DAY, true),
            (DAY * 1_826, Some(second), 2 * DAY, true),
            (Duration::ZERO, None, second, false),
            (
                Duration::ZERO,
                Some(Duration::from_nanos(1)),
                Duration::from_millis(1),
                false,
            ),
        ] {
            assert_eq!(
                steps(length, asked),
                (step, are_days),
                "{length:?} {asked:?}"
            );
        }
    }

    #[test]
    fn a_range_that_begins_before_single_checks_are_kept_has_whole_days() {
        let asked = range(at(10, 5), at(12, 1));
        let kept = LatencySteps::of(asked, Some(HOUR), Some(at(10, 5)));
        assert_eq!((kept.range, kept.step), (asked, HOUR));
        let before = LatencySteps::of(asked, Some(HOUR), Some(at(10, 6)));
        let expected = LatencySteps {
            range: range(at(10, 0), at(13, 0)),
            step: DAY,
            are_days: true,
        };
        assert_eq!(before, expected);
        assert_eq!(before.days(), (10, 12));
        assert_eq!(LatencySteps::of(asked, Some(HOUR), None), expected);
    }

    fn check(at: Timestamp, class: ResultClass, millis: u64) -> ArchivedCheck {
        let latency = LatencyBucket::of(Duration::from_millis(millis));
        ArchivedCheck { at, latency, class }
    }

    #[test]
    fn every_check_that_ran_is_in_the_step_of_its_time() {
        let steps = LatencySteps::of(range(at(10, 1), at(10, 4)), Some(2 * HOUR), Some(at(0, 0)));
        let mut series = LatencySeries::new(steps);
        let millisecond = Duration::from_millis(1);
        let (up, down) = (ResultClass::UP, ResultClass::from_code(1));
        for (at, class, millis) in [
            (at(10, 1).minus(millisecond), up, 9),
            (at(10, 1), up, 10),
            (at(10, 2), down, 11),
            (at(10, 2), ResultClass::UNKNOWN, 12),
            (at(10, 3).minus(millisecond), up, 13),
            (at(10, 3), down, 14),
            (at(10, 4).minus(millisecond), down, 15),
            (at(10, 4), up, 16),
        ] {
            series.record(&check(at, class, millis));
        }
        let counts = series.points.iter().map(|(at, point)| {
            let slowest = point.latencies.quantile(1.0);
            let millis = slowest.map(|slowest| slowest.as_millis());
            (*at, point.checks, point.failures, millis)
        });
        let expected = [(at(10, 1), 3, 1, Some(13)), (at(10, 3), 2, 2, None)];
        assert_eq!(counts.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn days_add_up_and_those_without_checks_have_no_point() {
        let steps = LatencySteps::of(range(at(10, 7), at(14, 7)), Some(2 * DAY), Some(at(0, 0)));
        let mut series = LatencySeries::new(steps);
        for (day, checks, failures) in [(9, 1, 0), (10, 3, 1), (11, 4, 2), (13, 0, 0), (14, 5, 0)] {
            let latencies = LatencySketch::default();
            let point = LatencyPoint {
                checks,
                failures,
                latencies,
            };
            series.add_day(day, &point);
        }
        let counts = series
            .points
            .iter()
            .map(|(at, point)| (*at, point.checks, point.failures));
        let expected = [(at(10, 0), 7, 3), (at(14, 0), 5, 0)];
        assert_eq!(counts.collect::<Vec<_>>(), expected);
    }
}
