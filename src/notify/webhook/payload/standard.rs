//! The format `standard`: JSON with every fact, for programs.

use serde_json::{Value, json};

use super::{IncidentChange, event_type};
use crate::domain::event::Actor;
use crate::domain::history::objective::ObjectiveSubject;
use crate::domain::notifications::notification_kind::{NotificationKind, UsedBudget};
use crate::domain::notifications::webhook::EventType;
use crate::domain::text;
use crate::domain::{Timestamp, millis};
use crate::notify::transport::CurrentIncident;
use crate::notify::wording;
use crate::store::incidents::incident::{Note, Outage};

pub(super) fn of_test(now: Timestamp) -> Value {
    json!({ "type": EventType::Test.as_str(), "timestamp": text::timestamp(now), "data": {} })
}

pub(super) fn of_incident(current: &CurrentIncident, now: Timestamp) -> Value {
    let incident = &current.incident;
    let change = IncidentChange::of(incident, current.delivered_revision > 0);
    let acknowledged = incident.acknowledged;
    let outages: Vec<Value> = incident.outages.iter().map(outage).collect();
    let notes: Vec<Value> = incident.notes.latest.iter().map(note).collect();
    let when = |at| format!("at {}", text::timestamp(at));
    let mut body = json!({
        "type": event_type(incident, change).as_str(),
        "timestamp": text::timestamp(now),
        "data": {
            "id": incident.id.0,
            "guild_id": incident.guild_id.0.to_string(),
            "title": wording::title(incident, str::to_owned),
            "text": wording::sentence(&incident.kind, str::to_owned, when),
            "opened_at": text::timestamp(incident.opened_at),
            "ended_at": incident.ended_at.map(text::timestamp),
            "acknowledged": acknowledged.map(|(by, at)| acknowledgment(by, at)),
            "is_flapping": incident.counts.flapping > 0,
            "cause": incident.cause.as_ref().map(|cause| wording::cause(cause, str::to_owned, when)),
            "monitors": incident.counts.monitors,
            "offline": incident.counts.open,
            "members": outages,
            "notes": notes,
        },
    });
    if let NotificationKind::ErrorBudgetUsed { objectives, .. } = &incident.kind {
        let objectives: Vec<Value> = objectives.iter().map(used_budget).collect();
        body["data"]["objectives"] = objectives.into();
    }
    body
}

fn used_budget(used: &UsedBudget) -> Value {
    let (monitor, group) = match &used.subject {
        ObjectiveSubject::Monitor(id) => (Some(id.0), None),
        ObjectiveSubject::Group(name) => (None, Some(name)),
    };
    let budget = &used.budget;
    json!({
        "monitor": monitor,
        "group": group,
        "name": used.name,
        "objective": used.objective.percent.number(),
        "window_days": used.objective.window.days(),
        "allowed_ms": millis(budget.allowed),
        "used_ms": millis(budget.used),
        "left_ms": millis(budget.left()),
        "exhausted_at": budget.exhausted_at.map(text::timestamp),
    })
}

fn acknowledgment(by: Actor, at: Timestamp) -> Value {
    let at = text::timestamp(at);
    match by {
        Actor::Member(user) => json!({ "user": user.to_string(), "at": at }),
        Actor::Key(key) => json!({ "key": key.to_string(), "at": at }),
        Actor::CommandLine | Actor::System => json!({ "at": at }),
    }
}

fn note(note: &Note) -> Value {
    json!({ "at": text::timestamp(note.at), "by": note.actor.to_string(), "text": note.text })
}

fn outage(outage: &Outage) -> Value {
    json!({
        "id": outage.monitor_id.0,
        "name": outage.name,
        "target": outage.target,
        "reason": outage.reason.as_str(),
        "detail": outage.detail,
        "started_at": text::timestamp(outage.started_at),
        "ended_at": outage.ended.map(|(at, _)| text::timestamp(at)),
        "ended_by": outage.ended.map(|(_, end)| end.as_str()),
        "is_flapping": outage.is_flapping,
        "continued_by": outage.continued_by.map(|incident| incident.0),
        "outages": outage.times,
    })
}
