//! API keys: their guild, kind, expiry and a hash of the secret. The secret itself is never stored.

use std::collections::HashSet;

use sqlx::FromRow as _;

use super::{Effect, Reader, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::key::{KeyId, KeyKind};
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{of_guild, pieces, placeholders};
use crate::store::engine::unreadable::StoredTable;

/// A stored API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    pub id: KeyId,
    pub guild_id: GuildId,
    pub kind: KeyKind,
    /// The monitor that the key belongs to; `None`: it belongs to the guild.
    pub monitor_id: Option<MonitorId>,
    pub secret_sha256: Vec<u8>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl StoredKey {
    /// Whether the key is neither revoked nor expired.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    guild_id: i64,
    kind: String,
    monitor_id: Option<i64>,
    secret_sha256: Vec<u8>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

fn read(row: Row) -> Result<StoredKey, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("an API key's {what}"));
    Ok(StoredKey {
        id: KeyId::parse(&row.id).ok_or_else(|| damaged("id"))?,
        guild_id: GuildId::from_row(row.guild_id),
        kind: row
            .kind
            .parse::<KeyKind>()
            .ok()
            .ok_or_else(|| damaged("kind"))?,
        monitor_id: row.monitor_id.map(MonitorId),
        secret_sha256: row.secret_sha256,
        created_at: Timestamp::from_millis(row.created_at),
        expires_at: row.expires_at.map(Timestamp::from_millis),
        revoked_at: row.revoked_at.map(Timestamp::from_millis),
    })
}

