//! A guild's board: put somewhere, taken away, found to be gone.

use serde_json::json;

use super::{Error, Requester, note};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::store::{Store, StoreError, board};

/// The board is in this message (channel and id) from now on; answers the one that it was in.
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
                let before = board::set(tx, requester.guild, (channel, message)).await?;
                let details = json!({ "channel": channel.to_string() });
                note(tx, requester, (EventKind::BoardSet, None, details), now).await?;
                Ok(before)
            })
        })
        .await
}

/// There is no board any more; answers the message that it was in.
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

/// A message was deleted; a board that was in it is posted anew.
pub async fn lost(store: &Store, message: u64) -> Result<(), StoreError> {
    store
        .writer
        .transact(move |tx| Box::pin(async move { board::lost(tx, message).await.map(drop) }))
        .await
}
