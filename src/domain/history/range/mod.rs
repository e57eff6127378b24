//! Ranges of time that people type: the last hours or days, and days, weeks, months, quarters and years in their time zone.

mod period;
mod refusal;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::monitor::ValidationError;
use crate::timestamp::Timestamp;
use crate::timestamp::local_time::{local_date, start_of_day};
use period::CalendarPeriod;

/// The longest range in days: five years, one or two of them leap years.
const MAX_DAYS: u32 = 1826;

/// The longest range: five years. (Of local days it may be an hour longer, when summer time begins and ends.)
pub const MAX_RANGE: Duration = Duration::from_secs(MAX_DAYS as u64 * 24 * 3600);

/// Ranges for autocomplete: all keywords, and common lengths.
pub const SUGGESTIONS: &[&str] = &[
    "24h",
    "7d",
    "30d",
    "90d",
    "1y",
    "today",
    "yesterday",
    "this week",
    "last week",
    "this month",
    "last month",
    "this quarter",
    "last quarter",
    "this year",
    "last year",
];

/// A range of time, from its first millisecond to the first one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HistoryRange {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl HistoryRange {
    /// Every time that there is.
    pub const ALWAYS: Self = Self {
        from: Timestamp::from_millis(i64::MIN),
        to: Timestamp::from_millis(i64::MAX),
    };

    pub fn length(self) -> Duration {
        self.to.since(self.from)
    }

    /// The current day in the zone up to now, and the whole days before it: `days` in all.
    pub fn last_days(days: u32, zone: Tz, now: Timestamp) -> Self {
        let earlier = Days::new(u64::from(days.saturating_sub(1)));
        let first = local_date(now, zone).and_then(|today| today.checked_sub_days(earlier));
        let from = first.and_then(|date| start_of_day(date, zone));
        Self {
            from: from.unwrap_or(now).min(now),
            to: now,
        }
    }

    /// Divides the range at the starts of the days in the zone. The first and the last part may be shorter than a day; days
    /// that the clocks skip do not appear.
    pub fn local_days(self, zone: Tz) -> impl Iterator<Item = Self> {
        self.divided(zone, NaiveDate::succ_opt)
    }

    /// Divides the range at the starts of the months in the zone. The first and the last part may be shorter than a month.
    pub fn local_months(self, zone: Tz) -> impl Iterator<Item = Self> {
        self.divided(zone, |date| {
            CalendarPeriod::month_of(date).map(|month| month.end)
        })
    }

    /// Divides the range at the starts of those days that `next` returns for the day before.
    fn divided(
        self,
        zone: Tz,
        next: impl Fn(&NaiveDate) -> Option<NaiveDate>,
    ) -> impl Iterator<Item = Self> {
        let mut from = self.from;
        let mut date = local_date(from, zone);
        let mut next_start = move || {
            date = date.as_ref().and_then(&next);
            start_of_day(date?, zone)
        };
        std::iter::from_fn(move || {
            if from >= self.to {
                return None;
            }
            let mut to = next_start();
            // A skipped day starts when the next one does, and a day that the clocks went back to has started already.
            while to.is_some_and(|to| to <= from) {
                to = next_start();
            }
            let to = to.map_or(self.to, |to| to.min(self.to));
            let part = Self { from, to };
            from = to;
            Some(part)
        })
    }
}

/// Reads a range, in any case:
///
/// - rolling, up to now: `24h`, `7d`, `4w`, `1y` (365 days)
/// - of the calendar: `today`, `yesterday`, `this week`, `last month` and so on (also with `quarter` and `year`; `_` and `-`
///   are spaces), `2026`, `2026-10`, `2026-Q3`, `2026-W48`, `2026-10-03`
/// - from one of those to another, both included: `2026-10-03..2026-10-17`, `2026-10 to today`
///
/// Days are those of the zone. A range that ends in the future ends now.
///
/// # Errors
/// A sentence with a range that is possible: for other forms, for dates that do not exist, and for ranges that end before they
/// start, have not begun or are longer than `MAX_RANGE`.
pub fn parse_range(text: &str, zone: Tz, now: Timestamp) -> Result<HistoryRange, ValidationError> {
    let typed = normalized(text);
    let today = local_date(now, zone).ok_or_else(|| refusal::unknown(text))?;
    if let Some((first, last)) = typed.split_once("..") {
        return between(first, last, today)?.range(zone, now);
    }
    if let Some(length) = rolling(&typed)? {
        let from = now.minus(length);
        return Ok(HistoryRange { from, to: now });
    }
    CalendarPeriod::parse(&typed, today)?.range(zone, now)
}

/// In lower case, with single spaces between words and `..` between the ends of a range.
fn normalized(text: &str) -> String {
    let words = text.to_lowercase().replace('_', " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut typed = words.join(" ");
    for between in [" to ", " - ", "–", "—"] {
        typed = typed.replace(between, "..");
    }
    let ends: Vec<&str> = typed.split("..").map(str::trim).collect();
    ends.join("..")
}

/// Reads the ends of a range.
fn between(first: &str, last: &str, today: NaiveDate) -> Result<CalendarPeriod, ValidationError> {
    let end = |text: &str| match rolling(text) {
        Ok(None) if !text.is_empty() => CalendarPeriod::parse(text, today),
        _ => Err(refusal::two_days(today)),
    };
    let (first, last) = (end(first)?, end(last)?);
    if last.end <= first.first {
        return Err(refusal::ends_before_start(last.first, first.last()));
    }
    Ok(CalendarPeriod {
        first: first.first,
        end: last.end,
    })
}

/// Reads a number and a unit, such as `24h` or `last 7 days`; `None` for any other form.
fn rolling(typed: &str) -> Result<Option<Duration>, ValidationError> {
    let is_space = |character: char| [' ', '-'].contains(&character);
    let is_digit = |character: char| character.is_ascii_digit();
    let typed = match typed.strip_prefix("last") {
        Some(rest) => rest.trim_start_matches(is_space),
        None => typed,
    };
    let unit = typed.trim_start_matches(is_digit);
    let number = &typed[..typed.len() - unit.len()];
    let hours = match unit.trim_start_matches(is_space) {
        "h" | "hour" | "hours" => 1,
        "d" | "day" | "days" => 24,
        "w" | "week" | "weeks" => 7 * 24,
        "y" | "year" | "years" => 365 * 24,
        _ => return Ok(None),
    };
    if number.is_empty() {
        return Ok(None);
    }
    let number: u64 = number.parse().unwrap_or(u64::MAX);
    let length = Duration::from_secs(number.saturating_mul(hours).saturating_mul(3600));
    if length.is_zero() {
        return Err(refusal::empty_length());
    }
    if length > MAX_RANGE {
        return Err(refusal::too_long());
    }
    Ok(Some(length))
}