/// Adds a key, which does not expire and is not revoked.
pub async fn insert(tx: &mut Tx<'_>, key: &StoredKey) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO api_keys (id, guild_id, kind, monitor_id, secret_sha256, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(key.id.as_str())
    .bind(key.guild_id.to_row())
    .bind(key.kind.as_str())
    .bind(key.monitor_id.map(|id| id.0))
    .bind(&key.secret_sha256)
    .bind(key.created_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The key with this id, in any guild that the bot is in or that was never on Discord: the only query that is made before the
/// requester is known.
pub async fn find(reader: &Reader, id: &KeyId) -> Result<Option<StoredKey>, StoreError> {
    let row: Option<Row> = sqlx::query_as("SELECT * FROM api_keys WHERE id = $1 AND guild_id NOT IN (SELECT guild_id FROM left_guilds)")
        .bind(id.as_str())
        .fetch_optional(&reader.pool)
        .await?;
    row.map(read).transpose()
}

/// The key with this id, in any guild, read inside a transaction.
pub async fn known(tx: &mut Tx<'_>, id: &KeyId) -> Result<Option<StoredKey>, StoreError> {
    let row: Option<Row> = sqlx::query_as("SELECT * FROM api_keys WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(&mut *tx.connection)
        .await?;
    row.map(read).transpose()
}

/// The keys of a guild (`None`: of all guilds, for the operator), newest first.
pub async fn list(reader: &Reader, guild: Option<GuildId>) -> Result<Vec<StoredKey>, StoreError> {
    let sql = format!(
        "SELECT * FROM api_keys WHERE {} ORDER BY created_at DESC, id",
        of_guild(guild)
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(guild.map(GuildId::to_row))
        .fetch_all(&reader.pool)
        .await?;
    let keys = &reader.unreadable;
    keys.skip(StoredTable::ApiKeys, &rows, |row| read(Row::from_row(row)?))
}

/// The keys among `ids` that are valid now.
pub async fn valid_among(
    tx: &mut Tx<'_>,
    ids: &[KeyId],
    now: Timestamp,
) -> Result<HashSet<KeyId>, StoreError> {
    let known = &tx.cache.keys;
    let missing: HashSet<KeyId> = ids
        .iter()
        .filter(|id| !known.contains_key(id))
        .copied()
        .collect();
    let missing: Vec<KeyId> = missing.into_iter().collect();
    for piece in pieces(&missing) {
        let places = placeholders(1, piece.len());
        let sql = format!("SELECT id, expires_at, revoked_at FROM api_keys WHERE id IN {places}");
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.as_str());
        }
        let rows: Vec<(String, Option<i64>, Option<i64>)> =
            query.fetch_all(&mut *tx.connection).await?;
        for (id, expires_at, revoked_at) in rows {
            let Some(id) = KeyId::parse(&id) else {
                continue;
            };
            let ends = revoked_at.or(expires_at).map(Timestamp::from_millis);
            tx.cache.keys.insert(id, ends);
        }
    }
    let is_valid = |id: &KeyId| {
        let ends = tx.cache.keys.get(id);
        ends.is_some_and(|ends| ends.is_none_or(|end| now < end))
    };
    Ok(ids.iter().copied().filter(is_valid).collect())
}

/// Revokes a key of a guild; `Nothing` if the guild has no such key, or it is already revoked.
pub async fn revoke(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: &KeyId,
    now: Timestamp,
) -> Result<Effect, StoreError> {
    let revoked = sqlx::query(
        "UPDATE api_keys SET revoked_at = $3 WHERE guild_id = $1 AND id = $2 AND revoked_at IS NULL",
    )
    .bind(guild.to_row())
    .bind(id.as_str())
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.keys.remove(id);
    Ok(Effect::of(&revoked))
}

/// Sets the expiry of a key, unless it expires earlier.
pub async fn expire(tx: &mut Tx<'_>, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE api_keys SET expires_at = $2 WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(id.as_str())
    .bind(at.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.keys.remove(id);
    Ok(())
}

/// Sets the expiry of every key of a monitor, unless it expires earlier.
pub async fn expire_of(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE api_keys SET expires_at = $2 WHERE monitor_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(monitor.0)
    .bind(at.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.keys.clear();
    Ok(())
}

/// Number of valid keys of a guild, without the own keys of its monitors.
pub async fn count_valid(
    tx: &mut Tx<'_>,
    guild: GuildId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM api_keys WHERE guild_id = $1 AND monitor_id IS NULL AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(guild.to_row())
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// Revokes all keys of a monitor but the `kept` newest ones.
pub async fn revoke_oldest(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    kept: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let revoked = sqlx::query(
        "UPDATE api_keys SET revoked_at = $3 WHERE monitor_id = $1 AND revoked_at IS NULL AND id NOT IN (
             SELECT id FROM api_keys WHERE monitor_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, rowid DESC LIMIT $2
         )",
    )
    .bind(monitor.0)
    .bind(kept)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    if revoked.rows_affected() > 0 {
        tx.cache.keys.clear();
    }
    Ok(())
}

/// Deletes up to `limit` keys that became invalid before the given time; returns how many.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM api_keys WHERE id IN (
             SELECT id FROM api_keys WHERE COALESCE(revoked_at, expires_at) < $1 ORDER BY COALESCE(revoked_at, expires_at) LIMIT $2
         )",
    )
    .bind(before.millis())
    .bind(limit)
    .execute(&mut *tx.connection)
    .await?;
    if deleted.rows_affected() > 0 {
        tx.cache.keys.clear();
    }
    Ok(deleted.rows_affected())
}

/// Revokes every key of a guild and of its monitors; returns how many were not revoked yet.
pub async fn revoke_all(
    tx: &mut Tx<'_>,
    guild: GuildId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let revoked = sqlx::query(
        "UPDATE api_keys SET revoked_at = $2 WHERE guild_id = $1 AND revoked_at IS NULL",
    )
    .bind(guild.to_row())
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.keys.clear();
    Ok(revoked.rows_affected())
}

/// Revokes every key of a monitor.
pub async fn revoke_of(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE monitor_id = $1 AND revoked_at IS NULL")
        .bind(monitor.0)
        .bind(now.millis())
        .execute(&mut *tx.connection)
        .await?;
    tx.cache.keys.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn key(id: &str, guild: u64) -> StoredKey {
        StoredKey {
            id: KeyId::parse(id).unwrap(),
            guild_id: GuildId(guild),
            kind: KeyKind::Fleet,
            monitor_id: None,
            secret_sha256: vec![7; 32],
            created_at: at(10),
            expires_at: None,
            revoked_at: None,
        }
    }

    #[tokio::test]
    async fn keys_are_listed_by_guild_and_revoked_only_by_their_own_guild() {
        let store = TestStore::open().await;
        let (ours, theirs) = (key("AAAAAAAAAAAA", 1), key("BBBBBBBBBBBB", 2));
        let rows = [ours.clone(), theirs.clone()];
        store
            .write(move |tx| {
                Box::pin(async move {
                    for row in &rows {
                        insert(tx, row).await?;
                    }
                    Ok(())
                })
            })
            .await;
        assert_eq!(
            list(&store.reader, Some(GuildId(1))).await.unwrap(),
            std::slice::from_ref(&ours)
        );
        assert_eq!(list(&store.reader, None).await.unwrap().len(), 2);
        let (id, id_again) = (theirs.id, theirs.id);
        let foreign = store
            .write(move |tx| Box::pin(async move { revoke(tx, GuildId(1), &id, at(20)).await }))
            .await;
        let own = store
            .write(move |tx| {
                Box::pin(async move { revoke(tx, GuildId(2), &id_again, at(20)).await })
            })
            .await;
        assert_eq!((foreign, own), (Effect::Nothing, Effect::Changed));
        let revoked = find(&store.reader, &theirs.id).await.unwrap().unwrap();
        assert!(!revoked.is_valid(at(30)));
        assert!(
            find(&store.reader, &ours.id)
                .await
                .unwrap()
                .unwrap()
                .is_valid(at(30))
        );
    }

    #[tokio::test]
    async fn an_expiry_is_never_postponed() {
        let store = TestStore::open().await;
        let row = key("AAAAAAAAAAAA", 1);
        let id = row.id;
        store
            .write(move |tx| {
                Box::pin(async move {
                    insert(tx, &row).await?;
                    expire(tx, &row.id, at(100)).await?;
                    expire(tx, &row.id, at(200)).await
                })
            })
            .await;
        let kept = find(&store.reader, &id).await.unwrap().unwrap();
        assert_eq!(kept.expires_at, Some(at(100)));
        assert!(kept.is_valid(at(99)) && !kept.is_valid(at(100)));
    }
}
