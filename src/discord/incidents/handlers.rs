//! What the buttons of an incident and `/ack` do.

use crate::actions::Requester;
use crate::actions::incidents::respond;
use crate::actions::silences::start;
use crate::discord::DiscordState;
use crate::discord::incidents::incident_card;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::domain::incidents::grouping::IncidentId;

/// Acknowledges an incident and returns its updated message.
pub(in crate::discord) async fn acknowledge(
    app: &DiscordState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = respond::acknowledge(&app.store, requester, id, app.now()).await?;
    Ok(incident_card::message(&incident))
}

/// Mutes an incident's monitors for an hour and returns its updated message.
pub(in crate::discord) async fn mute(
    app: &DiscordState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = start::mute_incident(&app.store, requester, id, app.now()).await?;
    Ok(incident_card::message(&incident))
}

/// Starts an hour of maintenance for an incident's monitors and returns its updated message.
pub(in crate::discord) async fn maintain(
    app: &DiscordState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = start::maintain_incident(&app.store, requester, id, app.now()).await?;
    Ok(incident_card::message(&incident))
}
