//! Incidents: from the moment an endpoint stopped being online until it is back. At most one is open per monitor.

use super::rows::{pieces, placeholders};
use super::{StoreError, Tx};
use crate::domain::Instant;
use crate::domain::monitor::{GuildId, MonitorId};

/// Opens an incident, dated at the first failure. One that is open already stays as it is.
pub async fn open(
    tx: &mut Tx<'_>,
    guild: GuildId,
    monitor: MonitorId,
    started_at: Instant,
    reason: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO incidents (guild_id, monitor_id, started_at, reason) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(guild.to_row())
    .bind(monitor.0)
    .bind(started_at.millis())
    .bind(reason)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Opens an incident for each of these (guild, monitor, beginning), all for one reason.
pub async fn open_all(
    tx: &mut Tx<'_>,
    monitors: &[(GuildId, MonitorId, Instant)],
    reason: &str,
) -> Result<(), StoreError> {
    for piece in pieces(monitors) {
        let places = placeholders(piece.len(), 4);
        let sql = format!(
            "INSERT INTO incidents (guild_id, monitor_id, started_at, reason) VALUES {places} ON CONFLICT DO NOTHING"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (guild, monitor, started_at) in piece {
            query = query
                .bind(guild.to_row())
                .bind(monitor.0)
                .bind(started_at.millis())
                .bind(reason);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Ends the open incident of a monitor, if there is one.
pub async fn close(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    ended_at: Instant,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE incidents SET ended_at = $2 WHERE monitor_id = $1 AND ended_at IS NULL")
        .bind(monitor.0)
        .bind(ended_at.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Deletes up to `limit` incidents that ended before an instant; says how many went.
pub async fn prune(tx: &mut Tx<'_>, before: Instant, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM incidents WHERE id IN
         (SELECT id FROM incidents WHERE ended_at < $1 AND id < (SELECT MIN(id) FROM incidents) + $2)",
    )
    .bind(before.millis())
    .bind(i64::from(limit))
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn at_most_one_is_open_and_it_keeps_its_beginning() {
        let store = TestStore::open().await;
        let at = Instant::from_millis;
        store
            .write(move |tx| {
                Box::pin(async move {
                    open(tx, GuildId(1), MonitorId(1), at(10), "refused").await?;
                    open(tx, GuildId(1), MonitorId(1), at(20), "timed_out").await?;
                    close(tx, MonitorId(1), at(30)).await?;
                    open(tx, GuildId(1), MonitorId(1), at(40), "timed_out").await
                })
            })
            .await;
        let rows: Vec<(i64, i64)> = store
            .rows("SELECT started_at, COALESCE(ended_at, 0) FROM incidents ORDER BY id")
            .await;
        assert_eq!(rows, [(10, 30), (40, 0)]);
    }
}
