//! The names of monitors, by the key that makes them unique in their scope.

use std::collections::HashSet;

use sqlx::FromRow as _;

use crate::domain::monitor::MonitorId;
use crate::domain::monitor::name::{NameKey, NameScope, NumberSearch, made_unique, numbered};
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{StoreError, Tx};

/// A monitor that has the name that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameHolder {
    pub id: MonitorId,
    /// As it is stored, which may differ in case and normalization.
    pub name: String,
}

/// The monitor of a scope that has a name.
pub async fn holder(
    tx: &mut Tx<'_>,
    scope: NameScope,
    name: &str,
) -> Result<Option<NameHolder>, StoreError> {
    let found: Option<(i64, String)> = sqlx::query_as(
        "SELECT id, name FROM monitors WHERE guild_id = $1 AND kind = $2 AND name_key = $3",
    )
    .bind(scope.guild.to_row())
    .bind(scope.kind.as_str())
    .bind(NameKey::of(name).as_str())
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(found.map(|(id, name)| NameHolder {
        id: MonitorId(id),
        name,
    }))
}

/// The name itself if no monitor of the scope has it, or its next free form, such as `name (2)`.
pub async fn free_form(
    tx: &mut Tx<'_>,
    scope: NameScope,
    name: &str,
) -> Result<String, StoreError> {
    if holder(tx, scope, name).await?.is_none() {
        return Ok(name.to_owned());
    }
    let mut search = NumberSearch::default();
    loop {
        let form = numbered(name, search.candidate());
        let is_taken = holder(tx, scope, &form).await?.is_some();
        if let Some(free) = search.advance(is_taken) {
            return Ok(numbered(name, free));
        }
    }
}

