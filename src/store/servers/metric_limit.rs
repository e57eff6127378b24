//! The limits on what servers report, and what the reports so far have shown of each.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::discord_id::GuildId;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::servers::metric_limit::{Condition, LimitId, LimitProgress, MetricLimit};
use crate::domain::{Timestamp, millis};
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Reader, StoreError, Tx};

/// A limit as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredLimit {
    pub id: LimitId,
    pub limit: MetricLimit,
    pub progress: LimitProgress,
}

/// The limits of a server of a guild, by metric.
pub async fn list(
    reader: &Reader,
    guild: GuildId,
    server: MonitorId,
) -> Result<Vec<StoredLimit>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM server_limits WHERE monitor_id = $1 AND guild_id = $2 ORDER BY metric, condition",
    )
    .bind(server.0)
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    reader
        .unreadable
        .skip(StoredTable::ServerLimits, &rows, read)
}

/// The limits of a server, by metric, read inside a transaction. Those that cannot be read are omitted: they are logged when they
/// are listed, and keep no report from being stored.
pub async fn of(tx: &mut Tx<'_>, server: MonitorId) -> Result<Vec<StoredLimit>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM server_limits WHERE monitor_id = $1 ORDER BY metric, condition")
            .bind(server.0)
            .fetch_all(&mut *tx.connection)
            .await?;
    Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
}

/// Adds a limit to a server. The caller makes sure that the server has none with this metric and kind of condition.
pub async fn insert(
    tx: &mut Tx<'_>,
    server: MonitorRef,
    limit: &MetricLimit,
    now: Timestamp,
) -> Result<LimitId, StoreError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO server_limits (monitor_id, guild_id, metric, condition, bound, hold_ms, severity, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
    )
    .bind(server.id.0)
    .bind(server.guild.to_row())
    .bind(limit.metric.as_str())
    .bind(limit.condition.kind().as_str())
    .bind(limit.condition.bound())
    .bind(millis(limit.hold))
    .bind(limit.severity.as_str())
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(LimitId(id))
}

/// Removes a limit.
pub async fn remove(tx: &mut Tx<'_>, id: LimitId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM server_limits WHERE id = $1")
        .bind(id.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Saves what a report has shown of a limit.
pub async fn set_progress(
    tx: &mut Tx<'_>,
    id: LimitId,
    progress: &LimitProgress,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE server_limits SET beyond_since = $2, exceeded_reason = $3, last_value = $4 WHERE id = $1",
    )
    .bind(id.0)
    .bind(progress.beyond_since.map(Timestamp::millis))
    .bind(progress.exceeded.as_deref())
    .bind(progress.last_value)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Forgets what the reports have shown, because reports are no longer expected.
pub async fn start_over(tx: &mut Tx<'_>, server: MonitorId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE server_limits SET beyond_since = NULL, exceeded_reason = NULL, last_value = NULL WHERE monitor_id = $1",
    )
    .bind(server.0)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<StoredLimit, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the {what} of a server's limit"));
    let word = |name: &str| row.try_get::<String, _>(name);
    let condition = word("condition")?
        .parse()
        .map_err(|_| damaged("condition"))?;
    let hold: i64 = row.try_get("hold_ms")?;
    let beyond: Option<i64> = row.try_get("beyond_since")?;
    Ok(StoredLimit {
        id: LimitId(row.try_get("id")?),
        limit: MetricLimit {
            metric: word("metric")?.parse().map_err(|_| damaged("metric"))?,
            condition: Condition::new(condition, row.try_get("bound")?)
                .map_err(|_| damaged("bound"))?,
            hold: Duration::from_millis(hold.unsigned_abs()),
            severity: word("severity")?.parse().map_err(|_| damaged("severity"))?,
        },
        progress: LimitProgress {
            beyond_since: beyond.map(Timestamp::from_millis),
            exceeded: row.try_get("exceeded_reason")?,
            last_value: row.try_get("last_value")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::servers::metric_limit::Severity;
    use crate::store::servers::server;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_limit_and_its_progress_are_stored_and_forgotten() {
        let store = TestStore::open().await;
        let at = Timestamp::from_millis(1_769_860_800_000);
        let limit = MetricLimit {
            metric: "disk".parse().unwrap(),
            condition: Condition::Above(90.5),
            hold: Duration::from_secs(90),
            severity: Severity::Outage,
        };
        let progress = LimitProgress {
            beyond_since: Some(at),
            exceeded: Some("disk is full".into()),
            last_value: Some(-1.5),
        };
        let (wanted, shown) = (limit.clone(), progress.clone());
        let server = store
            .write(move |tx| {
                Box::pin(async move {
                    let id = server::insert(tx, GuildId(1), "db-1", at).await?;
                    let server = MonitorRef {
                        guild: GuildId(1),
                        id,
                    };
                    let limit = insert(tx, server, &wanted, at).await?;
                    set_progress(tx, limit, &shown).await?;
                    Ok(id)
                })
            })
            .await;
        let found = list(&store.reader, GuildId(1), server).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0].limit, &found[0].progress), (&limit, &progress));
        let other = list(&store.reader, GuildId(2), server).await.unwrap();
        assert_eq!(other, []);
        let state = |server: Option<server::Server>| server.unwrap().exceeded;
        let stored = server::get(&store.reader, GuildId(1), server).await;
        assert_eq!(state(stored.unwrap()), Some(Severity::Outage));
        store
            .write(move |tx| Box::pin(async move { start_over(tx, server).await }))
            .await;
        let found = list(&store.reader, GuildId(1), server).await.unwrap();
        assert_eq!(found[0].progress, LimitProgress::default());
        let stored = server::get(&store.reader, GuildId(1), server).await;
        assert_eq!(state(stored.unwrap()), None);
    }
}
