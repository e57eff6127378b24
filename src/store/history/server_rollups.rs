//! What is kept of the reports of servers: summaries of hours and days in blocks, when the reports came, and how far that is done.

use std::collections::{HashMap, HashSet};

use crate::domain::Timestamp;
use crate::domain::history::server_rollup::{RollupBlock, RollupStep, report_times};
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::servers::server;
use crate::store::{Reader, StoreError, Tx};

/// A block of summaries as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    pub step: RollupStep,
    pub block: i64,
    pub metrics: Vec<u8>,
}

/// What was made of some hours of a server, which are one transaction with how far that is.
#[derive(Clone, Debug)]
pub struct RolledUp {
    pub monitor: MonitorId,
    /// How far it was before; `None`: nothing was done.
    pub before: Option<i64>,
    /// The first hour that is not done yet.
    pub hour: i64,
    pub blocks: Vec<StoredBlock>,
    /// By hour.
    pub times: Vec<(i64, Vec<u8>)>,
}

/// The table of a step.
const fn table(step: RollupStep) -> &'static str {
    match step {
        RollupStep::Hour => "hourly_metrics",
        RollupStep::Day => "daily_metrics",
    }
}

/// Up to `limit` servers of all guilds after one, in order.
pub async fn servers(
    reader: &Reader,
    after: MonitorId,
    limit: u32,
) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM server_details WHERE monitor_id > $1 ORDER BY monitor_id LIMIT $2",
    )
    .bind(after.0)
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// The first hour of each of these servers that is not done yet. One of which nothing was done is omitted.
pub async fn progress(
    reader: &Reader,
    servers: &[MonitorId],
) -> Result<HashMap<MonitorId, i64>, StoreError> {
    let mut found = HashMap::new();
    for piece in pieces(servers) {
        let sql = format!(
            "SELECT monitor_id, hour FROM rolled_up_servers WHERE monitor_id IN {}",
            placeholders(1, piece.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for server in piece {
            query = query.bind(server.0);
        }
        let rows: Vec<(i64, i64)> = query.fetch_all(&reader.pool).await?;
        found.extend(rows.into_iter().map(|(id, hour)| (MonitorId(id), hour)));
    }
    Ok(found)
}

/// The time of the first sample of a server from a moment on.
pub async fn next_sample(
    reader: &Reader,
    server: MonitorId,
    from: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> =
        sqlx::query_scalar("SELECT MIN(at) FROM samples WHERE monitor_id = $1 AND at >= $2")
            .bind(server.0)
            .bind(from.millis())
            .fetch_one(&reader.pool)
            .await?;
    Ok(at.map(Timestamp::from_millis))
}

/// The number of samples of a server from one time to before another.
pub async fn sample_count(
    reader: &Reader,
    server: MonitorId,
    from: Timestamp,
    to: Timestamp,
) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM samples WHERE monitor_id = $1 AND at >= $2 AND at < $3",
    )
    .bind(server.0)
    .bind(from.millis())
    .bind(to.millis())
    .fetch_one(&reader.pool)
    .await?;
    Ok(count.unsigned_abs())
}

/// The block of a server; empty without one. One that cannot be read is logged, and counts as empty: its hours may be stored again.
pub async fn block(
    reader: &Reader,
    server: MonitorId,
    step: RollupStep,
    block: i64,
) -> Result<RollupBlock, StoreError> {
    let found = blocks(
        reader,
        server,
        step,
        BlockRange {
            first: block,
            last: block,
        },
    )
    .await?;
    Ok(found
        .into_iter()
        .next()
        .map(|(_, block)| block)
        .unwrap_or_default())
}

/// The first and the last of some blocks or hours, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRange {
    pub first: i64,
    pub last: i64,
}

/// The blocks of a server in a range, in order. One that cannot be read is logged and omitted.
pub async fn blocks(
    reader: &Reader,
    server: MonitorId,
    step: RollupStep,
    range: BlockRange,
) -> Result<Vec<(i64, RollupBlock)>, StoreError> {
    let sql = format!(
        "SELECT block, metrics FROM {} WHERE monitor_id = $1 AND block BETWEEN $2 AND $3 ORDER BY block",
        table(step)
    );
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(server.0)
        .bind(range.first)
        .bind(range.last)
        .fetch_all(&reader.pool)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for (block, bytes) in rows {
        match RollupBlock::decode(&bytes) {
            Ok(read) => found.push((block, read)),
            Err(error) => {
                tracing::error!(monitor = server.0, table = table(step), block, %error, "metrics cannot be read");
            }
        }
    }
    Ok(found)
}

