//! Sends a reminder if it is still needed: in the channel, or to one user by direct message, or in the channel if that user
//! accepts no direct messages.

use super::{JobContext, place};
use crate::domain::discord_id::{MessageRef, UserId};
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::notifications::alert_policy::Responder;
use crate::notify::messenger::{Messenger, Place, Reminder, SendFailure};
use crate::store::StoreError;
use crate::store::incidents::incident;
use crate::store::notifications::delivery;
use crate::store::notifications::delivery::ChannelDelivery;

/// Sends a reminder of an incident; `None` if the incident is resolved or acknowledged.
pub(super) async fn show(
    context: &JobContext,
    messenger: &dyn Messenger,
    due: &ChannelDelivery,
    of: IncidentId,
    responder: Option<Responder>,
) -> Result<Option<Result<MessageRef, SendFailure>>, StoreError> {
    let reader = &context.store.reader;
    let needed = incident::get(reader, of)
        .await?
        .filter(|incident| incident.ended_at.is_none() && incident.acknowledged.is_none());
    let Some(incident) = needed else {
        return Ok(None);
    };
    let reminder = Reminder {
        link: delivery::message_of(reader, of).await?,
        incident,
        now: context.checks.clock.now(),
    };
    if let Some(Responder::User(user)) = responder {
        let sent = direct(messenger, &reminder, due, user).await;
        if !matches!(sent, Err(SendFailure::Broken(_))) {
            return Ok(Some(sent));
        }
    }
    let responder = responder.or(due.role.map(Responder::Role));
    Ok(Some(
        messenger.remind(&reminder, place(due, responder)).await,
    ))
}

async fn direct(
    messenger: &dyn Messenger,
    reminder: &Reminder,
    due: &ChannelDelivery,
    user: UserId,
) -> Result<MessageRef, SendFailure> {
    let channel = messenger.direct_channel(user).await?;
    let place = Place::New {
        channel,
        mention: None,
        nonce: format!("{}-direct", due.id),
    };
    messenger.remind(reminder, place).await
}
