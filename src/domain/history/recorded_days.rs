//! Ranges that begin before the spans of a monitor: of that time only the figures of days (UTC) are known.

use std::time::Duration;

use super::range::HistoryRange;
use super::uptime::{ClassTimes, UptimeSummary};
use crate::timestamp::Timestamp;

/// What a day (UTC) of a monitor was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedDay {
    pub times: ClassTimes,
    pub outages: u32,
}

/// The parts of a range, before and after the moment from which spans are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeParts {
    /// The first and the last day that are wholly in the range and before that moment; `None`: there are none.
    pub days: Option<(i64, i64)>,
    /// Empty if the range ends before that moment.
    pub exact: HistoryRange,
}

impl RangeParts {
    /// `exact_from` is the start of a day.
    pub fn of(range: HistoryRange, exact_from: Timestamp) -> Self {
        let almost_a_day = Duration::from_millis(24 * 3600 * 1000 - 1);
        let first = range.from.plus(almost_a_day).day();
        let last = range.to.min(exact_from).day() - 1;
        Self {
            days: (first <= last).then_some((first, last)),
            exact: HistoryRange {
                from: exact_from.clamp(range.from, range.to),
                to: range.to,
            },
        }
    }
}

/// The figures of a range, of its days and its exact part. What is neither is unknown.
///
/// An outage over midnight counts for each of its days. The longest outage, the mean time to recovery and the blips are those of
/// the exact part.
pub fn with_days(exact: UptimeSummary, days: &[RecordedDay], range: HistoryRange) -> UptimeSummary {
    let mut sum = exact;
    for day in days {
        sum.times.add(day.times);
        sum.outages = sum.outages.saturating_add(day.outages);
    }
    sum.times.unknown += range.length().saturating_sub(sum.times.total());
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(day: i64, hours: u32) -> Timestamp {
        Timestamp::start_of_day(day).plus(HOUR * hours)
    }

    fn range(from: Timestamp, to: Timestamp) -> HistoryRange {
        HistoryRange { from, to }
    }

    #[test]
    fn days_are_those_wholly_in_the_range_and_before_the_spans() {
        let exact_from = at(10, 0);
        let millisecond = Duration::from_millis(1);
        for (from, to, days, exact) in [
            (at(7, 0), at(12, 5), Some((7, 9)), at(10, 0)),
            (
                at(7, 0).plus(millisecond),
                at(12, 5),
                Some((8, 9)),
                at(10, 0),
            ),
            (at(7, 1), at(9, 5), Some((8, 8)), at(9, 5)),
            (at(8, 1), at(9, 23), None, at(9, 23)),
            (at(9, 0), at(10, 0), Some((9, 9)), at(10, 0)),
            (
                at(9, 0),
                at(10, 0).minus(millisecond),
                None,
                at(10, 0).minus(millisecond),
            ),
            (at(9, 1), at(10, 1), None, at(10, 0)),
            (at(10, 1), at(12, 0), None, at(10, 1)),
        ] {
            let expected = RangeParts {
                days,
                exact: range(exact, to),
            };
            assert_eq!(
                RangeParts::of(range(from, to), exact_from),
                expected,
                "{from:?}"
            );
        }
    }

    #[test]
    fn the_classes_add_up_to_the_range() {
        let times = |online: u32, offline: u32| ClassTimes {
            online: HOUR * online,
            offline: HOUR * offline,
            ..ClassTimes::default()
        };
        let day = |offline: u32, outages| RecordedDay {
            times: times(24 - offline, offline),
            outages,
        };
        let exact = UptimeSummary {
            times: times(10, 1),
            outages: 1,
            longest_outage: HOUR,
            ..UptimeSummary::default()
        };
        // Six hours of a day that is not wholly in the range, two days, and eleven hours.
        let asked = range(at(7, 18), at(10, 11));
        let found = with_days(exact, &[day(2, 3), day(1, 2)], asked);
        assert_eq!(found.times.total(), asked.length());
        let expected = ClassTimes {
            unknown: HOUR * 6,
            ..times(22 + 23 + 10, 2 + 1 + 1)
        };
        assert_eq!((found.times, found.outages), (expected, 6));
        assert_eq!(found.longest_outage, HOUR);
    }
}
