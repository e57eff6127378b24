//! Summaries and their schedules as JSON, with the same fields as in the API.

use serde_json::{Value, json};

use crate::domain::history::summary::schedule::SummaryDay;
use crate::domain::history::summary::{RangeSummary, SummarizedMonitor, SummarizedObjective};
use crate::domain::{millis, text};
use crate::store::history::summary_schedule::StoredSchedule;

pub(super) fn summary(summary: &RangeSummary) -> Value {
    let expiring = summary.expiring.iter().map(|one| {
        json!({ "name": one.name, "host": one.host, "expires_at": text::timestamp(one.expires_at) })
    });
    let responses = summary.responses;
    json!({
        "from": text::timestamp(summary.range.from), "to": text::timestamp(summary.range.to),
        "monitors_offline": summary.offline(),
        "monitors": summary.monitors.iter().map(monitor).collect::<Vec<_>>(),
        "expiring_certificates": expiring.collect::<Vec<_>>(),
        "objectives": summary.objectives.iter().map(objective).collect::<Vec<_>>(),
        "incidents": {
            "opened": responses.incidents, "never_acknowledged": responses.never_acknowledged,
            "median_acknowledgment_ms": responses.median.map(millis),
            "slowest_acknowledgment_ms": responses.slowest.map(millis),
        },
    })
}

fn monitor(one: &SummarizedMonitor) -> Value {
    let (figures, times) = (&one.figures, one.figures.times);
    json!({
        "id": one.id.0, "kind": one.kind.as_str(), "name": one.name, "group": one.group, "is_removed": one.is_removed,
        "uptime": times.uptime().map(|uptime| uptime.fraction()), "outages": figures.outages,
        "online_ms": millis(times.online), "offline_ms": millis(times.offline),
        "maintenance_ms": millis(times.maintenance), "unknown_ms": millis(times.unknown),
        "paused_ms": millis(times.paused), "longest_outage_ms": millis(figures.longest_outage),
        "mean_time_to_recovery_ms": figures.mean_time_to_recovery.map(millis),
    })
}

fn objective(one: &SummarizedObjective) -> Value {
    let budget = &one.budget;
    json!({
        "name": one.name, "is_of_group": one.is_of_group, "objective": one.objective.percent.number(),
        "window_days": one.objective.window.days(), "state": budget.state().as_str(),
        "allowed_ms": millis(budget.allowed), "used_ms": millis(budget.used), "left_ms": millis(budget.left()),
    })
}

pub(super) fn schedule(one: &StoredSchedule) -> Value {
    let (weekday, day_of_month) = match one.times.day() {
        SummaryDay::Every => (None, None),
        SummaryDay::Week(day) => (Some(<&str>::from(day)), None),
        SummaryDay::Month(day) => (None, Some(day)),
    };
    json!({
        "id": one.id.0, "channel": one.channel.to_string(), "period": one.times.period().as_str(),
        "weekday": weekday, "day_of_month": day_of_month, "time": one.times.time(),
        "next_due_at": text::timestamp(one.next_due_at), "broken": one.broken,
    })
}
