//! What is known of monitors that were removed: their history is kept.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::store::{Reader, StoreError, Tx};

/// Keeps what lists of the history show of a monitor, before it is removed.
pub async fn keep(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    removed_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO removed_monitors (id, guild_id, kind, name, group_name, created_at, removed_at)
         SELECT id, guild_id, kind, name, group_name, created_at, $2 FROM monitors WHERE id = $1",
    )
    .bind(monitor.0)
    .bind(removed_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Monitors that a guild has removed, by name in any case or by id (`7` or `#7`).
pub async fn named(
    reader: &Reader,
    guild: GuildId,
    text: &str,
) -> Result<Vec<MonitorId>, StoreError> {
    let id: Option<i64> = text.trim_start_matches('#').parse().ok();
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM removed_monitors WHERE guild_id = $1 AND (id = $2 OR LOWER(name) = LOWER($3)) ORDER BY id",
    )
    .bind(guild.to_row())
    .bind(id)
    .bind(text)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// Deletes the history of one monitor: one that was removed before the given time, or the first one that a guild with more than
/// `most` has removed. Returns how many rows were deleted.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, most: u32) -> Result<u64, StoreError> {
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM removed_monitors WHERE removed_at < $1 ORDER BY removed_at LIMIT 1",
    )
    .bind(before.millis())
    .fetch_optional(&mut *tx.connection)
    .await?;
    let id = match id {
        Some(id) => Some(id),
        None => sqlx::query_scalar(
            "SELECT id FROM removed_monitors WHERE guild_id =
                 (SELECT guild_id FROM removed_monitors GROUP BY guild_id HAVING COUNT(*) > $1 LIMIT 1)
             ORDER BY removed_at, id LIMIT 1",
        )
        .bind(most)
        .fetch_optional(&mut *tx.connection)
        .await?,
    };
    match id {
        Some(id) => forget(tx, id).await,
        None => Ok(0),
    }
}

/// Deletes the history of a removed monitor of a guild; returns how many rows were deleted, 0 if there is no further one.
pub(in crate::store) async fn forget_next(
    tx: &mut Tx<'_>,
    guild: GuildId,
) -> Result<u64, StoreError> {
    let id: Option<i64> =
        sqlx::query_scalar("SELECT id FROM removed_monitors WHERE guild_id = $1 LIMIT 1")
            .bind(guild.to_row())
            .fetch_optional(&mut *tx.connection)
            .await?;
    match id {
        Some(id) => forget(tx, id).await,
        None => Ok(0),
    }
}

/// Everything that is known of a monitor that was removed, itself last. A monitor has some ten thousand rows at most.
const TABLES: [&str; 14] = [
    "DELETE FROM status_spans WHERE monitor_id = $1",
    "DELETE FROM span_limits WHERE monitor_id = $1",
    "DELETE FROM maintenance_spans WHERE monitor_id = $1",
    "DELETE FROM daily_stats WHERE monitor_id = $1",
    "DELETE FROM latency_sketches WHERE monitor_id = $1",
    "DELETE FROM check_archive WHERE monitor_id = $1",
    "DELETE FROM check_archive_pieces WHERE monitor_id = $1",
    "DELETE FROM packed_monitors WHERE monitor_id = $1",
    "DELETE FROM hourly_metrics WHERE monitor_id = $1",
    "DELETE FROM daily_metrics WHERE monitor_id = $1",
    "DELETE FROM report_times WHERE monitor_id = $1",
    "DELETE FROM rolled_up_servers WHERE monitor_id = $1",
    "DELETE FROM outages WHERE monitor_id = $1",
    "DELETE FROM removed_monitors WHERE id = $1",
];

async fn forget(tx: &mut Tx<'_>, id: i64) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for sql in TABLES {
        let rows = sqlx::query(sql)
            .bind(id)
            .execute(&mut *tx.connection)
            .await?;
        deleted += rows.rows_affected();
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_guild_keeps_the_monitors_that_it_removed_last() {
        let store = TestStore::open().await;
        store
            .execute_all(
                "INSERT INTO removed_monitors (id, guild_id, kind, name, created_at, removed_at) VALUES
                     (1, 1, 'device', 'a', 0, 60), (2, 1, 'device', 'b', 0, 50), (3, 1, 'device', 'c', 0, 70),
                     (4, 2, 'device', 'd', 0, 40), (5, 2, 'device', 'e', 0, 55);
                 INSERT INTO status_spans (monitor_id, began_at, status) VALUES (2, 0, 1), (2, 50, 5), (5, 0, 1);
                 INSERT INTO hourly_metrics (monitor_id, block, metrics) VALUES (2, 1, X'01'), (5, 1, X'01');
                 INSERT INTO daily_metrics (monitor_id, block, metrics) VALUES (2, 1, X'01'), (5, 1, X'01');
                 INSERT INTO report_times (monitor_id, hour, times) VALUES (2, 1, X'01'), (5, 1, X'01');
                 INSERT INTO rolled_up_servers (monitor_id, hour) VALUES (2, 1), (5, 1);",
            )
            .await;
        let at = Timestamp::from_millis;
        let mut deleted = Vec::new();
        for before in [40, 40, 41, 41] {
            deleted.push(
                store
                    .write(move |tx| Box::pin(prune(tx, at(before), 2)))
                    .await,
            );
        }
        // The first one of the guild that has more than two, with two spans and four rows of a
        // server; then the one that is too old.
        assert_eq!(deleted, [7, 0, 1, 0]);
        let left: Vec<(i64,)> = store
            .rows("SELECT id FROM removed_monitors ORDER BY id")
            .await;
        assert_eq!(left, [(1,), (3,), (5,)]);
        let spans: Vec<(i64,)> = store.rows("SELECT monitor_id FROM status_spans").await;
        assert_eq!(spans, [(5,)]);
        let metrics: Vec<(i64,)> = store
            .rows(
                "SELECT monitor_id FROM hourly_metrics UNION ALL SELECT monitor_id FROM daily_metrics
                 UNION ALL SELECT monitor_id FROM report_times UNION ALL SELECT monitor_id FROM rolled_up_servers",
            )
            .await;
        assert_eq!(metrics, [(5,); 4]);
    }
}
