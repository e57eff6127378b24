//! When summaries are due, and which range each of them covers.
//!
//! Times are local, in the zone of the guild. If the clocks skip the time (in spring), the summary is due when they go forward; if
//! it occurs twice (in fall), the first one counts. A summary covers the period that ends when the day begins on which it is due, so
//! the summaries of a schedule have no gaps between them.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::history::range::HistoryRange;
use crate::monitor::ValidationError;
use crate::silences::maintenance::{Tz, WeekDay, at};
use crate::timestamp::Timestamp;
use crate::timestamp::local_time::{local_date, start_of_day};

/// The most schedules of a guild.
pub const MOST_SCHEDULES: u64 = 10;

/// The time of a schedule for which none is given: 09:00.
pub const DEFAULT_MINUTE: u16 = 9 * 60;

/// The first and the last day of a month on which a summary can be due. Every month has them.
pub const DAYS_OF_MONTH: (u8, u8) = (1, 28);

/// Minutes of a day.
const MINUTES: u16 = 24 * 60;

/// No summary is due later than this many days after a moment: 31, and a day that the zone skips.
const LONGEST_WAIT: u64 = 33;

/// The id of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleId(pub i64);

impl fmt::Display for ScheduleId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// How much time a summary covers. Its name is stored.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    VariantArray,
    IntoStaticStr,
    EnumString,
)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SummaryPeriod {
    Daily,
    Weekly,
    Monthly,
}

impl SummaryPeriod {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// On which days summaries are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryDay {
    Every,
    Week(WeekDay),
    /// From 1 to 28.
    Month(u8),
}

/// When summaries are due. `Display` is `weekly, mon at 09:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryTimes {
    day: SummaryDay,
    minute: u16,
}

/// A summary that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueSummary {
    pub at: Timestamp,
    pub covers: HistoryRange,
    /// When the next one is due. From then on, nobody needs this one.
    pub next_at: Timestamp,
}

impl SummaryTimes {
    /// `minute`: of the day, in local time. `None` for a day of the month that not every month has, or a minute that no day has.
    pub fn new(day: SummaryDay, minute: u16) -> Option<Self> {
        let (first, last) = DAYS_OF_MONTH;
        let is_day = match day {
            SummaryDay::Month(day) => (first..=last).contains(&day),
            SummaryDay::Every | SummaryDay::Week(_) => true,
        };
        (is_day && minute < MINUTES).then_some(Self { day, minute })
    }

    pub const fn day(self) -> SummaryDay {
        self.day
    }

    pub const fn minute(self) -> u16 {
        self.minute
    }

    /// The local time, such as `09:00`.
    pub fn time(self) -> String {
        format!("{:02}:{:02}", self.minute / 60, self.minute % 60)
    }

    pub const fn period(self) -> SummaryPeriod {
        match self.day {
            SummaryDay::Every => SummaryPeriod::Daily,
            SummaryDay::Week(_) => SummaryPeriod::Weekly,
            SummaryDay::Month(_) => SummaryPeriod::Monthly,
        }
    }

    /// When the first summary after a moment is due; `None` beyond the calendar.
    pub fn next_due(self, after: Timestamp, zone: Tz) -> Option<Timestamp> {
        let today = local_date(after, zone)?;
        // A time that the clocks skip may be due on the day after its own.
        let mut date = today.pred_opt()?;
        for _ in 0..LONGEST_WAIT {
            let due = at(date, self.minute, zone)?;
            if self.has(date) && due > after {
                return Some(due);
            }
            date = date.succ_opt()?;
        }
        None
    }

    /// The latest summary that is due at a moment; `None` beyond the calendar. Those before it are outdated.
    pub fn latest(self, now: Timestamp, zone: Tz) -> Option<DueSummary> {
        let mut date = local_date(now, zone)?;
        for _ in 0..LONGEST_WAIT {
            let due = at(date, self.minute, zone)?;
            if self.has(date) && due <= now {
                return Some(DueSummary {
                    at: due,
                    covers: self.covered(date, zone)?,
                    next_at: self.next_due(due, zone)?,
                });
            }
            date = date.pred_opt()?;
        }
        None
    }

