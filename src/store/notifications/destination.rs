//! Destinations of a guild's notifications, and whether they work. Every outage needs the ids of its guild's, so the writer
//! caches them.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::notifications::destination_health::DestinationHealth;
use crate::domain::notifications::destinations::{DestinationId, DestinationKind, Destinations};
use crate::store::{Effect, Reader, StoreError, Tx};

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub id: DestinationId,
    pub guild_id: GuildId,
    pub kind: DestinationKind,
    /// The row form of a Discord channel or user, or of a webhook's ID.
    pub address: i64,
    pub health: DestinationHealth,
}

/// Reads the health of a destination from a row with its columns.
pub(super) fn health(row: &SqliteRow) -> Result<DestinationHealth, StoreError> {
    let timestamp = |name: &str| -> Result<Option<Timestamp>, StoreError> {
        let millis: Option<i64> = row.try_get(name)?;
        Ok(millis.map(Timestamp::from_millis))
    };
    let reason: Option<String> = row.try_get("broken_reason")?;
    Ok(DestinationHealth {
        attempts: row.try_get("attempts")?,
        failing_since: timestamp("failing_since")?,
        suspected_at: timestamp("suspected_at")?,
        broken: reason.zip(timestamp("broken_at")?),
        next_try_at: Timestamp::from_millis(row.try_get("next_try_at")?),
    })
}

pub(super) fn read(row: &SqliteRow) -> Result<Destination, StoreError> {
    let kind: &str = row.try_get("kind")?;
    let damaged = |_| StoreError::Damaged(format!("the kind {kind} of a destination"));
    Ok(Destination {
        id: DestinationId(row.try_get("id")?),
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        kind: kind.parse().map_err(damaged)?,
        address: row.try_get("address")?,
        health: health(row)?,
    })
}

/// The destinations of a guild, inside a transaction.
pub async fn of(tx: &mut Tx<'_>, guild: GuildId) -> Result<Destinations, StoreError> {
    if let Some(known) = tx.cache.destinations.get(&guild) {
        return Ok(known.clone());
    }
    let rows: Vec<(i64, bool)> = sqlx::query_as(
        "SELECT id, kind = 'channel' FROM destinations WHERE guild_id = $1 AND kind IN ('channel', 'webhook') ORDER BY id",
    )
    .bind(guild.to_row())
    .fetch_all(&mut *tx.connection)
    .await?;
    let mut found = Destinations::default();
    for (id, is_channel) in rows {
        match is_channel {
            true => found.channel = Some(DestinationId(id)),
            false => found.webhooks.push(DestinationId(id)),
        }
    }
    tx.cache.destinations.insert(guild, found.clone());
    Ok(found)
}

/// Whether a guild has a channel or a webhook for its notifications.
pub async fn has_any(reader: &Reader, guild: GuildId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM destinations WHERE guild_id = $1 AND kind IN ('channel', 'webhook'))",
    )
    .bind(guild.to_row())
    .fetch_one(&reader.pool)
    .await?)
}

/// The guilds that have a webhook.
pub async fn guilds_with_webhooks(tx: &mut Tx<'_>) -> Result<Vec<GuildId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT guild_id FROM destinations WHERE kind = 'webhook' ORDER BY guild_id",
    )
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(GuildId::from_row).collect())
}

/// The only destination of this kind in a guild, if there is one.
pub async fn only(
    reader: &Reader,
    guild: GuildId,
    kind: DestinationKind,
) -> Result<Option<Destination>, StoreError> {
    let row = sqlx::query("SELECT * FROM destinations WHERE guild_id = $1 AND kind = $2")
        .bind(guild.to_row())
        .bind(kind.as_str())
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Adds a destination unless it is known; returns it.
pub async fn add(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: DestinationKind,
    address: i64,
) -> Result<Destination, StoreError> {
    let row = sqlx::query(
        "INSERT INTO destinations (guild_id, kind, address) VALUES ($1, $2, $3)
         ON CONFLICT (guild_id, kind, address) DO UPDATE SET address = excluded.address RETURNING *",
    )
    .bind(guild.to_row())
    .bind(kind.as_str())
    .bind(address)
    .fetch_one(&mut *tx.connection)
    .await?;
    tx.cache.forget_destinations(guild);
    read(&row)
}

/// Sets the address of the only destination of this kind in a guild, which counts as working from now on; adds it if there is
/// none. Everything that waits for it is due at once.
pub async fn set_only(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: DestinationKind,
    address: i64,
) -> Result<DestinationId, StoreError> {
    let known: Option<i64> =
        sqlx::query_scalar("SELECT id FROM destinations WHERE guild_id = $1 AND kind = $2")
            .bind(guild.to_row())
            .bind(kind.as_str())
            .fetch_optional(&mut *tx.connection)
            .await?;
    let Some(id) = known.map(DestinationId) else {
        return Ok(add(tx, guild, kind, address).await?.id);
    };
    sqlx::query("UPDATE destinations SET address = $2 WHERE id = $1")
        .bind(id.0)
        .bind(address)
        .execute(&mut *tx.connection)
        .await?;
    mark_working(tx, id).await?;
    tx.cache.forget_destinations(guild);
    Ok(id)
}

/// Removes the destination of this kind and address with its deliveries; without an address, all of this kind.
pub async fn remove(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: DestinationKind,
    address: Option<i64>,
) -> Result<Effect, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM destinations WHERE guild_id = $1 AND kind = $2 AND ($3 IS NULL OR address = $3)",
    )
    .bind(guild.to_row())
    .bind(kind.as_str())
    .bind(address)
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.forget_destinations(guild);
    Ok(Effect::of(&deleted))
}

