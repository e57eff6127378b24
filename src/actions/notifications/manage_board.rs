//! Sets and removes a guild's status board, and handles the deletion of its message.

use serde_json::json;

use crate::actions::{Error, Requester, note};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::store::notifications::board;
use crate::store::{Store, StoreError};

/// Sets the message (channel and id) that shows the board; returns the previous one.
pub async fn set(
    store: &Store,
    requester: Requester,
    (channel, message): (u64, u64),
    now: Timestamp,
) -> Result<Option<(u64, u64)>, Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let before = board::set(tx, requester.guild, channel, message).await?;
                let details = json!({ "channel": channel.to_string() });
                note(tx, requester, (EventKind::BoardSet, None, details), now).await?;
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
) -> Result<Option<(u64, u64)>, Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let removed = board::remove(tx, requester.guild).await?;
                let before =
                    removed.ok_or_else(|| Error::NotFound("this server has no board".into()))?;
                note(
                    tx,
                    requester,
                    (EventKind::BoardRemoved, None, json!({})),
                    now,
                )
                .await?;
                Ok(before)
            })
        })
        .await
}

/// Handles the deletion of a message: a board that it showed is posted again.
pub async fn lost(store: &Store, message: u64) -> Result<(), StoreError> {
    store
        .writer
        .transact(move |tx| Box::pin(async move { board::lost(tx, message).await.map(drop) }))
        .await
}