    /// What a summary covers that is due on a day.
    fn covered(self, date: NaiveDate, zone: Tz) -> Option<HistoryRange> {
        let first = match self.day {
            SummaryDay::Every => date.pred_opt()?,
            SummaryDay::Week(_) => date.checked_sub_days(Days::new(7))?,
            SummaryDay::Month(_) => date.checked_sub_months(Months::new(1))?,
        };
        Some(HistoryRange {
            from: start_of_day(first, zone)?,
            to: start_of_day(date, zone)?,
        })
    }

    fn has(self, date: NaiveDate) -> bool {
        match self.day {
            SummaryDay::Every => true,
            SummaryDay::Week(day) => date.weekday().num_days_from_monday() == day as u32,
            SummaryDay::Month(day) => date.day() == u32::from(day),
        }
    }
}

impl fmt::Display for SummaryTimes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (period, time) = (self.period().as_str(), self.time());
        match self.day {
            SummaryDay::Every => write!(out, "{period} at {time}"),
            SummaryDay::Week(day) => write!(out, "{period}, {} at {time}", day.into_str()),
            SummaryDay::Month(day) => write!(out, "{period}, day {day} at {time}"),
        }
    }
}

/// Reads the day of a summary: a day of the week, such as `mon`, for a weekly one (default: Monday); a day of the month from 1 to
/// 28 for a monthly one (default: 1); none for a daily one.
pub fn parse_day(period: SummaryPeriod, text: Option<&str>) -> Result<SummaryDay, ValidationError> {
    let typed = text.map(|text| text.trim().to_lowercase());
    match (period, typed.as_deref()) {
        (SummaryPeriod::Daily, None) => Ok(SummaryDay::Every),
        (SummaryPeriod::Daily, Some(_)) => Err(ValidationError::new(
            "only a weekly or a monthly summary has a day. Example: `weekly`",
        )),
        (SummaryPeriod::Weekly, None) => Ok(SummaryDay::Week(WeekDay::Mon)),
        (SummaryPeriod::Weekly, Some(text)) => week_day(text).map(SummaryDay::Week).ok_or_else(|| {
            ValidationError::new(
                "the day of a weekly summary must be mon, tue, wed, thu, fri, sat or sun. Example: `mon`",
            )
        }),
        (SummaryPeriod::Monthly, None) => Ok(SummaryDay::Month(DAYS_OF_MONTH.0)),
        (SummaryPeriod::Monthly, Some(text)) => {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let day = text.parse().ok().filter(|_| is_number);
            day.filter(|day| (DAYS_OF_MONTH.0..=DAYS_OF_MONTH.1).contains(day))
                .map(SummaryDay::Month)
                .ok_or_else(|| {
                    ValidationError::new("the day of a monthly summary must be from 1 to 28. Example: `1`")
                })
        }
    }
}

