//! What is wrong with a range, in sentences that lead to a possible one.

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;

use super::{MAX_DAYS, SUGGESTIONS};
use crate::monitor::ValidationError;
use crate::monitor::nearest_names::{did_you_mean, nearest};
use crate::text::{code, cut};

/// Maximum characters of an invalid text that a sentence quotes.
const QUOTED: usize = 32;

pub(super) fn unknown(text: &str) -> ValidationError {
    let subject = match cut(text.trim(), QUOTED) {
        empty if empty.is_empty() => "an empty text".to_owned(),
        text => code(&text),
    };
    let near: Vec<String> = nearest(text, SUGGESTIONS.iter().copied())
        .into_iter()
        .map(str::to_owned)
        .collect();
    ValidationError::new(match did_you_mean(&near) {
        Some(question) => format!("{subject} is not a range. {question}"),
        None => format!(
            "{subject} is not a range. Examples: `24h`, `this month`, `2026-10`, `2026-Q3` or `2026-10-03..2026-10-17`"
        ),
    })
}

pub(super) fn empty_length() -> ValidationError {
    ValidationError::new("a range has at least 1 hour. Example: `24h`")
}

pub(super) fn too_long() -> ValidationError {
    ValidationError::new(format!(
        "a range has at most {MAX_DAYS} days (5 years). Example: `5y`"
    ))
}

/// Too long, with the longest range that starts on the same day.
pub(super) fn too_many_days(first: NaiveDate) -> ValidationError {
    let rest = Days::new(u64::from(MAX_DAYS) - 1);
    let last = first.checked_add_days(rest).unwrap_or(first);
    ValidationError::new(format!(
        "a range has at most {MAX_DAYS} days (5 years). Example: `{first}..{last}`"
    ))
}

/// One of the ends is missing, or is not of the calendar.
pub(super) fn two_days(today: NaiveDate) -> ValidationError {
    let month = today.format("%Y-%m");
    ValidationError::new(format!(
        "a range with `..` needs a first and a last day. Example: `{month}-01..{today}`"
    ))
}

/// With the ends in their order.
pub(super) fn ends_before_start(earlier: NaiveDate, later: NaiveDate) -> ValidationError {
    ValidationError::new(format!(
        "the range ends before it starts. Did you mean `{earlier}..{later}`?"
    ))
}

pub(super) fn not_begun(today: NaiveDate) -> ValidationError {
    ValidationError::new(format!(
        "this range has not begun yet. Today is {today}. Example: `this month`"
    ))
}

pub(super) fn no_month(today: NaiveDate) -> ValidationError {
    let month = today.format("%Y-%m");
    ValidationError::new(format!(
        "a year has the months 01 to 12. Example: `{month}`"
    ))
}

pub(super) fn no_quarter(today: NaiveDate) -> ValidationError {
    let (year, quarter) = (today.format("%Y"), today.month0() / 3 + 1);
    ValidationError::new(format!(
        "a year has the quarters Q1 to Q4. Example: `{year}-Q{quarter}`"
    ))
}

pub(super) fn no_week(year: i32, today: NaiveDate) -> ValidationError {
    // December 28 is always in the last week (ISO 8601).
    let last = NaiveDate::from_ymd_opt(year, 12, 28).map_or(52, |date| date.iso_week().week());
    let week = today.format("%G-W%V");
    ValidationError::new(format!(
        "{year} has the weeks W01 to W{last}. Example: `{week}`"
    ))
}

/// `last` is the last day of the month.
pub(super) fn no_day(last: NaiveDate) -> ValidationError {
    let (month, days) = (last.format("%Y-%m"), last.day());
    ValidationError::new(format!(
        "{month} has the days 01 to {days}. Example: `{last}`"
    ))
}

/// The clocks of the zone skipped the day, or several of them before `next`.
pub(super) fn skipped_day(skipped: NaiveDate, next: NaiveDate, zone: Tz) -> ValidationError {
    ValidationError::new(format!(
        "{skipped} does not exist in the time zone {zone}. Example: `{next}`"
    ))
}
