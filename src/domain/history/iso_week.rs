//! ISO weeks in UTC, by which the check archive is divided.

use std::fmt;

use chrono::{DateTime, Datelike};

use crate::timestamp::Timestamp;

/// A week from Monday to Sunday in UTC (ISO 8601), kept as its Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IsoWeek(i64);

impl IsoWeek {
    /// The week that a timestamp belongs to.
    pub const fn of(at: Timestamp) -> Self {
        Self(monday(at.day()))
    }

    /// Reads a week from storage: the days since 1970-01-01 of its Monday. `None` for another day of the week.
    pub fn from_days(days: i64) -> Option<Self> {
        (weekday(days) == 0).then_some(Self(days))
    }

    /// The days since 1970-01-01 of its Monday, as they are stored.
    pub const fn days(self) -> i64 {
        self.0
    }

    /// The first millisecond of the week.
    pub const fn starts_at(self) -> Timestamp {
        Timestamp::start_of_day(self.0)
    }

    /// The first millisecond after the week.
    pub const fn ends_at(self) -> Timestamp {
        self.next().starts_at()
    }

    /// The week after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(7))
    }
}

/// The Monday of the week of a day.
const fn monday(day: i64) -> i64 {
    day.saturating_sub(weekday(day))
}

/// Days since Monday. Day 0 was a Thursday.
const fn weekday(day: i64) -> i64 {
    (day.rem_euclid(7) + 3) % 7
}

impl fmt::Display for IsoWeek {
    /// `2026-W48`; far from today, where there is no calendar, the number of the Monday.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_millis(self.starts_at().millis()) {
            Some(monday) => {
                let week = monday.iso_week();
                write!(out, "{}-W{:02}", week.year(), week.week())
            }
            None => write!(out, "day {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn a_timestamp_belongs_to_the_week_of_its_monday_in_utc() {
        for (at, week, monday) in [
            ("2026-11-23T00:00:00Z", "2026-W48", "2026-11-23T00:00:00Z"),
            (
                "2026-11-22T23:59:59.999Z",
                "2026-W47",
                "2026-11-16T00:00:00Z",
            ),
            (
                "2026-11-29T23:59:59.999Z",
                "2026-W48",
                "2026-11-23T00:00:00Z",
            ),
            // The year of a week is the year of its Thursday.
            ("2026-01-01T12:00:00Z", "2026-W01", "2025-12-29T00:00:00Z"),
            ("2026-12-31T12:00:00Z", "2026-W53", "2026-12-28T00:00:00Z"),
            ("2027-01-03T12:00:00Z", "2026-W53", "2026-12-28T00:00:00Z"),
            ("2027-01-04T00:00:00Z", "2027-W01", "2027-01-04T00:00:00Z"),
            ("2021-01-01T00:00:00Z", "2020-W53", "2020-12-28T00:00:00Z"),
            ("2024-02-29T00:00:00Z", "2024-W09", "2024-02-26T00:00:00Z"),
            ("1970-01-01T00:00:00Z", "1970-W01", "1969-12-29T00:00:00Z"),
            (
                "1969-12-28T23:59:59.999Z",
                "1969-W52",
                "1969-12-22T00:00:00Z",
            ),
        ] {
            let of = IsoWeek::of(text::parse_timestamp(at).unwrap());
            assert_eq!(of.to_string(), week, "{at}");
            assert_eq!(text::timestamp(of.starts_at()), monday, "{at}");
            assert_eq!(of.ends_at(), of.next().starts_at(), "{at}");
            assert_eq!(IsoWeek::from_days(of.days()), Some(of), "{at}");
        }
    }

    #[test]
    fn only_mondays_are_read_from_storage() {
        // Day 4 was Monday, 1970-01-05.
        for (days, is_monday) in [(4, true), (3, false), (5, false), (-3, true), (0, false)] {
            assert_eq!(IsoWeek::from_days(days).is_some(), is_monday, "{days}");
        }
    }

    #[test]
    fn weeks_beyond_the_calendar_have_the_number_of_their_monday() {
        let last = IsoWeek::of(Timestamp::from_millis(i64::MAX));
        assert_eq!(last.to_string(), "day 106751991161");
        let first = IsoWeek::of(Timestamp::from_millis(i64::MIN));
        assert!(first.starts_at() < first.ends_at());
    }

    proptest::proptest! {
        #[test]
        fn every_timestamp_is_within_its_week(millis in -1_i64 << 60..1 << 60) {
            let at = Timestamp::from_millis(millis);
            let week = IsoWeek::of(at);
            proptest::prop_assert!(week.starts_at() <= at && at < week.ends_at());
        }
    }
}