/// A day by its short or its whole name, in lower case.
fn week_day(text: &str) -> Option<WeekDay> {
    const NAMES: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let mut names = NAMES.iter();
    let index = names.position(|name| *name == text || name.get(..3) == Some(text))?;
    WeekDay::VARIANTS.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silences::maintenance::{parse_time, parse_zone};
    use crate::text;

    fn times(text: &str) -> SummaryTimes {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (period, day, time) = match words[..] {
            [period, time] => (period, None, time),
            [period, day, time] => (period, Some(day), time),
            _ => panic!("{text}"),
        };
        let day = parse_day(period.parse().unwrap(), day).unwrap();
        SummaryTimes::new(day, parse_time(time).unwrap()).unwrap()
    }

    /// Berlin is one hour ahead of UTC in winter and two in summer; its clocks go forward on 2026-03-29 at 02:00 and back on
    /// 2026-10-25 at 03:00. Apia skipped 2011-12-30. Each line: when, zone, now; then when the latest summary was due, what it
    /// covers, and when the next one is due.
    const SUMMARIES: &str = "
        daily 09:00      | UTC           | 2026-12-01T09:00:00Z | 2026-12-01T09:00:00Z | 2026-11-30T00:00:00Z | 2026-12-01T00:00:00Z | 2026-12-02T09:00:00Z | in its first millisecond
        daily 09:00      | UTC           | 2026-12-01T08:59:59Z | 2026-11-30T09:00:00Z | 2026-11-29T00:00:00Z | 2026-11-30T00:00:00Z | 2026-12-01T09:00:00Z | a second earlier
        daily 00:00      | Europe/Berlin | 2026-12-01T09:00:00Z | 2026-11-30T23:00:00Z | 2026-11-29T23:00:00Z | 2026-11-30T23:00:00Z | 2026-12-01T23:00:00Z | at midnight
        daily 23:59      | Europe/Berlin | 2026-12-01T23:10:00Z | 2026-12-01T22:59:00Z | 2026-11-29T23:00:00Z | 2026-11-30T23:00:00Z | 2026-12-02T22:59:00Z | it covers the day before
        weekly mon 09:00 | Europe/Berlin | 2026-12-01T12:00:00Z | 2026-11-30T08:00:00Z | 2026-11-22T23:00:00Z | 2026-11-29T23:00:00Z | 2026-12-07T08:00:00Z | the week from Monday on
        weekly fri 09:00 | UTC           | 2026-12-01T12:00:00Z | 2026-11-27T09:00:00Z | 2026-11-20T00:00:00Z | 2026-11-27T00:00:00Z | 2026-12-04T09:00:00Z | seven days up to Thursday
        monthly 1 09:00  | UTC           | 2026-12-01T12:00:00Z | 2026-12-01T09:00:00Z | 2026-11-01T00:00:00Z | 2026-12-01T00:00:00Z | 2027-01-01T09:00:00Z | a whole month
        monthly 28 09:00 | UTC           | 2026-03-01T00:00:00Z | 2026-02-28T09:00:00Z | 2026-01-28T00:00:00Z | 2026-02-28T00:00:00Z | 2026-03-28T09:00:00Z | the last day of a short month
        monthly 15 09:00 | UTC           | 2026-03-15T08:00:00Z | 2026-02-15T09:00:00Z | 2026-01-15T00:00:00Z | 2026-02-15T00:00:00Z | 2026-03-15T09:00:00Z | a month ago
        daily 02:30      | Europe/Berlin | 2026-03-29T01:00:00Z | 2026-03-29T01:00:00Z | 2026-03-27T23:00:00Z | 2026-03-28T23:00:00Z | 2026-03-30T00:30:00Z | the time is skipped
        daily 02:30      | Europe/Berlin | 2026-03-29T00:59:59Z | 2026-03-28T01:30:00Z | 2026-03-26T23:00:00Z | 2026-03-27T23:00:00Z | 2026-03-29T01:00:00Z | before it is skipped
        daily 02:30      | Europe/Berlin | 2026-10-25T00:30:00Z | 2026-10-25T00:30:00Z | 2026-10-23T22:00:00Z | 2026-10-24T22:00:00Z | 2026-10-26T01:30:00Z | twice: the first counts
        daily 02:30      | Europe/Berlin | 2026-10-25T01:30:00Z | 2026-10-25T00:30:00Z | 2026-10-23T22:00:00Z | 2026-10-24T22:00:00Z | 2026-10-26T01:30:00Z | twice: not due again
        daily 09:00      | Europe/Berlin | 2026-10-26T12:00:00Z | 2026-10-26T08:00:00Z | 2026-10-24T22:00:00Z | 2026-10-25T23:00:00Z | 2026-10-27T08:00:00Z | a day of 25 hours
        daily 09:00      | Europe/Berlin | 2026-03-30T12:00:00Z | 2026-03-30T07:00:00Z | 2026-03-28T23:00:00Z | 2026-03-29T22:00:00Z | 2026-03-31T07:00:00Z | a day of 23 hours
        weekly fri 09:00 | Pacific/Apia  | 2011-12-31T12:00:00Z | 2011-12-30T10:00:00Z | 2011-12-23T10:00:00Z | 2011-12-30T10:00:00Z | 2012-01-05T19:00:00Z | its day is skipped
    ";

    #[test]
    fn summaries_are_due_in_local_time_and_cover_the_period_before_their_day() {
        for line in SUMMARIES.lines().filter(|line| line.contains('|')) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [when, zone, now, at, from, to, next, why] = cells[..] else {
                panic!("{line}");
            };
            let now = text::parse_timestamp(now).unwrap();
            let due = times(when).latest(now, parse_zone(zone).unwrap()).unwrap();
            let found = [due.at, due.covers.from, due.covers.to, due.next_at];
            assert_eq!(found.map(text::timestamp), [at, from, to, next], "{why}");
        }
    }

    #[test]
    fn consecutive_summaries_have_no_gaps() {
        for when in ["daily 02:30", "weekly sun 02:30", "monthly 28 00:00"] {
            let (times, zone) = (times(when), parse_zone("Europe/Berlin").unwrap());
            let start = text::parse_timestamp("2026-01-30T12:00:00Z").unwrap();
            let mut known = times.latest(start, zone).unwrap();
            for _ in 0..400 {
                let next = times.latest(known.next_at, zone).unwrap();
                assert_eq!(next.at, known.next_at, "{when}");
                assert_eq!(next.covers.from, known.covers.to, "{when}");
                assert_eq!(times.next_due(known.at, zone), Some(next.at), "{when}");
                known = next;
            }
        }
    }

    #[test]
    fn days_and_minutes_beyond_the_calendar_are_refused() {
        for (day, minute, is_valid) in [
            (SummaryDay::Every, 1439, true),
            (SummaryDay::Every, 1440, false),
            (SummaryDay::Month(0), 0, false),
            (SummaryDay::Month(1), 0, true),
            (SummaryDay::Month(28), 0, true),
            (SummaryDay::Month(29), 0, false),
        ] {
            assert_eq!(
                SummaryTimes::new(day, minute).is_some(),
                is_valid,
                "{day:?} {minute}"
            );
        }
        let daily = times("daily 09:00");
        let never = Timestamp::from_millis(i64::MAX);
        assert_eq!(
            (daily.next_due(never, Tz::UTC), daily.latest(never, Tz::UTC)),
            (None, None)
        );
    }

    #[test]
    fn days_are_parsed_for_their_period() {
        use SummaryPeriod::{Daily, Monthly, Weekly};
        for (period, typed, day) in [
            (Daily, None, Some(SummaryDay::Every)),
            (Daily, Some("mon"), None),
            (Weekly, None, Some(SummaryDay::Week(WeekDay::Mon))),
            (
                Weekly,
                Some(" Sunday"),
                Some(SummaryDay::Week(WeekDay::Sun)),
            ),
            (Weekly, Some("thu"), Some(SummaryDay::Week(WeekDay::Thu))),
            (Weekly, Some("th"), None),
            (Weekly, Some("1"), None),
            (Monthly, None, Some(SummaryDay::Month(1))),
            (Monthly, Some("28"), Some(SummaryDay::Month(28))),
            (Monthly, Some("29"), None),
            (Monthly, Some("0"), None),
            (Monthly, Some("+1"), None),
            (Monthly, Some("mon"), None),
        ] {
            assert_eq!(parse_day(period, typed).ok(), day, "{period:?} {typed:?}");
        }
        assert_eq!(
            times("weekly sun 09:05").to_string(),
            "weekly, sun at 09:05"
        );
        assert_eq!(
            times("monthly 3 22:30").to_string(),
            "monthly, day 3 at 22:30"
        );
        assert_eq!(times("daily 00:00").to_string(), "daily at 00:00");
    }
}
