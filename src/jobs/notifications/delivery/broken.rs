//! Reports a broken destination once: at the other destinations of its guild, and by direct message to the person who chose
//! the channel.

use serde_json::json;

use super::context::DeliveryContext;
use crate::domain::Timestamp;
use crate::domain::discord_id::ChannelId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::notifications::destinations::DestinationKind;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::webhook::WebhookId;
use crate::domain::text;
use crate::notify::wording;
use crate::store::event::{self, NewEvent};
use crate::store::incidents::incident;
use crate::store::notifications::destination::Destination;
use crate::store::notifications::{delivery, webhook};
use crate::store::{StoreError, Tx};

/// Records that a destination is broken, and enqueues notifications about it.
pub(super) async fn announce(
    tx: &mut Tx<'_>,
    destination: &Destination,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let guild = destination.guild_id;
    let reason = reason.to_owned();
    let (event_kind, details, kind) = match destination.kind {
        DestinationKind::Channel => {
            let channel = ChannelId::from_row(destination.address);
            let details = json!({ "channel": channel.to_string(), "reason": reason });
            let kind = NotificationKind::ChannelBroken { channel, reason };
            (EventKind::AlertsBroken, details, kind)
        }
        DestinationKind::Webhook => {
            let id = WebhookId(destination.address);
            let Some(name) = webhook::name(tx, id).await? else {
                return Ok(());
            };
            let details = json!({ "name": name, "reason": reason });
            let kind = NotificationKind::WebhookBroken { name, reason };
            (EventKind::WebhookBroken, details, kind)
        }
        // Its reminders go to the channel, where people see them.
        DestinationKind::DirectMessage => return Ok(()),
        // It is missing where people look for it.
        DestinationKind::Board => return Ok(()),
        // `/summaries list` says so, to those who wait for one.
        DestinationKind::Summary => return Ok(()),
    };
    let event = NewEvent {
        guild_id: guild,
        monitor_id: None,
        kind: event_kind,
        at: now,
        noticed_at: now,
        actor: Actor::System,
        details,
    };
    event::append(tx, &event).await?;
    let incident = incident::announce(tx, guild, &kind, now).await?;
    match destination.kind {
        DestinationKind::Channel => delivery::enqueue_for_webhooks(tx, guild, incident).await,
        _ => delivery::enqueue_for_channel(tx, guild, incident).await,
    }
}

/// Sends a direct message about a broken channel to the person who chose it.
pub(super) async fn notify_person(
    context: &DeliveryContext,
    destination: &Destination,
    reason: &str,
) -> Result<(), StoreError> {
    let (DestinationKind::Channel, Some(messenger)) = (destination.kind, &context.discord) else {
        return Ok(());
    };
    let (reader, guild) = (&context.store.reader, destination.guild_id);
    let channel = ChannelId::from_row(destination.address);
    let setter = event::channel_setter(reader, guild, channel).await?;
    let Some(Actor::Member(user)) = setter else {
        return Ok(());
    };
    let sentence = wording::channel_broken(&format!("<#{channel}>"), reason, text::escape);
    let sent = async {
        // Who has left the guild learns nothing of it any longer.
        match messenger.is_member(guild, user).await? {
            true => messenger.send_direct_message(user, &sentence).await,
            false => Ok(()),
        }
    };
    if let Err(error) = sent.await {
        tracing::warn!(%guild, %error, "cannot send a direct message about the broken channel");
    }
    Ok(())
}
