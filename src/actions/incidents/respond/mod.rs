//! What people and programs do about an incident: acknowledge it, recheck its endpoints; and who is reminded of it until they do.

mod recheck;

use serde_json::json;

use super::notify;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::notifications::alert_policy::EscalationStep;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::store::event;
use crate::store::incidents::incident::{self, Incident};
use crate::store::{Effect, Reader, Store, StoreError};

pub use self::recheck::recheck_incident;

/// Acknowledges an incident as a member or an API key; returns the updated incident.
pub async fn acknowledge(
    store: &Store,
    requester: Requester,
    id: IncidentId,
    now: Timestamp,
) -> Result<Incident, Error> {
    let actor = requester.actor;
    if !matches!(actor, Actor::Member(_) | Actor::Key(_)) {
        return Err(Error::Invalid(
            "only members and API keys can acknowledge an incident".into(),
        ));
    }
    find(&store.reader, requester, id).await?;
    store
        .writer
        .transact::<(), Error>(move |tx| {
            Box::pin(async move {
                if incident::acknowledge(tx, requester.incident(id), actor, now).await?
                    == Effect::Nothing
                {
                    return Err(Error::Conflict(
                        "this incident is resolved or already acknowledged".into(),
                    ));
                }
                let details = json!({ "incident": id.0 });
                Ok(event::append(
                    tx,
                    &requester.event(EventKind::IncidentAcknowledged, None, details, now),
                )
                .await?)
            })
        })
        .await?;
    find(&store.reader, requester, id).await
}

/// Sends a reminder or an escalation for an unacknowledged incident; `false` if that was done already or is no longer
/// needed.
pub async fn remind_or_escalate(
    store: &Store,
    guild: GuildId,
    id: IncidentId,
    step: EscalationStep,
    now: Timestamp,
) -> Result<bool, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let responder = match step {
                    EscalationStep::Remind => None,
                    EscalationStep::Escalate(responder) => Some(responder),
                };
                if incident::mark_reminded(tx, id, responder.is_some(), now).await?
                    == Effect::Nothing
                {
                    return Ok(false);
                }
                notify::remind(tx, IncidentRef { guild, id }, responder, now).await?;
                Ok(true)
            })
        })
        .await
}

/// Returns an incident of the requester's own guild.
pub async fn find(
    reader: &Reader,
    requester: Requester,
    id: IncidentId,
) -> Result<Incident, Error> {
    let is_own = |incident: &Incident| {
        incident.guild_id == requester.guild && incident.kind == NotificationKind::Incident
    };
    let incident = incident::get(reader, id).await?.filter(is_own);
    incident.ok_or_else(super::not_found)
}

#[cfg(test)]
mod tests;