/// The first block of a server; `None` without blocks.
pub async fn first_block(
    reader: &Reader,
    server: MonitorId,
    step: RollupStep,
) -> Result<Option<i64>, StoreError> {
    let sql = format!(
        "SELECT MIN(block) FROM {} WHERE monitor_id = $1",
        table(step)
    );
    let first = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(server.0)
        .fetch_one(&reader.pool)
        .await?;
    Ok(first)
}

/// Writes what was made of hours, and how far that is now. Nothing is written of servers that were removed meanwhile. If a server is
/// no longer where it was before, because the clock was set back, it stays there, and these hours are done again.
pub async fn save(tx: &mut Tx<'_>, all: &[RolledUp]) -> Result<(), StoreError> {
    let known = existing(tx, all).await?;
    let known: Vec<&RolledUp> = all
        .iter()
        .filter(|one| known.contains(&one.monitor))
        .collect();
    for one in known {
        for block in &one.blocks {
            let sql = format!(
                "INSERT INTO {} (monitor_id, block, metrics) VALUES ($1, $2, $3)
                 ON CONFLICT (monitor_id, block) DO UPDATE SET metrics = excluded.metrics",
                table(block.step)
            );
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(one.monitor.0)
                .bind(block.block)
                .bind(&block.metrics)
                .execute(&mut *tx.connection)
                .await?;
        }
        save_times(tx, one).await?;
        sqlx::query(
            "INSERT INTO rolled_up_servers (monitor_id, hour) VALUES ($1, $2)
             ON CONFLICT (monitor_id) DO UPDATE SET hour = excluded.hour WHERE rolled_up_servers.hour = $3",
        )
        .bind(one.monitor.0)
        .bind(one.hour)
        .bind(one.before)
        .execute(&mut *tx.connection)
        .await?;
    }
    Ok(())
}

async fn existing(tx: &mut Tx<'_>, all: &[RolledUp]) -> Result<HashSet<MonitorId>, StoreError> {
    let mut known = HashSet::new();
    for piece in pieces(all) {
        let sql = format!(
            "SELECT id FROM monitors WHERE id IN {}",
            placeholders(1, piece.len())
        );
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
        for one in piece {
            query = query.bind(one.monitor.0);
        }
        let rows: Vec<i64> = query.fetch_all(&mut *tx.connection).await?;
        known.extend(rows.into_iter().map(MonitorId));
    }
    Ok(known)
}

