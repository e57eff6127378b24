//! What each guild has stored, and its bounds: no guild fills the disk of all. While rows are written, the oldest rows of the
//! guild are deleted beyond a bound. Triggers count rows and bytes.
//!
//! What people did is never deleted because of a bound, and neither are open outages and incidents.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::EventKind;
use crate::domain::notifications::storage_limit::{Bound, UsageKind};
use crate::store::engine::rows::placeholders;
use crate::store::engine::watched::WatchedPool;
use crate::store::{Effect, StoreError, Tx};

/// Rows that are deleted together, in a few milliseconds.
const PIECE: u32 = 500;

/// Pieces that are deleted for one write; the next writes delete more.
const PIECES: usize = 4;

/// What a guild has stored of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    rows: u64,
    bytes: u64,
}

impl Usage {
    const fn exceeds(self, bound: Bound) -> bool {
        self.rows > bound.rows || self.bytes > bound.bytes
    }
}

/// Keeps a guild within a bound after it has written rows of this kind: deletes the oldest ones.
pub(in crate::store) async fn enforce(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: UsageKind,
) -> Result<(), StoreError> {
    keep_within(tx, guild, kind, kind.bound()).await
}

async fn keep_within(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: UsageKind,
    bound: Bound,
) -> Result<(), StoreError> {
    let mut deleted = 0;
    for _ in 0..PIECES {
        if !usage(tx, guild, kind).await?.exceeds(bound) {
            break;
        }
        let piece = delete_oldest(tx, guild, kind).await?;
        deleted += piece;
        if piece == 0 {
            break;
        }
    }
    if deleted > 0 {
        record_deleted(tx, guild, kind, deleted).await?;
    }
    Ok(())
}

async fn usage(tx: &mut Tx<'_>, guild: GuildId, kind: UsageKind) -> Result<Usage, StoreError> {
    let found: Option<(i64, i64)> = sqlx::query_as(
        "SELECT stored_rows, stored_bytes FROM guild_usage WHERE guild_id = $1 AND kind = $2",
    )
    .bind(guild.to_row())
    .bind(kind.as_str())
    .fetch_optional(&mut *tx.connection)
    .await?;
    let (rows, bytes) = found.unwrap_or_default();
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Usage {
        rows: count(rows),
        bytes: count(bytes),
    })
}

/// Deletes the oldest rows of a guild that may be deleted; returns how many.
async fn delete_oldest(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: UsageKind,
) -> Result<u64, StoreError> {
    let table = kind.as_str();
    let statuses = EventKind::STATUSES;
    let condition = match kind {
        UsageKind::Samples | UsageKind::DeviceLogs => String::new(),
        UsageKind::Events => format!(" AND kind IN {}", placeholders(1, statuses.len())),
        UsageKind::Outages | UsageKind::Incidents => " AND ended_at IS NOT NULL".to_owned(),
    };
    let sql = format!(
        "DELETE FROM {table} WHERE id IN
         (SELECT id FROM {table} WHERE guild_id = {} {condition} ORDER BY id LIMIT {PIECE})",
        guild.to_row(),
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    if kind == UsageKind::Events {
        for status in statuses {
            query = query.bind(status.as_str());
        }
    }
    let deleted = query.execute(&mut *tx.connection).await?;
    Ok(deleted.rows_affected())
}

async fn record_deleted(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: UsageKind,
    deleted: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE guild_usage SET deleted_rows = deleted_rows + $3 WHERE guild_id = $1 AND kind = $2",
    )
    .bind(guild.to_row())
    .bind(kind.as_str())
    .bind(i64::try_from(deleted).unwrap_or(i64::MAX))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The guilds with rows that were deleted because of a bound, and the kinds of which that was not announced yet.
pub(in crate::store) async fn unannounced(
    pool: &WatchedPool,
) -> Result<Vec<(GuildId, UsageKind)>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT guild_id, kind FROM guild_usage WHERE deleted_rows > 0 AND announced_at IS NULL
             AND guild_id NOT IN (SELECT guild_id FROM left_guilds) ORDER BY guild_id, kind",
    )
    .fetch_all(pool)
    .await?;
    let read = |(guild, kind): (i64, String)| {
        let damaged = |_| StoreError::Damaged(format!("the kind {kind} of what a guild stores"));
        Ok((GuildId::from_row(guild), kind.parse().map_err(damaged)?))
    };
    rows.into_iter().map(read).collect()
}

