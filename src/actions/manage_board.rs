//! A guild's board: put somewhere, taken away, found to be gone.

use serde_json::json;

use super::{Asker, Error, note};
use crate::domain::Instant;
use crate::domain::event::EventKind;
use crate::store::{Store, StoreError, board};

/// The board is in this message (channel and id) from now on.
pub async fn set(
    store: &Store,
    asker: Asker,
    (channel, message): (u64, u64),
    now: Instant,
) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                board::set(tx, asker.guild, (channel, Some(message))).await?;
                let facts = json!({ "channel": channel.to_string() });
                Ok(note(tx, asker, (EventKind::BoardSet, None, facts), now).await?)
            })
        })
        .await
}

/// There is no board any more.
pub async fn remove(store: &Store, asker: Asker, now: Instant) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if !board::remove(tx, asker.guild).await? {
                    return Err(Error::NotFound("this server has no board".into()));
                }
                Ok(note(tx, asker, (EventKind::BoardRemoved, None, json!({})), now).await?)
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
