//! Periods of the calendar, in whole local days: what people type, and when it starts and ends in a zone.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use chrono_tz::Tz;

use super::{HistoryRange, MAX_DAYS, refusal};
use crate::monitor::ValidationError;
use crate::timestamp::Timestamp;
use crate::timestamp::local_time::{local_date, start_of_day};

/// Whole days, from the first one to the first one after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CalendarPeriod {
    pub first: NaiveDate,
    pub end: NaiveDate,
}

#[derive(Clone, Copy, Debug)]
enum CalendarUnit {
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
    Quarter,
    Year,
}

impl CalendarUnit {
    /// The period that has this day; `None` beyond the calendar.
    fn period_of(self, date: NaiveDate) -> Option<CalendarPeriod> {
        let month = |month: u32| NaiveDate::from_ymd_opt(date.year(), month, 1);
        let (first, months) = match self {
            Self::Day => return CalendarPeriod::of_days(date, 1),
            Self::Week => {
                let since_monday = date.weekday().num_days_from_monday();
                let monday = date.checked_sub_days(Days::new(since_monday.into()))?;
                return CalendarPeriod::of_days(monday, 7);
            }
            Self::Month => (month(date.month())?, 1),
            Self::Quarter => (month(date.month0() / 3 * 3 + 1)?, 3),
            Self::Year => (month(1)?, 12),
        };
        let end = first.checked_add_months(Months::new(months))?;
        Some(CalendarPeriod { first, end })
    }

    /// The period before the one that has this day.
    fn period_before(self, date: NaiveDate) -> Option<CalendarPeriod> {
        let first = self.period_of(date)?.first;
        self.period_of(first.pred_opt()?)
    }
}

/// A period as a person typed it. It may not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TypedPeriod {
    Year(i32),
    Quarter { year: i32, quarter: u32 },
    Week { year: i32, week: u32 },
    Month { year: i32, month: u32 },
    Day { year: i32, month: u32, day: u32 },
}

impl TypedPeriod {
    /// Reads `2026`, `2026-q3` or `q3 2026`, `2026-w48`, `2026-10` and `2026-10-03`. `None` for any other form.
    fn read(typed: &str) -> Option<Self> {
        let mut parts: Vec<&str> = typed.split(['-', ' ']).collect();
        if parts.len() == 2 && typed.starts_with(['q', 'w']) {
            parts.reverse();
        }
        let (year, joined) = parts.first()?.split_at_checked(4)?;
        if joined.is_empty() {
            parts.remove(0);
        } else if joined.starts_with(['q', 'w']) {
            // Without a separator: `2026q3`.
            parts[0] = joined;
        } else {
            return None;
        }
        let year = i32::try_from(number(year, 4)?).ok()?;
        Some(match parts[..] {
            [] => Self::Year(year),
            [part] => match (part.strip_prefix('q'), part.strip_prefix('w')) {
                (Some(quarter), _) => Self::Quarter {
                    year,
                    quarter: number(quarter, 2)?,
                },
                (None, Some(week)) => Self::Week {
                    year,
                    week: number(week, 2)?,
                },
                (None, None) => Self::Month {
                    year,
                    month: number(part, 2)?,
                },
            },
            [month, day] => Self::Day {
                year,
                month: number(month, 2)?,
                day: number(day, 2)?,
            },
            _ => return None,
        })
    }

    fn period(self, today: NaiveDate) -> Result<CalendarPeriod, ValidationError> {
        let of = |unit: CalendarUnit, date: Option<NaiveDate>| unit.period_of(date?);
        let month_of = |year, month| NaiveDate::from_ymd_opt(year, month, 1);
        match self {
            Self::Year(year) => of(CalendarUnit::Year, month_of(year, 1))
                .ok_or_else(|| refusal::unknown(&year.to_string())),
            Self::Quarter { year, quarter } => {
                let first_month = quarter.checked_sub(1).map(|before| before * 3 + 1);
                let first = first_month.and_then(|month| month_of(year, month));
                of(CalendarUnit::Quarter, first).ok_or_else(|| refusal::no_quarter(today))
            }
            Self::Week { year, week } => {
                let monday = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon);
                of(CalendarUnit::Week, monday).ok_or_else(|| refusal::no_week(year, today))
            }
            Self::Month { year, month } => of(CalendarUnit::Month, month_of(year, month))
                .ok_or_else(|| refusal::no_month(today)),
            Self::Day { year, month, day } => {
                let whole = Self::Month { year, month }.period(today)?;
                of(CalendarUnit::Day, whole.first.with_day(day))
                    .ok_or_else(|| refusal::no_day(whole.last()))
            }
        }
    }
}

/// Reads a number of at most this many digits.
fn number(digits: &str, most: usize) -> Option<u32> {
    let is_short = digits.len() <= most;
    let is_number = is_short && digits.bytes().all(|one| one.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// The period of a word, such as `today` or `last-month`.
fn named(typed: &str, today: NaiveDate) -> Option<CalendarPeriod> {
    let words = typed.replace('-', " ");
    match words.as_str() {
        "today" => return CalendarUnit::Day.period_of(today),
        "yesterday" => return CalendarUnit::Day.period_before(today),
        _ => {}
    }
    let (which, unit) = words.split_once(' ')?;
    let unit = match unit {
        "week" => CalendarUnit::Week,
        "month" => CalendarUnit::Month,
        "quarter" => CalendarUnit::Quarter,
        "year" => CalendarUnit::Year,
        _ => return None,
    };
    match which {
        "this" => unit.period_of(today),
        "last" => unit.period_before(today),
        _ => None,
    }
}

impl CalendarPeriod {
    fn of_days(first: NaiveDate, number: u64) -> Option<Self> {
        let end = first.checked_add_days(Days::new(number))?;
        Some(Self { first, end })
    }

    /// The month that has this day.
    pub(super) fn month_of(date: &NaiveDate) -> Option<Self> {
        CalendarUnit::Month.period_of(*date)
    }

    /// The last day.
    pub(super) fn last(self) -> NaiveDate {
        self.end.pred_opt().unwrap_or(self.end)
    }

    /// Reads a word or a date, in lower case.
    pub(super) fn parse(typed: &str, today: NaiveDate) -> Result<Self, ValidationError> {
        if let Some(period) = named(typed, today) {
            return Ok(period);
        }
        let dated = TypedPeriod::read(typed).ok_or_else(|| refusal::unknown(typed))?;
        dated.period(today)
    }

    /// The range of these days in a zone, until now if they end in the future.
    pub(super) fn range(self, zone: Tz, now: Timestamp) -> Result<HistoryRange, ValidationError> {
        let start_of = |date: NaiveDate| {
            start_of_day(date, zone).ok_or_else(|| refusal::unknown(&date.to_string()))
        };
        let today = local_date(now, zone).unwrap_or(self.first);
        let from = start_of(self.first)?;
        if from >= now {
            return Err(refusal::not_begun(today));
        }
        let last = self.last().min(today);
        if last.signed_duration_since(self.first).num_days() >= i64::from(MAX_DAYS) {
            return Err(refusal::too_many_days(self.first));
        }
        let to = start_of(self.end)?.min(now);
        if to <= from {
            return Err(refusal::skipped_day(self.first, self.end, zone));
        }
        Ok(HistoryRange { from, to })
    }
}