/// Records that a bound was announced; `Nothing` if it was before.
pub async fn mark_announced(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: UsageKind,
    now: Timestamp,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE guild_usage SET announced_at = $3 WHERE guild_id = $1 AND kind = $2 AND announced_at IS NULL",
    )
    .bind(guild.to_row())
    .bind(kind.as_str())
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// Number of rows of each kind that were deleted because of a bound, in all guilds.
pub(in crate::store) async fn deleted_rows(
    pool: &WatchedPool,
) -> Result<Vec<(UsageKind, u64)>, StoreError> {
    let mut all = Vec::new();
    for &kind in UsageKind::ALL {
        let deleted: i64 = sqlx::query_scalar(
            "SELECT COALESCE(SUM(deleted_rows), 0) FROM guild_usage WHERE kind = $1",
        )
        .bind(kind.as_str())
        .fetch_one(pool)
        .await?;
        all.push((kind, deleted.unsigned_abs()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::monitor::MonitorId;
    use crate::store::servers::server;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);
    const FOREIGN: GuildId = GuildId(2);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    async fn server_of(store: &TestStore, guild: GuildId) -> MonitorId {
        store
            .write(move |tx| Box::pin(async move { server::insert(tx, guild, "db", at(0)).await }))
            .await
    }

    /// Stores samples of a server, each with this text.
    async fn report(store: &TestStore, id: MonitorId, count: i64, stats: &'static str) {
        store
            .write(move |tx| {
                Box::pin(async move {
                    for second in 0..count {
                        server::keep_sample(tx, id, at(second), stats).await?;
                    }
                    Ok(())
                })
            })
            .await;
    }

    async fn within(store: &TestStore, guild: GuildId, kind: UsageKind, bound: Bound) {
        store
            .write(move |tx| Box::pin(async move { keep_within(tx, guild, kind, bound).await }))
            .await;
    }

    async fn usage_of(store: &TestStore, guild: GuildId, kind: UsageKind) -> (u64, u64) {
        let usage = store
            .write(move |tx| Box::pin(async move { usage(tx, guild, kind).await }))
            .await;
        (usage.rows, usage.bytes)
    }

    #[tokio::test]
    async fn rows_and_bytes_are_counted_for_each_guild() {
        let store = TestStore::open().await;
        let (ours, theirs) = (
            server_of(&store, HOME).await,
            server_of(&store, FOREIGN).await,
        );
        report(&store, ours, 3, r#"{"cpu":1}"#).await;
        report(&store, theirs, 1, r#"{"name":"ä"}"#).await;
        assert_eq!(usage_of(&store, HOME, UsageKind::Samples).await, (3, 27));
        assert_eq!(usage_of(&store, FOREIGN, UsageKind::Samples).await, (1, 13));
        store.execute("DELETE FROM samples WHERE at = 2000").await;
        assert_eq!(usage_of(&store, HOME, UsageKind::Samples).await, (2, 18));
        store.execute("DELETE FROM samples").await;
        assert_eq!(usage_of(&store, HOME, UsageKind::Samples).await, (0, 0));
    }

    #[tokio::test]
    async fn the_oldest_rows_of_the_guild_are_deleted_beyond_a_bound() {
        for (rows, bytes, is_deleted) in [
            (600, 6_000, false),
            (599, 6_000, true),
            (600, 5_399, true),
            (601, 5_401, false),
        ] {
            let store = TestStore::open().await;
            let (ours, theirs) = (
                server_of(&store, HOME).await,
                server_of(&store, FOREIGN).await,
            );
            report(&store, theirs, 700, "{}").await;
            report(&store, ours, 600, r#"{"cpu":1}"#).await;
            within(&store, HOME, UsageKind::Samples, Bound { rows, bytes }).await;
            let left: Vec<(i64, i64)> = store
                .rows("SELECT COUNT(*), MIN(at) FROM samples WHERE guild_id = 1")
                .await;
            let expected = if is_deleted { (100, 500_000) } else { (600, 0) };
            assert_eq!(left, [expected], "{rows} {bytes}");
            assert_eq!(usage_of(&store, FOREIGN, UsageKind::Samples).await.0, 700);
            let deleted = deleted_rows(&store.reader.pool).await.unwrap();
            let count = if is_deleted { 500 } else { 0 };
            assert_eq!(deleted.first(), Some(&(UsageKind::Samples, count)));
        }
    }

    #[tokio::test]
    async fn records_of_people_stay() {
        let store = TestStore::open().await;
        store
            .execute(
                "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1200)
                 INSERT INTO events (guild_id, monitor_id, kind, at, noticed_at, actor, details)
                 SELECT 1, 1, CASE WHEN n % 2 = 0 THEN 'endpoint_edited' ELSE 'endpoint_up' END, n, n, 'system', '{}'
                 FROM number",
            )
            .await;
        let none = Bound { rows: 0, bytes: 0 };
        within(&store, HOME, UsageKind::Events, none).await;
        let kinds: Vec<(String, i64)> = store
            .rows("SELECT kind, COUNT(*) FROM events GROUP BY kind ORDER BY kind")
            .await;
        assert_eq!(kinds, [("endpoint_edited".to_owned(), 600)]);
    }

    #[tokio::test]
    async fn open_outages_and_incidents_stay() {
        let store = TestStore::open().await;
        store
            .execute(
                "INSERT INTO outages (guild_id, monitor_id, started_at, ended_at, reason) VALUES
                     (1, 1, 1, 2, 'timed_out'), (1, 1, 3, NULL, 'timed_out')",
            )
            .await;
        store
            .execute(
                "INSERT INTO incidents (guild_id, scope, opened_at, created_at, joined_at, ended_at) VALUES
                     (1, '', 1, 1, 1, 2), (1, '', 3, 3, 3, NULL)",
            )
            .await;
        let none = Bound { rows: 0, bytes: 0 };
        for kind in [UsageKind::Outages, UsageKind::Incidents] {
            within(&store, HOME, kind, none).await;
            assert_eq!(usage_of(&store, HOME, kind).await.0, 1, "{kind:?}");
        }
    }
}
