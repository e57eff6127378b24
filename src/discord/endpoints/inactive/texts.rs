//! The texts of the statistics of inactive endpoints.

use crate::domain::history::chart::inactive::figures::{
    InactiveFigures, ReactivationDay, ReasonCount,
};
use crate::domain::silences::maintenance::Tz;
use crate::domain::text;

/// The most days of a list: with more, it would be longer than a field.
const MOST_DAYS: usize = 31;

pub(super) const INACTIVE: &str = "Inactive endpoints";

pub(super) const REASONS: &str = "Reasons";

/// In place of days.
const NONE: &str = "none";

/// The title.
pub(super) fn outages(number: u64) -> String {
    match number {
        0 => "No endpoint was inactive".to_owned(),
        1 => "1 outage of an endpoint".to_owned(),
        number => format!("{} outages of endpoints", text::grouped(number)),
    }
}

pub(super) fn inactive(figures: &InactiveFigures) -> String {
    format!(
        "At most **{}** at once · **{}** at the end",
        text::grouped(figures.most()),
        text::grouped(figures.at_end)
    )
}

/// The most frequent reasons first.
pub(super) fn reasons(reasons: &[ReasonCount]) -> String {
    let each = reasons.iter().map(|one| {
        let (reason, number) = (one.name(), text::grouped(one.outages));
        format!("{reason} × {number}")
    });
    let each: Vec<String> = each.collect();
    each.join(" · ")
}

/// The title of the days.
pub(super) fn reactivated(number: u64) -> String {
    format!("Reactivated: {}", text::grouped(number))
}

/// The days with reactivations, the latest first: `2026-11-03 × 4`.
pub(super) fn days(days: &[ReactivationDay], zone: Tz) -> String {
    let with_any = || days.iter().rev().filter(|day| day.reactivated > 0);
    let mut parts: Vec<String> = with_any()
        .take(MOST_DAYS)
        .map(|day| {
            let at = text::local_minute(day.range.from, zone);
            let date = at.split_whitespace().next().unwrap_or_default();
            format!("{date} × {}", text::grouped(day.reactivated))
        })
        .collect();
    let more = with_any().skip(MOST_DAYS).count();
    if more > 0 {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        parts.push(format!("and {}", text::count(more, "earlier day")));
    }
    match parts.is_empty() {
        true => NONE.to_owned(),
        false => parts.join(" · "),
    }
}