/// Makes a destination count as working, and everything that waits for it due at once.
pub async fn mark_working(tx: &mut Tx<'_>, id: DestinationId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE destinations SET attempts = 0, failing_since = NULL, suspected_at = NULL, broken_at = NULL,
             broken_reason = NULL, next_try_at = 0
         WHERE id = $1",
    )
    .bind(id.0)
    .execute(&mut *tx.connection)
    .await?;
    sqlx::query(
        "UPDATE deliveries SET attempts = 0, faults = 0, next_try_at = 0 WHERE destination_id = $1",
    )
    .bind(id.0)
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// Stores the health of a destination after an attempt. Does nothing if its address changed or it was made due during the
/// attempt. `sent_at`: when something was sent, if the attempt succeeded.
pub async fn set_health(
    tx: &mut Tx<'_>,
    known: &Destination,
    health: &DestinationHealth,
    sent_at: Option<Timestamp>,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE destinations SET attempts = $3, failing_since = $4, suspected_at = $5, broken_at = $6, broken_reason = $7,
             next_try_at = $8, last_sent_at = COALESCE($9, last_sent_at)
         WHERE id = $1 AND address = $2 AND (next_try_at = $10 OR $9 IS NOT NULL)",
    )
    .bind(known.id.0)
    .bind(known.address)
    .bind(health.attempts)
    .bind(health.failing_since.map(Timestamp::millis))
    .bind(health.suspected_at.map(Timestamp::millis))
    .bind(health.broken.as_ref().map(|(_, at)| at.millis()))
    .bind(health.broken.as_ref().map(|(reason, _)| reason))
    .bind(health.next_try_at.millis())
    .bind(sent_at.map(Timestamp::millis))
    .bind(known.health.next_try_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// A channel of another guild that is not known to be broken; `None` if there is none.
pub async fn channel_of_another_guild(
    reader: &Reader,
    guild: GuildId,
) -> Result<Option<(GuildId, ChannelId)>, StoreError> {
    let found: Option<(i64, i64)> = sqlx::query_as(
        "SELECT guild_id, address FROM destinations
         WHERE kind = 'channel' AND guild_id <> $1 AND failing_since IS NULL
             AND guild_id NOT IN (SELECT guild_id FROM left_guilds)
         ORDER BY RANDOM() LIMIT 1",
    )
    .bind(guild.to_row())
    .fetch_optional(&reader.pool)
    .await?;
    Ok(found.map(|(guild, address)| (GuildId::from_row(guild), ChannelId::from_row(address))))
}

/// Makes everything that waits because Discord failed due at once, in all guilds: Discord works again.
pub async fn discord_works(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE destinations SET next_try_at = 0
         WHERE kind <> 'webhook' AND attempts > 0 AND suspected_at IS NULL AND broken_at IS NULL AND next_try_at > 0",
    )
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notifications::destination_health::DeliveryError;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(u64::MAX >> 1);

    #[tokio::test]
    async fn a_channel_or_a_webhook_of_the_guild_itself_gets_its_notifications() {
        let store = TestStore::open().await;
        let add_one = async |guild, kind| {
            store
                .write(move |tx| Box::pin(add(tx, GuildId(guild), kind, 5)))
                .await;
        };
        add_one(1, DestinationKind::Board).await;
        add_one(1, DestinationKind::DirectMessage).await;
        add_one(2, DestinationKind::Channel).await;
        add_one(3, DestinationKind::Webhook).await;
        let mut known = Vec::new();
        for guild in 1..=3 {
            known.push(has_any(&store.reader, GuildId(guild)).await.unwrap());
        }
        assert_eq!(known, [false, true, true]);
    }

    #[tokio::test]
    async fn a_destination_that_is_set_or_removed_changes_the_cached_ones() {
        let store = TestStore::open().await;
        let found = store
            .write(move |tx| {
                Box::pin(async move {
                    let before = of(tx, HOME).await?;
                    set_only(tx, HOME, DestinationKind::Channel, 5).await?;
                    add(tx, HOME, DestinationKind::Webhook, 1).await?;
                    // Neither gets what every destination gets.
                    set_only(tx, HOME, DestinationKind::Board, 5).await?;
                    add(tx, HOME, DestinationKind::DirectMessage, 7).await?;
                    let with_both = of(tx, HOME).await?;
                    let removed = remove(tx, HOME, DestinationKind::Channel, None).await?;
                    assert_eq!(removed, Effect::Changed);
                    let of_another = remove(tx, GuildId(1), DestinationKind::Webhook, Some(1));
                    assert_eq!(of_another.await?, Effect::Nothing);
                    Ok([before, with_both, of(tx, HOME).await?])
                })
            })
            .await;
        let counts = found.map(|one| (one.channel.is_some(), one.webhooks.len()));
        assert_eq!(counts, [(false, 0), (true, 1), (false, 1)]);
    }

    #[tokio::test]
    async fn one_success_in_discord_ends_the_waiting_in_all_guilds() {
        let store = TestStore::open().await;
        store
            .execute(
                "INSERT INTO destinations (guild_id, kind, address, attempts, suspected_at, broken_at, next_try_at) VALUES
                     (1, 'channel', 1, 5, NULL, NULL, 900), (2, 'channel', 2, 5, NULL, NULL, 900),
                     (3, 'channel', 3, 1, 100, NULL, 900), (4, 'board', 4, 2, 100, 100, 900), (5, 'webhook', 5, 5, NULL, NULL, 900)",
            )
            .await;
        store.write(|tx| Box::pin(discord_works(tx))).await;
        let waiting: Vec<(i64,)> = store
            .rows("SELECT guild_id FROM destinations WHERE next_try_at > 0 ORDER BY guild_id")
            .await;
        assert_eq!(waiting, [(3,), (4,), (5,)]);
    }

    #[tokio::test]
    async fn a_working_channel_of_another_guild_is_found() {
        let store = TestStore::open().await;
        store
            .execute(
                "INSERT INTO destinations (guild_id, kind, address, attempts, failing_since) VALUES
                     (1, 'channel', 1, 0, NULL), (2, 'channel', 2, 1, 100), (3, 'board', 3, 0, NULL), (4, 'webhook', 4, 0, NULL),
                     (5, 'channel', 5, 0, NULL), (6, 'channel', 6, 0, NULL)",
            )
            .await;
        store
            .execute("INSERT INTO guilds (guild_id, application_id, joined_at, left_at) VALUES (5, 1, 1, 1)")
            .await;
        let other = async |guild| channel_of_another_guild(&store.reader, GuildId(guild)).await;
        assert_eq!(other(1).await.unwrap(), Some((GuildId(6), ChannelId(6))));
        assert_eq!(other(6).await.unwrap(), Some((GuildId(1), ChannelId(1))));
        store
            .execute("DELETE FROM destinations WHERE guild_id = 1")
            .await;
        assert_eq!(other(6).await.unwrap(), None);
    }

    #[tokio::test]
    async fn health_is_stored_until_the_address_changes() {
        let store = TestStore::open().await;
        let at = Timestamp::from_millis;
        let kind = DestinationKind::Channel;
        let known = store
            .write(move |tx| Box::pin(add(tx, HOME, kind, 5)))
            .await;
        let error = DeliveryError::DestinationBroken("it was deleted".into());
        let once = known.health.failed(&error, kind, 1.0, at(0));
        let twice = once.failed(&error, kind, 1.0, at(120_000));
        let (before, broken) = (known.clone(), twice.clone());
        let recorded = store
            .write(move |tx| Box::pin(async move { set_health(tx, &before, &broken, None).await }))
            .await;
        assert_eq!(recorded, Effect::Changed);
        let stored = only(&store.reader, HOME, kind).await.unwrap().unwrap();
        assert_eq!(stored.health, twice);
        assert!(stored.health.broken.is_some());
        let late = store
            .write(move |tx| {
                Box::pin(async move {
                    set_only(tx, HOME, kind, 6).await?;
                    set_health(tx, &known, &twice, None).await
                })
            })
            .await;
        assert_eq!(late, Effect::Nothing, "it was about the old channel");
        let stored = only(&store.reader, HOME, kind).await.unwrap().unwrap();
        assert_eq!(
            (stored.address, stored.health),
            (6, DestinationHealth::default())
        );
    }
}
