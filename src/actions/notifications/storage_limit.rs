//! Notifies a guild once when it has reached a storage limit, so that its oldest rows are deleted.

use serde_json::json;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::storage_limit::UsageKind;
use crate::store::event::{self, NewEvent};
use crate::store::incidents::incident;
use crate::store::notifications::delivery;
use crate::store::{Effect, Store, StoreError, Tx, mark_storage_limit_announced};

/// Announces the limits that were reached since the last call; returns how many.
pub async fn announce(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    let reached = store.reader.unannounced_storage_limits().await?;
    let count = reached.len();
    for (guild, kind) in reached {
        let bound = kind.bound();
        tracing::warn!(%guild, kind = kind.as_str(), rows = bound.rows, bytes = bound.bytes, "storage limit of a guild reached, deleting the oldest rows");
        store
            .writer
            .transact_for::<_, StoreError>(guild, move |tx| {
                Box::pin(async move { announce_to(tx, guild, kind, now).await })
            })
            .await?;
    }
    Ok(count)
}

async fn announce_to(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: UsageKind,
    now: Timestamp,
) -> Result<(), StoreError> {
    if mark_storage_limit_announced(tx, guild, kind, now).await? == Effect::Nothing {
        return Ok(());
    }
    let bound = kind.bound();
    let event = NewEvent {
        guild_id: guild,
        monitor_id: None,
        kind: EventKind::StorageLimitReached,
        at: now,
        noticed_at: now,
        actor: Actor::System,
        details: json!({ "kind": kind.as_str(), "rows": bound.rows, "bytes": bound.bytes }),
    };
    event::append(tx, &event).await?;
    let notification = NotificationKind::StorageLimitReached { kind };
    let incident = incident::announce(tx, guild, &notification, now).await?;
    delivery::enqueue_for_channel(tx, guild, incident).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::at;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn each_limit_is_announced_once_to_its_guild() {
        let store = TestStore::open().await;
        store
            .execute("INSERT INTO destinations (guild_id, kind, address) VALUES (1, 'channel', 1), (2, 'channel', 2)")
            .await;
        store
            .execute(
                "INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes, deleted_rows) VALUES
                     (1, 'samples', 5, 5, 1), (1, 'events', 5, 5, 0), (2, 'outages', 5, 5, 500)",
            )
            .await;
        for (second, announced) in [(0, 2), (60, 0)] {
            assert_eq!(announce(&store, at(second)).await.unwrap(), announced);
        }
        store
            .execute("UPDATE guild_usage SET deleted_rows = 9 WHERE kind IN ('samples', 'events') AND guild_id = 1")
            .await;
        assert_eq!(announce(&store, at(120)).await.unwrap(), 1);
        let events: Vec<(i64, String)> = store
            .rows("SELECT guild_id, details ->> '$.kind' FROM events WHERE kind = 'storage_limit_reached' ORDER BY id")
            .await;
        let expected = [(1, "samples"), (2, "outages"), (1, "events")];
        assert_eq!(
            events,
            expected.map(|(guild, kind)| (guild, kind.to_owned()))
        );
        let deliveries: Vec<(i64, i64)> = store
            .rows(
                "SELECT t.guild_id, COUNT(*) FROM deliveries d JOIN destinations t ON t.id = d.destination_id
                 GROUP BY t.guild_id ORDER BY t.guild_id",
            )
            .await;
        assert_eq!(deliveries, [(1, 2), (2, 1)]);
    }
}
