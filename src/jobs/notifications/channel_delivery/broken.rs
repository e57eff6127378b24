//! Handles a channel that cannot be written to: no delivery is tried there until the channel is set again. The problem is
//! reported once, by direct message to the person who set the channel and to the webhooks.

use serde_json::json;

use super::JobContext;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::event::{Actor, EventKind};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::text;
use crate::notify::messenger::Messenger;
use crate::notify::wording;
use crate::store::event::{self, NewEvent};
use crate::store::incidents::incident;
use crate::store::notifications::{alert_settings, delivery};
use crate::store::{Effect, StoreError};

pub(super) async fn note(
    context: &JobContext,
    messenger: &dyn Messenger,
    guild: GuildId,
    channel: ChannelId,
    reason: String,
) -> Result<(), StoreError> {
    let sentence = wording::channel_broken(channel, &reason, text::escape);
    if !write(context, guild, channel, reason).await? {
        return Ok(());
    }
    let reader = &context.store.reader;
    let setter = event::last_actor(reader, guild, EventKind::AlertsSet).await?;
    if let Some(Actor::Member(user)) = setter
        && let Err(failure) = messenger.send_direct_message(user, &sentence).await
    {
        tracing::warn!(%guild, %failure, "cannot send a direct message about the broken channel");
    }
    Ok(())
}

/// Records the problem; returns `false` if it was known.
async fn write(
    context: &JobContext,
    guild: GuildId,
    channel: ChannelId,
    reason: String,
) -> Result<bool, StoreError> {
    let now = context.checks.clock.now();
    context
        .store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if alert_settings::broke(tx, guild, channel, &reason, now).await? == Effect::Nothing
                {
                    return Ok(false);
                }
                let event = NewEvent {
                    guild_id: guild,
                    monitor_id: None,
                    kind: EventKind::AlertsBroken,
                    at: now,
                    noticed_at: now,
                    actor: Actor::System,
                    details: json!({ "channel": channel.to_string(), "reason": reason }),
                };
                event::append(tx, &event).await?;
                let kind = NotificationKind::ChannelBroken { channel, reason };
                let incident = incident::announce(tx, guild, &kind, now).await?;
                delivery::enqueue_for_webhooks(tx, guild, incident).await?;
                Ok(true)
            })
        })
        .await
}
