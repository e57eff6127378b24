//! What a summary says in words, wherever it is shown. `escape` makes a name safe for that place.

use std::time::Duration;

use super::SummaryDocument;
use crate::domain::history::objective::budget::BudgetState;
use crate::domain::history::summary::{
    ExpiringSoon, RangeSummary, ResponseTimes, SummarizedMonitor, SummarizedObjective,
};
use crate::domain::text;

/// Maximum characters of a name before it is escaped.
const NAME: usize = 64;

/// Maximum characters of a host.
const HOST: usize = 80;

pub const WORST: &str = "Worst monitors";
pub const EXPIRES_SOON: &str = "Certificates that expire within 30 days";
pub const OBJECTIVES: &str = "Objectives";
pub const INCIDENTS: &str = "Incidents";

/// What a summary says first: `1 of 45 monitors was offline`.
pub fn headline(summary: &RangeSummary) -> String {
    let total = summary.monitors.len() as u64;
    let monitors = text::count(total, "monitor");
    match (summary.offline(), total) {
        (_, 0) => "There were no monitors".to_owned(),
        _ if summary.is_unknown() => format!("There is not enough data about {monitors}"),
        (0, 1) => "The only monitor was not offline".to_owned(),
        (0, _) => format!("None of {monitors} was offline"),
        (1, _) => format!("1 of {monitors} was offline"),
        (offline, _) => format!("{offline} of {monitors} were offline"),
    }
}

/// The range in the time zone of the guild.
pub fn range(document: &SummaryDocument) -> String {
    let (range, zone) = (document.summary.range, document.zone);
    let (from, to) = (
        text::local_minute(range.from, zone),
        text::local_minute(range.to, zone),
    );
    format!("{from} to {to} ({})", zone.name())
}

/// The whole summary of a range in which nothing happened.
pub fn uneventful(document: &SummaryDocument) -> String {
    let (headline, range) = (lower_first(&headline(&document.summary)), range(document));
    match not_enough_data(&document.summary) {
        None => format!("Nothing happened: {headline} from {range}."),
        Some(note) => format!("Nothing happened: {headline} from {range}. {note}"),
    }
}

/// The number of monitors of which too little is known; `None` if there are none, or the headline says so.
pub fn not_enough_data(summary: &RangeSummary) -> Option<String> {
    let without = summary.without_figure();
    let is_note = without > 0 && !summary.is_unknown();
    is_note.then(|| {
        let monitors = text::count(without, "monitor");
        format!("There is not enough data about {monitors}.")
    })
}

fn lower_first(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A monitor: `**shop** 99.95 %, 21 min 36 s of downtime in 3 outages`.
pub fn monitor(one: &SummarizedMonitor, escape: impl Fn(&str) -> String) -> String {
    let name = escape(&text::cut(&one.name, NAME));
    let mut parts = vec![uptime(one)];
    if one.was_offline() {
        let downtime = text::duration(one.figures.times.offline);
        let outages = text::count(u64::from(one.figures.outages), "outage");
        parts.push(format!("{downtime} of downtime in {outages}"));
    }
    if one.is_removed {
        parts.push("removed".to_owned());
    }
    format!("{name} {}", parts.join(", "))
}

/// The uptime, or that there is not enough data.
pub fn uptime(one: &SummarizedMonitor) -> String {
    let uptime = one.figures.times.uptime();
    uptime.map_or_else(|| "not enough data".to_owned(), |uptime| uptime.to_string())
}

/// A certificate with its expiry: `**shop** 2026-12-12 10:00`.
pub fn expiring(
    one: &ExpiringSoon,
    document: &SummaryDocument,
    escape: impl Fn(&str) -> String,
) -> String {
    let name = escape(&text::cut(&one.name, NAME));
    let when = text::local_minute(one.expires_at, document.zone);
    match &one.host {
        None => format!("{name} {when}"),
        Some(host) => format!(
            "{name} (redirects to {}) {when}",
            escape(&text::cut(host, HOST))
        ),
    }
}

/// An objective with what is left: `**shop** 99.9 % over 30 days: at risk, 12 min left`.
pub fn objective(one: &SummarizedObjective, escape: impl Fn(&str) -> String) -> String {
    let name = escape(&text::cut(&one.name, NAME));
    let name = if one.is_of_group {
        format!("Group {name}")
    } else {
        name
    };
    let (objective, left) = (one.objective, text::duration(one.budget.left()));
    match one.budget.state() {
        BudgetState::Met => format!("{name} {objective}: met, {left} left"),
        BudgetState::AtRisk => format!("{name} {objective}: at risk, {left} left"),
        BudgetState::Missed => {
            let (used, allowed) = (
                text::duration(one.budget.used),
                text::duration(one.budget.allowed),
            );
            format!("{name} {objective}: missed, {used} used and {allowed} allowed")
        }
    }
}

/// How fast incidents were acknowledged.
pub fn responses(times: &ResponseTimes) -> String {
    let incidents = text::count(times.incidents, "incident");
    let never = times.never_acknowledged;
    let Some((median, slowest)) = times.median.zip(times.slowest) else {
        return match times.incidents {
            0 => "No incident was opened.".to_owned(),
            1 => "1 incident. It was never acknowledged.".to_owned(),
            _ => format!("{incidents}. None was ever acknowledged."),
        };
    };
    let (median, slowest) = (length(median), length(slowest));
    let acknowledged = match times.incidents - never {
        1 => format!("{incidents}, acknowledged after {median}."),
        _ => format!("{incidents}, acknowledged after {median} (median) and {slowest} (slowest)."),
    };
    match never {
        0 => acknowledged,
        1 => format!("{acknowledged} 1 was never acknowledged."),
        never => format!("{acknowledged} {never} were never acknowledged."),
    }
}

fn length(length: Duration) -> String {
    text::duration(length)
}

/// The number of entries that a list does not name.
pub fn and_more(rest: usize) -> String {
    format!("… and {rest} more")
}

/// A line for each of the first `most` entries, and the number of the others.
pub fn lines<T>(
    all: impl Iterator<Item = T>,
    most: usize,
    line: impl Fn(T) -> String,
) -> Vec<String> {
    let mut all = all;
    let mut lines: Vec<String> = all.by_ref().take(most).map(line).collect();
    let rest = all.count();
    if rest > 0 {
        lines.push(and_more(rest));
    }
    lines
}
