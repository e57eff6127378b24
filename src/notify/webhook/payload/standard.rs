//! The format `standard`: JSON with every fact, for programs.

use serde_json::{Value, json};

use super::{IncidentChange, event_type};
use crate::domain::Timestamp;
use crate::domain::event::Actor;
use crate::domain::notifications::webhook::EventType;
use crate::domain::text;
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
    json!({
        "type": event_type(incident, change).as_str(),
        "timestamp": text::timestamp(now),
        "data": {
            "id": incident.id.0,
            "guild_id": incident.guild_id.0.to_string(),
            "title": wording::title(incident, str::to_owned),
            "text": wording::sentence(&incident.kind, str::to_owned),
            "opened_at": text::timestamp(incident.opened_at),
            "ended_at": incident.ended_at.map(text::timestamp),
            "acknowledged": acknowledged.map(|(by, at)| acknowledgment(by, at)),
            "is_flapping": incident.counts.flapping > 0,
            "cause": incident.cause.as_ref().map(|cause| {
                wording::cause(cause, str::to_owned, |at| format!("at {}", text::timestamp(at)))
            }),
            "monitors": incident.counts.monitors,
            "offline": incident.counts.open,
            "members": outages,
            "notes": notes,
        },
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
