//! Packing the log of checks: how far it is packed, and what is written for the monitors of a pass. The packed rows of a monitor and
//! that it is done are one transaction, so a pass that is interrupted neither repeats nor loses any.

use std::collections::HashSet;

use crate::domain::Timestamp;
use crate::domain::history::check_archive::{ArchivedCheck, ResultClass};
use crate::domain::history::latency::bucket::LatencyBucket;
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::history::daily_stats::{self, DayStats};
use crate::store::{Reader, StoreError, Tx};

/// How far the log of checks is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackingState {
    /// Every row up to this one is packed.
    pub packed_row: i64,
    /// The last row of the pass that goes on.
    pub pass_end: Option<i64>,
    /// The day on which pieces were last put into the archive.
    pub archived_day: Option<i64>,
    /// The last row of the log.
    pub last_row: i64,
}

/// A row of the log of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRow {
    pub row: i64,
    pub monitor: MonitorId,
    pub at: Timestamp,
    pub latency: LatencyBucket,
    pub class: ResultClass,
}

/// What a pass has packed of one monitor.
#[derive(Clone, Debug)]
pub struct PackedMonitor {
    pub monitor: MonitorId,
    /// The first row of the log in the piece.
    pub first_row: i64,
    /// A block of the archive.
    pub piece: Vec<u8>,
    /// The days of the checks, as they are with them.
    pub days: Vec<DayStats>,
}

pub async fn state(reader: &Reader) -> Result<PackingState, StoreError> {
    let (first, last_row): (i64, i64) = sqlx::query_as(
        "SELECT COALESCE((SELECT MIN(id) FROM check_results), 1), COALESCE((SELECT MAX(id) FROM check_results), 0)",
    )
    .fetch_one(&reader.pool)
    .await?;
    let row: Option<(i64, Option<i64>, Option<i64>)> =
        sqlx::query_as("SELECT packed_row, pass_end, archived_day FROM packing WHERE id = 1")
            .fetch_optional(&reader.pool)
            .await?;
    let (packed_row, pass_end, archived_day) = row.unwrap_or((0, None, None));
    Ok(PackingState {
        packed_row: packed_row.max(first - 1),
        pass_end,
        archived_day,
        last_row,
    })
}

/// Begins a pass that packs the rows up to `end`, and says from which row on.
pub async fn begin(tx: &mut Tx<'_>, packed_row: i64, end: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO packing (id, packed_row, pass_end) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET packed_row = excluded.packed_row, pass_end = excluded.pass_end",
    )
    .bind(packed_row)
    .bind(end)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Ends a pass: every row up to its end is packed.
pub async fn finish(tx: &mut Tx<'_>, end: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE packing SET packed_row = $1, pass_end = NULL WHERE id = 1")
        .bind(end)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Records that the pieces were put into the archive.
pub async fn archived(tx: &mut Tx<'_>, day: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO packing (id, packed_row, archived_day) VALUES (1, 0, $1)
         ON CONFLICT (id) DO UPDATE SET archived_day = excluded.archived_day",
    )
    .bind(day)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The monitors that a pass has packed already.
pub async fn done(reader: &Reader, pass_end: i64) -> Result<HashSet<MonitorId>, StoreError> {
    let rows: Vec<i64> =
        sqlx::query_scalar("SELECT monitor_id FROM packed_monitors WHERE pass_end = $1")
            .bind(pass_end)
            .fetch_all(&reader.pool)
            .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// The rows of the log after `from` up to `to`.
pub async fn rows(reader: &Reader, from: i64, to: i64) -> Result<Vec<LogRow>, StoreError> {
    let rows: Vec<(i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT id, monitor_id, at, latency_us, class FROM check_results WHERE id > $1 AND id <= $2 ORDER BY id",
    )
    .bind(from)
    .bind(to)
    .fetch_all(&reader.pool)
    .await?;
    let read = |(row, monitor, at, latency, class): (i64, i64, i64, i64, i64)| LogRow {
        row,
        monitor: MonitorId(monitor),
        at: Timestamp::from_millis(at),
        latency: bucket(latency),
        class: result_class(class),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The checks of a monitor that are not packed yet, in the order of the log.
pub async fn tail(reader: &Reader, monitor: MonitorId) -> Result<Vec<ArchivedCheck>, StoreError> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT at, latency_us, class FROM check_results
         WHERE id > COALESCE((SELECT packed_row FROM packing WHERE id = 1), 0) AND monitor_id = $1 ORDER BY id",
    )
    .bind(monitor.0)
    .fetch_all(&reader.pool)
    .await?;
    let read = |(at, latency, class)| ArchivedCheck {
        at: Timestamp::from_millis(at),
        latency: bucket(latency),
        class: result_class(class),
    };
    Ok(rows.into_iter().map(read).collect())
}

fn bucket(micros: i64) -> LatencyBucket {
    LatencyBucket::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// A number that is no class says nothing about the monitor.
fn result_class(code: i64) -> ResultClass {
    u8::try_from(code).map_or(ResultClass::UNKNOWN, ResultClass::from_code)
}

/// Those of these monitors that exist or whose history is kept.
pub async fn known_among(
    reader: &Reader,
    ids: &[MonitorId],
) -> Result<HashSet<MonitorId>, StoreError> {
    let mut known = HashSet::new();
    for piece in pieces(ids) {
        for table in ["monitors", "removed_monitors"] {
            let places = placeholders(1, piece.len());
            let sql = format!("SELECT id FROM {table} WHERE id IN {places}");
            let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
            for id in piece {
                query = query.bind(id.0);
            }
            let rows: Vec<i64> = query.fetch_all(&reader.pool).await?;
            known.extend(rows.into_iter().map(MonitorId));
        }
    }
    Ok(known)
}

/// Writes what a pass has packed of some monitors.
pub async fn save(
    tx: &mut Tx<'_>,
    packed: &[PackedMonitor],
    pass_end: i64,
) -> Result<(), StoreError> {
    for piece in pieces(packed) {
        let sql = format!(
            "INSERT INTO check_archive_pieces (monitor_id, first_row, checks) VALUES {}",
            placeholders(piece.len(), 3)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for one in piece {
            query = query
                .bind(one.monitor.0)
                .bind(one.first_row)
                .bind(&one.piece);
        }
        query.execute(&mut *tx.connection).await?;
        let sql = format!(
            "INSERT INTO packed_monitors (monitor_id, pass_end) VALUES {}
             ON CONFLICT (monitor_id) DO UPDATE SET pass_end = excluded.pass_end",
            placeholders(piece.len(), 2)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for one in piece {
            query = query.bind(one.monitor.0).bind(pass_end);
        }
        query.execute(&mut *tx.connection).await?;
    }
    let days: Vec<&DayStats> = packed.iter().flat_map(|one| &one.days).collect();
    daily_stats::save_checks(tx, &days).await
}
