//! Packing the runs of devices from their logs: how far the logs are packed. What a batch of runs adds to the figures of days and how
//! far that is are one transaction, so none is counted twice or never.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::store::history::daily_stats::{self, DayStats};
use crate::store::{Reader, StoreError, Tx};

/// A run of a device that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedRun {
    /// Its row of the log.
    pub row: i64,
    pub monitor: MonitorId,
    pub at: Timestamp,
    /// `None`: nothing was known of its start.
    pub run_time: Option<Duration>,
    pub is_success: bool,
}

/// The next part of the logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// In the order of their rows.
    pub runs: Vec<EndedRun>,
    /// Its last row.
    pub end: i64,
}

/// The next `rows` rows of the logs of all devices; `None`: all are packed.
pub async fn next(reader: &Reader, rows: i64) -> Result<Option<LogPart>, StoreError> {
    let (packed, last): (i64, i64) = sqlx::query_as(
        "SELECT COALESCE((SELECT packed_run FROM packing WHERE id = 1), 0), COALESCE((SELECT MAX(id) FROM device_logs), 0)",
    )
    .fetch_one(&reader.pool)
    .await?;
    if last <= packed {
        return Ok(None);
    }
    // Rows that were deleted are skipped.
    let first: Option<i64> = sqlx::query_scalar("SELECT MIN(id) FROM device_logs WHERE id > $1")
        .bind(packed)
        .fetch_one(&reader.pool)
        .await?;
    let end = first.map_or(last, |first| last.min(first.saturating_add(rows - 1)));
    let found: Vec<(i64, i64, i64, Option<i64>, bool)> = sqlx::query_as(
        "SELECT id, monitor_id, at, run_ms, kind = 'success' FROM device_logs
         WHERE id > $1 AND id <= $2 AND kind IN ('success', 'fail') ORDER BY id",
    )
    .bind(packed)
    .bind(end)
    .fetch_all(&reader.pool)
    .await?;
    let run =
        |(row, monitor, at, run_ms, is_success): (i64, i64, i64, Option<i64>, bool)| EndedRun {
            row,
            monitor: MonitorId(monitor),
            at: Timestamp::from_millis(at),
            run_time: run_ms.map(|millis| Duration::from_millis(millis.unsigned_abs())),
            is_success,
        };
    Ok(Some(LogPart {
        runs: found.into_iter().map(run).collect(),
        end,
    }))
}

/// Writes the days with the runs up to a row, and that the logs are packed up to there.
pub async fn save(tx: &mut Tx<'_>, days: &[DayStats], end: i64) -> Result<(), StoreError> {
    let days: Vec<&DayStats> = days.iter().collect();
    daily_stats::save_checks(tx, &days).await?;
    sqlx::query(
        "INSERT INTO packing (id, packed_row, packed_run) VALUES (1, 0, $1)
         ON CONFLICT (id) DO UPDATE SET packed_run = excluded.packed_run",
    )
    .bind(end)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}