/// Renames a monitor. The caller makes sure that the name is free.
pub async fn set(tx: &mut Tx<'_>, id: MonitorId, name: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE monitors SET name = $2, name_key = $3 WHERE id = $1")
        .bind(id.0)
        .bind(name)
        .bind(NameKey::of(name).as_str())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct WithoutKey {
    id: i64,
    guild_id: i64,
    kind: String,
    name: String,
}

/// A monitor and the name that it gets; `None`: it keeps its name.
struct KeyedRow {
    id: i64,
    key: NameKey,
    new_name: Option<String>,
}

/// Gives a key to every monitor that has none: those of a database from before names were unique. Monitors whose name is
/// taken are renamed; returns how many.
pub(in crate::store) async fn fill_keys(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    let rows = sqlx::query(
        "SELECT id, guild_id, kind, name FROM monitors WHERE name_key IS NULL ORDER BY guild_id, kind, id",
    )
    .fetch_all(&mut *tx.connection)
    .await?;
    // A name that cannot be read has no key, and does not stop the others.
    let rows = rows.iter().filter_map(|row| WithoutKey::from_row(row).ok());
    let rows: Vec<WithoutKey> = rows.collect();
    let mut keyed = Vec::with_capacity(rows.len());
    let is_same_scope = |one: &WithoutKey, other: &WithoutKey| {
        (one.guild_id, &one.kind) == (other.guild_id, &other.kind)
    };
    for scope in rows.chunk_by(is_same_scope) {
        let names: Vec<&str> = scope.iter().map(|row| row.name.as_str()).collect();
        let unique = made_unique(&names, keys_beside(tx, scope).await?);
        keyed.extend(scope.iter().zip(unique).map(|(row, unique)| KeyedRow {
            id: row.id,
            key: unique.key,
            new_name: unique.new_name,
        }));
    }
    let (renamed, kept): (Vec<KeyedRow>, Vec<KeyedRow>) = keyed
        .into_iter()
        .partition(|keyed| keyed.new_name.is_some());
    for piece in pieces(&kept) {
        save_keys(tx, piece).await?;
    }
    for piece in pieces(&renamed) {
        save_names(tx, piece).await?;
    }
    Ok(renamed.len())
}

/// The keys that the scope of these monitors has already.
async fn keys_beside(
    tx: &mut Tx<'_>,
    scope: &[WithoutKey],
) -> Result<HashSet<NameKey>, StoreError> {
    let Some(row) = scope.first() else {
        return Ok(HashSet::new());
    };
    let keys: Vec<String> = sqlx::query_scalar(
        "SELECT name_key FROM monitors WHERE guild_id = $1 AND kind = $2 AND name_key IS NOT NULL",
    )
    .bind(row.guild_id)
    .bind(&row.kind)
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(keys.iter().map(|key| NameKey::of(key)).collect())
}

async fn save_keys(tx: &mut Tx<'_>, kept: &[KeyedRow]) -> Result<(), StoreError> {
    let places = placeholders(kept.len(), 2);
    let sql = format!(
        "WITH keyed (id, name_key) AS (VALUES {places})
         UPDATE monitors SET name_key = keyed.name_key FROM keyed WHERE monitors.id = keyed.id"
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for keyed in kept {
        query = query.bind(keyed.id).bind(keyed.key.as_str());
    }
    query.execute(&mut *tx.connection).await?;
    Ok(())
}

async fn save_names(tx: &mut Tx<'_>, renamed: &[KeyedRow]) -> Result<(), StoreError> {
    let places = placeholders(renamed.len(), 3);
    let sql = format!(
        "WITH keyed (id, name_key, name) AS (VALUES {places})
         UPDATE monitors SET name_key = keyed.name_key, name = keyed.name FROM keyed WHERE monitors.id = keyed.id"
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for keyed in renamed {
        query = query.bind(keyed.id).bind(keyed.key.as_str());
        query = query.bind(keyed.new_name.as_deref());
    }
    query.execute(&mut *tx.connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::discord_id::GuildId;
    use crate::store::Store;
    use crate::store::servers::server;
    use crate::store::testing::TestStore;

    /// Rows as an older version left them, in the order of their ids.
    const OLD: &str = "
        INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at) VALUES
            (1, 1, 'endpoint', 'shop', 'online', 1, 1),
            (2, 1, 'endpoint', 'SHOP', 'online', 1, 1),
            (3, 1, 'endpoint', 'shop (2)', 'online', 1, 1),
            (4, 1, 'device', 'Zürich', 'online', 1, 1),
            (5, 1, 'device', 'zu\u{308}rich', 'online', 1, 1),
            (6, 1, 'device', 'shop', 'online', 1, 1),
            (7, 1, 'server', printf('%064d', 0), 'online', 1, 1),
            (8, 1, 'server', printf('%064d', 0), 'online', 1, 1),
            (9, 0, 'endpoint', 'shop', 'online', 1, 1),
            (10, 2, 'endpoint', 'shop', 'online', 1, 1),
            (11, 1, 'server', x'ff', 'online', 1, 1),
            (12, 1, 'endpoint', 'shop', 'online', 1, 1),
            (13, 1, 'endpoint', 'removed', 'online', 1, 1),
            (14, 1, 'endpoint', 'removed', 'online', 1, 1);
        DELETE FROM monitors WHERE id = 13;";

    async fn renamed(store: &TestStore) -> Vec<(i64, String)> {
        store
            .rows("SELECT id, name FROM monitors WHERE name LIKE '% (%' ORDER BY id")
            .await
    }

    #[tokio::test]
    async fn names_of_an_older_database_become_unique_when_it_is_opened() {
        let store = TestStore::open().await;
        store.execute_all(OLD).await;
        for _ in 0..2 {
            Store::open(&store.url()).await.unwrap().close().await;
            let cut = format!("{} (2)", "0".repeat(60));
            let expected = [
                (2, "SHOP (3)"),
                (3, "shop (2)"),
                (5, "zu\u{308}rich (2)"),
                (8, &cut),
                (12, "shop (4)"),
            ];
            let expected = expected.map(|(id, name)| (id, name.to_owned()));
            assert_eq!(renamed(&store).await, expected);
            let without_key: Vec<(i64,)> = store
                .rows("SELECT id FROM monitors WHERE name_key IS NULL")
                .await;
            assert_eq!(without_key, [(11,)], "its name cannot be read");
        }
    }

    #[tokio::test]
    async fn a_name_without_a_key_is_compared_with_those_that_have_one() {
        let store = TestStore::open().await;
        store
            .write(|tx| {
                Box::pin(async move {
                    server::insert(tx, GuildId(1), "Db", Timestamp::from_millis(1)).await
                })
            })
            .await;
        store
            .execute(
                "INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
                 VALUES (100, 1, 'server', 'db', 'online', 1, 1)",
            )
            .await;
        let count = store.write(|tx| Box::pin(fill_keys(tx))).await;
        assert_eq!(count, 1);
        assert_eq!(renamed(&store).await, [(100, "db (2)".to_owned())]);
    }

    #[tokio::test]
    async fn the_database_refuses_a_name_twice() {
        let store = TestStore::open().await;
        let insert = || {
            store.writer.transact::<_, StoreError>(|tx| {
                Box::pin(async move {
                    server::insert(tx, GuildId(1), "db", Timestamp::from_millis(1)).await
                })
            })
        };
        assert!(insert().await.is_ok());
        assert!(matches!(insert().await, Err(StoreError::Sql(_))));
    }
}