async fn save_times(tx: &mut Tx<'_>, one: &RolledUp) -> Result<(), StoreError> {
    for piece in pieces(&one.times) {
        let sql = format!(
            "INSERT INTO report_times (monitor_id, hour, times) VALUES {}
             ON CONFLICT (monitor_id, hour) DO UPDATE SET times = excluded.times",
            placeholders(piece.len(), 3)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (hour, times) in piece {
            query = query.bind(one.monitor.0).bind(hour).bind(times);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Times of a server's reports between two times, both included, in order: of the hours that are done, and of the samples since then.
pub async fn report_times(
    reader: &Reader,
    server: MonitorId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Timestamp>, StoreError> {
    let progress = progress(reader, &[server]).await?.remove(&server);
    let mut times = match progress {
        Some(hour) => {
            let hours = BlockRange {
                first: RollupStep::Hour.of(from),
                last: hour - 1,
            };
            packed_times(reader, server, hours).await?
        }
        None => Vec::new(),
    };
    let since = progress.map_or(from, |hour| RollupStep::Hour.starts_at(hour).max(from));
    times.retain(|at| from <= *at && *at <= to);
    times.extend(server::report_times(reader, server, since, to).await?);
    Ok(times)
}

/// Of the hours of a range. Those that cannot be read are logged and omitted.
async fn packed_times(
    reader: &Reader,
    server: MonitorId,
    hours: BlockRange,
) -> Result<Vec<Timestamp>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT hour, times FROM report_times WHERE monitor_id = $1 AND hour BETWEEN $2 AND $3 ORDER BY hour",
    )
    .bind(server.0)
    .bind(hours.first)
    .bind(hours.last)
    .fetch_all(&reader.pool)
    .await?;
    let mut times = Vec::new();
    for (hour, bytes) in rows {
        match report_times::decode(RollupStep::Hour.starts_at(hour), &bytes) {
            Some(of_hour) => times.extend(of_hour),
            None => {
                tracing::error!(monitor = server.0, hour, "times of reports cannot be read");
            }
        }
    }
    Ok(times)
}

/// Deletes up to `limit` blocks of a step that end before an hour or a day; returns how many.
pub async fn prune(
    tx: &mut Tx<'_>,
    step: RollupStep,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let table = table(step);
    let sql = format!(
        "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE block < $1 ORDER BY block LIMIT $2)"
    );
    let deleted = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(step.block(step.of(before)))
        .bind(limit)
        .execute(&mut *tx.connection)
        .await?;
    Ok(deleted.rows_affected())
}

/// Deletes up to `limit` hours of times of reports that end before a moment; returns how many.
pub async fn prune_times(
    tx: &mut Tx<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM report_times WHERE (monitor_id, hour) IN
             (SELECT monitor_id, hour FROM report_times WHERE hour < $1 ORDER BY hour LIMIT $2)",
    )
    .bind(RollupStep::Hour.of(before))
    .bind(limit)
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::server_rollup::ReportSummary;
    use crate::store::testing::TestStore;

    fn at(step: RollupStep, number: i64) -> Timestamp {
        step.starts_at(number)
    }

    #[tokio::test]
    async fn what_ended_before_it_is_to_be_kept_is_deleted_in_batches() {
        let store = TestStore::open().await;
        store
            .execute_all(
                "INSERT INTO hourly_metrics (monitor_id, block, metrics) VALUES (1, 7, X''), (2, 7, X''), (1, 8, X''), (1, 9, X'');
                 INSERT INTO daily_metrics (monitor_id, block, metrics) VALUES (1, 7, X''), (1, 8, X'');
                 INSERT INTO report_times (monitor_id, hour, times) VALUES (1, 7, X''), (2, 7, X''), (1, 8, X'');",
            )
            .await;
        let hours = RollupStep::Hour;
        let days = RollupStep::Day;
        // A block is kept as long as its last hour or day.
        for (step, before, deleted) in [
            (hours, at(hours, 9 * 24 - 1), [2, 0]),
            (hours, at(hours, 9 * 24), [1, 0]),
            (days, at(days, 8 * 32 - 1), [0, 0]),
            (days, at(days, 8 * 32), [1, 0]),
        ] {
            for count in deleted {
                let found = store
                    .write(move |tx| Box::pin(prune(tx, step, before, 2)))
                    .await;
                assert_eq!(found, count, "{step:?} {before:?}");
            }
        }
        for (before, count) in [
            (at(hours, 7), 0),
            (at(hours, 8), 1),
            (at(hours, 8), 1),
            (at(hours, 8), 0),
        ] {
            let found = store
                .write(move |tx| Box::pin(prune_times(tx, before, 1)))
                .await;
            assert_eq!(found, count);
        }
    }

    #[tokio::test]
    async fn blocks_are_of_one_server_and_a_damaged_one_counts_as_empty() {
        let store = TestStore::open().await;
        store
            .execute("INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at) VALUES (1, 1, 'server', 'a', 'online', 0, 0)")
            .await;
        let mut hours = RollupBlock::default();
        let summary = ReportSummary {
            reports: 3,
            ..ReportSummary::default()
        };
        hours.set(5, &summary);
        let made = RolledUp {
            monitor: MonitorId(1),
            before: None,
            hour: 24 * 9 + 6,
            blocks: vec![StoredBlock {
                step: RollupStep::Hour,
                block: 9,
                metrics: hours.encode(),
            }],
            times: Vec::new(),
        };
        store
            .write(move |tx| Box::pin(async move { save(tx, &[made]).await }))
            .await;
        let read = async |server: i64, step: RollupStep, number: i64| {
            block(&store.reader, MonitorId(server), step, number)
                .await
                .unwrap()
        };
        assert_eq!(read(1, RollupStep::Hour, 9).await, hours);
        for (server, step, number) in [
            (2, RollupStep::Hour, 9),
            (1, RollupStep::Day, 9),
            (1, RollupStep::Hour, 8),
        ] {
            assert_eq!(read(server, step, number).await, RollupBlock::default());
        }
        let first = async |server| {
            first_block(&store.reader, MonitorId(server), RollupStep::Hour)
                .await
                .unwrap()
        };
        assert_eq!((first(1).await, first(2).await), (Some(9), None));
        store
            .execute("UPDATE hourly_metrics SET metrics = X'02'")
            .await;
        assert_eq!(read(1, RollupStep::Hour, 9).await, RollupBlock::default());
    }
}
