//! Sets and removes a guild's status board, and handles the deletion of its message.

use serde_json::{Value, json};

use crate::actions::field_changes::FieldChanges;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::{MessageId, MessageRef};
use crate::domain::event::EventKind;
use crate::store::event;
use crate::store::notifications::board;
use crate::store::{Store, StoreError};

/// Sets the message that shows the board; returns the previous one.
pub async fn set(
    store: &Store,
    requester: Requester,
    posted: MessageRef,
    now: Timestamp,
) -> Result<Option<MessageRef>, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let before = board::set(tx, requester.guild, posted, now).await?;
                let known = before.map(|before| before.channel.to_string());
                let channel = posted.channel.to_string();
                let changes = FieldChanges::default().field("channel", known, channel.as_str());
                let details = json!({ "channel": channel, "changes": Value::from(changes) });
                event::append(
                    tx,
                    &requester.event(EventKind::BoardSet, None, details, now),
                )
                .await?;
                Ok(before)
            })
        })
        .await
}

/// Removes the board; returns the message that showed it.
pub async fn remove(
    store: &Store,
    requester: Requester,
    now: Timestamp,
) -> Result<Option<MessageRef>, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let removed = board::remove(tx, requester.guild).await?;
                let before = removed
                    .ok_or_else(|| Error::NotFound("this Discord server has no board".into()))?;
                let channel = before.message.map(|message| message.channel.to_string());
                let details = json!({ "channel": channel });
                let event = requester.event(EventKind::BoardRemoved, None, details, now);
                event::append(tx, &event).await?;
                Ok(before.message)
            })
        })
        .await
}

/// Handles the deletion of a message: a board that it showed is posted again.
pub async fn lost(store: &Store, message: MessageId) -> Result<(), StoreError> {
    store
        .writer
        .transact(move |tx| Box::pin(async move { board::lost(tx, message).await.map(drop) }))
        .await
}
