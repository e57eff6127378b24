//! The format `standard`: JSON with every fact, for programs.

use serde_json::{Value, json};

use super::{IncidentChange, event_type};
use crate::domain::Timestamp;
use crate::domain::discord_id::UserId;
use crate::domain::notifications::webhook::EventType;
use crate::domain::text;
use crate::notify::transport::CurrentIncident;
use crate::notify::wording;
use crate::store::incidents::incident::Outage;

pub(super) fn of_test(now: Timestamp) -> Value {
    json!({ "type": EventType::Test.as_str(), "timestamp": text::timestamp(now), "data": {} })
}

pub(super) fn of_incident(current: &CurrentIncident, now: Timestamp) -> Value {
    let incident = &current.incident;
    let change = IncidentChange::of(incident, current.delivered_revision > 0);
    let person = |person: Option<(UserId, Timestamp)>| {
        person.map(|(user, at)| json!({ "user": user.to_string(), "at": text::timestamp(at) }))
    };
    let outages: Vec<Value> = incident.outages.iter().map(outage).collect();
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
            "acknowledged": person(incident.acknowledged),
            "is_flapping": incident.counts.flapping > 0,
            "cause": incident.cause.as_ref().map(|cause| {
                wording::cause(cause, str::to_owned, |at| format!("at {}", text::timestamp(at)))
            }),
            "monitors": incident.counts.monitors,
            "offline": incident.counts.open,
            "members": outages,
        },
    })
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
