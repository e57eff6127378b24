//! Announces to all webhooks that Discord refused Rollcall for good, so that it stops.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::store::incidents::incident;
use crate::store::notifications::{delivery, destination};
use crate::store::{Store, StoreError};

/// A guild is notified once in this time: what starts Rollcall may do so again and again.
const ONCE_IN: Duration = Duration::from_secs(24 * 3600);

/// Enqueues a notification for the webhooks of every guild; returns for how many guilds.
pub async fn announce(store: &Store, reason: String, now: Timestamp) -> Result<usize, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let kind = NotificationKind::DiscordRefused { reason };
                let mut count = 0;
                for guild in destination::guilds_with_webhooks(tx).await? {
                    let since = now.minus(ONCE_IN);
                    if incident::latest(tx, guild, &kind, since).await?.is_some() {
                        continue;
                    }
                    let id = incident::announce(tx, guild, &kind, now).await?;
                    delivery::enqueue_for_webhooks(tx, guild, id).await?;
                    count += 1;
                }
                Ok(count)
            })
        })
        .await
}

/// Drops what could not be delivered: Rollcall runs again.
pub async fn withdraw(store: &Store) -> Result<(), StoreError> {
    store
        .writer
        .transact(|tx| Box::pin(delivery::remove_pending_refusals(tx)))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::at;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn each_guild_with_a_webhook_is_notified_once_a_day() {
        let store = TestStore::open().await;
        store
            .execute(
                "INSERT INTO destinations (guild_id, kind, address) VALUES
                     (1, 'webhook', 1), (1, 'webhook', 2), (2, 'webhook', 3), (3, 'channel', 4)",
            )
            .await;
        let day = 24 * 3600;
        for (second, guilds) in [(0, 2), (10, 0), (day, 0), (day + 1, 2)] {
            let announced = announce(&store, "refused".into(), at(second)).await;
            assert_eq!(announced.unwrap(), guilds, "in second {second}");
        }
        let deliveries: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM deliveries").await;
        assert_eq!(deliveries, [(6,)]);
    }
}
