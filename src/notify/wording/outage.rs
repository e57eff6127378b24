//! One line about a monitor of an incident: its mark, what happened, and why.

use super::subject::severity_mark;
use crate::domain::Timestamp;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::status::transition::OutageEnd;
use crate::domain::text;
use crate::store::incidents::incident::Outage;

/// Maximum characters of the detail of a failure.
const DETAIL: usize = 200;

/// The mark of an outage: whether its monitor is offline, flapping, online, or no longer checked.
pub fn mark(outage: &Outage) -> &'static str {
    match outage.ended {
        _ if is_flapping(outage) || outage.continued_by.is_some() => "🟠",
        None => severity_mark(std::slice::from_ref(outage)),
        Some((_, OutageEnd::Recovered)) => "🟢",
        Some((_, OutageEnd::Paused)) => "⏸️",
        Some((_, OutageEnd::Retargeted | OutageEnd::LimitChanged | OutageEnd::Removed)) => "⚪",
    }
}

/// What happened to an outage's monitor; follows its name. `when` formats a time as part of a sentence. With
/// `has_length`, an outage that ended shows its length.
pub fn happened(
    outage: &Outage,
    has_length: bool,
    escape: fn(&str) -> String,
    when: impl Fn(Timestamp) -> String,
) -> String {
    if is_flapping(outage) {
        return flapping(outage, escape, when);
    }
    if outage.reason.is_limit() {
        return limit_happened(outage, has_length, escape, when);
    }
    if outage.continued_by.is_some() {
        return "was flapping and then stayed offline".to_owned();
    }
    let Some((ended, end)) = outage.ended else {
        let (started, reason) = (when(outage.started_at), reason(outage, escape));
        return match outage.reason {
            OutageReason::Overdue => format!("last reported {started}: {reason}"),
            _ => format!("went offline {started}: {reason}"),
        };
    };
    let (length, ended) = (text::duration(ended.since(outage.started_at)), when(ended));
    match end {
        OutageEnd::Recovered if has_length => format!("recovered {ended} after {length}"),
        OutageEnd::Recovered => format!("recovered {ended}"),
        OutageEnd::Paused => format!("was paused {ended} while offline"),
        OutageEnd::Retargeted | OutageEnd::LimitChanged => {
            format!("got a new target {ended} while offline")
        }
        OutageEnd::Removed => format!("was removed {ended} while offline"),
    }
}

/// What happened to a server that exceeded a limit.
fn limit_happened(
    outage: &Outage,
    has_length: bool,
    escape: fn(&str) -> String,
    when: impl Fn(Timestamp) -> String,
) -> String {
    let reason = reason(outage, escape);
    if outage.continued_by.is_some() {
        return format!("exceeded a limit again and again, and then for longer ({reason})");
    }
    let Some((ended, end)) = outage.ended else {
        let started = when(outage.started_at);
        return format!("exceeded a limit {started}: {reason}");
    };
    let (length, ended) = (text::duration(ended.since(outage.started_at)), when(ended));
    match end {
        OutageEnd::Recovered if has_length => {
            format!("met its limit again {ended} after {length} ({reason})")
        }
        OutageEnd::Recovered => format!("met its limit again {ended} ({reason})"),
        OutageEnd::LimitChanged => format!("has another limit since {ended} ({reason})"),
        OutageEnd::Paused => format!("was paused {ended} while beyond a limit ({reason})"),
        OutageEnd::Retargeted | OutageEnd::Removed => {
            format!("was removed {ended} while beyond a limit ({reason})")
        }
    }
}

/// A monitor that was paused, changed or removed is no longer flapping.
fn is_flapping(outage: &Outage) -> bool {
    let recovered_or_open = outage
        .ended
        .is_none_or(|(_, end)| end == OutageEnd::Recovered);
    outage.is_flapping && recovered_or_open
}

fn flapping(
    outage: &Outage,
    escape: fn(&str) -> String,
    when: impl Fn(Timestamp) -> String,
) -> String {
    let outages = text::count(outage.times, "outage");
    let (fails, recovers) = match outage.reason.is_limit() {
        true => ("exceeded a limit", "met it again"),
        false => ("went offline", "recovered"),
    };
    match outage.ended {
        None => {
            let (started, reason) = (when(outage.started_at), reason(outage, escape));
            format!("is flapping ({outages}), {fails} {started}: {reason}")
        }
        Some((ended, _)) => format!("is flapping ({outages}), {recovers} {}", when(ended)),
    }
}

/// The name of an outage's monitor.
pub fn name(outage: &Outage) -> &str {
    outage.name.as_deref().unwrap_or("a removed monitor")
}

/// Why an outage's monitor is down, if known.
pub fn reason(outage: &Outage, escape: fn(&str) -> String) -> String {
    reason_with(outage.reason, outage.detail.as_deref(), escape)
}

/// A reason with its detail, if there is one.
pub fn reason_with(
    reason: OutageReason,
    detail: Option<&str>,
    escape: fn(&str) -> String,
) -> String {
    if let (true, Some(detail)) = (reason.is_limit(), detail) {
        return text::cut(&escape(detail), DETAIL);
    }
    let reason = match (reason, reason.failure_class()) {
        (_, Some(class)) => class.text(),
        (OutageReason::MissedHeartbeat, None) => "missed heartbeat",
        (OutageReason::RunFailed, None) => "its last run failed",
        (OutageReason::LimitWarning | OutageReason::LimitOutage, None) => "beyond a limit",
        // Without a failure class what is left is a server that is overdue.
        (_, None) => "no report for longer than expected",
    };
    match detail {
        Some(detail) => format!("{reason} ({})", text::cut(&escape(detail), DETAIL)),
        None => reason.to_owned(),
    }
}
