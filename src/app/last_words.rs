//! Notifies the webhooks before Rollcall stops because Discord refused it for good: no alert reaches Discord from then on, so
//! people must learn of it elsewhere.

use std::time::Duration;

use crate::actions::notifications::discord_refused;
use crate::discord::Refused;
use crate::domain::Timestamp;
use crate::domain::notifications::destinations::DestinationKind;
use crate::store::notifications::queue;
use crate::store::{Store, StoreError};

/// How long the webhooks may take; a slow one does not keep the process alive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Enqueues the notifications and waits until they are delivered. The delivery job must still be running.
pub(super) async fn notify(store: &Store, refused: &Refused, now: Timestamp) {
    let reason = match refused {
        Refused::Token => "Discord rejected the token of the bot.",
        Refused::Intents(_) => "Discord rejected the intents that the bot requests.",
        Refused::Version => "Discord no longer supports this version of Rollcall.",
        // The guilds belong to another bot: nothing is sent about them.
        Refused::Application { .. } => return,
    };
    let reason = reason.to_owned();
    let sent = async {
        if discord_refused::announce(store, reason, now).await? > 0 {
            delivered(store, now).await?;
        }
        Ok::<(), StoreError>(())
    };
    match tokio::time::timeout(PATIENCE, sent).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "cannot notify the webhooks that Rollcall stops"),
        Err(_) => tracing::warn!("not all webhooks have been notified that Rollcall stops"),
    }
}

/// Waits until nothing is due at any webhook.
async fn delivered(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    loop {
        let waiting = queue::waiting(&store.reader, now).await?;
        let count = waiting.counts.get(&DestinationKind::Webhook).copied();
        if count.unwrap_or_default() == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
