//! How long monitors were offline in each hour of the week, in the local time of a zone.

use std::time::Duration;

use chrono::{DateTime, Datelike, Timelike};
use chrono_tz::Tz;

use crate::history::range::HistoryRange;
use crate::history::time_set::TimeSet;
use crate::silences::maintenance::TimeWindow;

const HOUR: Duration = Duration::from_secs(3_600);

/// The hours of a week: of each weekday from Monday on, 24 hours.
pub type HoursOfWeek = [[Duration; 24]; 7];

/// An hour of the range, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LocalHour {
    window: TimeWindow,
    /// 0: Monday.
    weekday: usize,
    hour: usize,
}

/// Downtime by weekday and hour.
#[derive(Clone, Debug)]
pub struct WeekdayHours {
    /// The hours of the range, in order; where the clocks go back, one occurs twice.
    hours: Vec<LocalHour>,
    /// Of all monitors together.
    pub offline: HoursOfWeek,
    /// How long Rollcall observed.
    pub observed: HoursOfWeek,
}

impl WeekdayHours {
    /// Without monitors. A range of 92 days has 2,208 hours.
    pub fn new(range: HistoryRange, zone: Tz, observed: &TimeSet) -> Self {
        let mut all = Self {
            hours: local_hours(range, zone),
            offline: HoursOfWeek::default(),
            observed: HoursOfWeek::default(),
        };
        add(&all.hours, observed, &mut all.observed);
        all
    }

    /// Adds the downtime of a monitor.
    pub fn add(&mut self, offline: &TimeSet) {
        add(&self.hours, offline, &mut self.offline);
    }

    /// The downtime of the whole range.
    pub fn total(&self) -> Duration {
        self.offline.iter().flatten().sum()
    }
}

fn add(hours: &[LocalHour], set: &TimeSet, sums: &mut HoursOfWeek) {
    for window in set.windows() {
        let begun = hours.partition_point(|one| one.window.ends_at <= window.starts_at);
        let touched = hours.iter().skip(begun);
        for one in touched.take_while(|one| one.window.starts_at < window.ends_at) {
            let from = one.window.starts_at.max(window.starts_at);
            let to = one.window.ends_at.min(window.ends_at);
            let sum = sums
                .get_mut(one.weekday)
                .and_then(|day| day.get_mut(one.hour));
            if let Some(sum) = sum {
                *sum += to.since(from);
            }
        }
    }
}

/// Divides a range at whole hours of local time.
fn local_hours(range: HistoryRange, zone: Tz) -> Vec<LocalHour> {
    let mut hours = Vec::new();
    let mut from = range.from;
    while from < range.to {
        let Some(utc) = DateTime::from_timestamp_millis(from.millis()) else {
            break;
        };
        let local = utc.with_timezone(&zone);
        let passed = Duration::from_secs((local.minute() * 60 + local.second()).into())
            + Duration::from_millis(u64::from(local.timestamp_subsec_millis()));
        let to = from.plus(HOUR.saturating_sub(passed)).min(range.to);
        hours.push(LocalHour {
            window: TimeWindow {
                starts_at: from,
                ends_at: to,
            },
            weekday: usize::try_from(local.weekday().num_days_from_monday()).unwrap_or(0),
            hour: usize::try_from(local.hour()).unwrap_or(0),
        });
        from = to.max(from.plus(Duration::from_millis(1)));
    }
    hours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::chart::hours::testing::whole;
    use crate::text::parse_timestamp;
    use crate::timestamp::Timestamp;

    fn at(text: &str) -> Timestamp {
        parse_timestamp(text).unwrap()
    }

    fn range(from: &str, to: &str) -> HistoryRange {
        HistoryRange {
            from: at(from),
            to: at(to),
        }
    }

    /// The downtime from one moment to another, in minutes of the hours that have any: `Sun 02: 120`.
    fn minutes(range: HistoryRange, zone: &str, from: &str, to: &str) -> Vec<String> {
        let observed = whole(range.from, range.to);
        let mut hours = WeekdayHours::new(range, zone.parse().unwrap(), &observed);
        hours.add(&whole(at(from), at(to)));
        let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let mut found = Vec::new();
        for (day, hours) in days.iter().zip(hours.offline) {
            for (hour, length) in (0..).zip(hours) {
                if !length.is_zero() {
                    found.push(format!("{day} {hour:02}: {}", length.as_secs() / 60));
                }
            }
        }
        found
    }

    #[test]
    fn downtime_belongs_to_the_local_hour() {
        let week = range("2026-11-23T00:00:00Z", "2026-12-01T00:00:00Z");
        for (zone, from, to, expected) in [
            (
                "UTC",
                "2026-11-25T10:50:00Z",
                "2026-11-25T12:10:00Z",
                vec!["Wed 10: 10", "Wed 11: 60", "Wed 12: 10"],
            ),
            (
                "Europe/Berlin",
                "2026-11-25T22:50:00Z",
                "2026-11-25T23:10:00Z",
                vec!["Wed 23: 10", "Thu 00: 10"],
            ),
            (
                "Asia/Kolkata",
                "2026-11-25T10:20:00Z",
                "2026-11-25T10:40:00Z",
                vec!["Wed 15: 10", "Wed 16: 10"],
            ),
            // Only the part in the range counts.
            (
                "UTC",
                "2026-11-20T10:00:00Z",
                "2026-11-23T00:30:00Z",
                vec!["Mon 00: 30"],
            ),
            (
                "UTC",
                "2026-12-02T10:00:00Z",
                "2026-12-03T00:30:00Z",
                vec![],
            ),
        ] {
            assert_eq!(minutes(week, zone, from, to), expected, "{zone} {from}");
        }
    }

    #[test]
    fn an_hour_occurs_twice_or_never_when_the_clocks_change() {
        for (from, to, expected) in [
            // 02:00 to 03:00 occurs twice.
            (
                "2026-10-25T00:00:00Z",
                "2026-10-25T02:00:00Z",
                vec!["Sun 02: 120"],
            ),
            // 02:00 to 03:00 is skipped.
            (
                "2026-03-29T00:30:00Z",
                "2026-03-29T01:30:00Z",
                vec!["Sun 01: 30", "Sun 03: 30"],
            ),
        ] {
            let range = range(from, to);
            assert_eq!(minutes(range, "Europe/Berlin", from, to), expected);
        }
    }

    #[test]
    fn monitors_add_up_and_what_rollcall_observed_is_counted_once() {
        let range = range("2026-11-01T00:00:00Z", "2026-11-29T00:00:00Z");
        let observed = whole(range.from, at("2026-11-15T00:00:00Z"));
        let mut hours = WeekdayHours::new(range, chrono_tz::UTC, &observed);
        let offline = whole(range.from, at("2026-11-08T00:00:00Z"));
        hours.add(&offline);
        hours.add(&offline);
        assert!(hours.offline.iter().flatten().all(|one| *one == HOUR * 2));
        assert!(hours.observed.iter().flatten().all(|one| *one == HOUR * 2));
        assert_eq!(hours.total(), HOUR * 24 * 7 * 2);
    }
}
