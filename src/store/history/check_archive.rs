//! Every check, packed: a blob for each monitor and ISO week, and pieces that are not in it yet.

use crate::domain::history::iso_week::IsoWeek;
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{Reader, StoreError, Tx};

/// Checks of a monitor that are not in the blob of their week yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePiece {
    pub first_row: i64,
    /// A block of the archive.
    pub checks: Vec<u8>,
}

/// The blob of a week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedWeek {
    pub week: IsoWeek,
    /// A block of the archive.
    pub checks: Vec<u8>,
}

/// Up to `limit` monitors with pieces, after one, in order.
pub async fn with_pieces(
    reader: &Reader,
    after: MonitorId,
    limit: u32,
) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT monitor_id FROM check_archive_pieces WHERE monitor_id > $1 ORDER BY monitor_id LIMIT $2",
    )
    .bind(after.0)
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// The pieces of a monitor, in order.
pub async fn pieces_of(
    reader: &Reader,
    monitor: MonitorId,
) -> Result<Vec<ArchivePiece>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT first_row, checks FROM check_archive_pieces WHERE monitor_id = $1 ORDER BY first_row",
    )
    .bind(monitor.0)
    .fetch_all(&reader.pool)
    .await?;
    let piece = |(first_row, checks)| ArchivePiece { first_row, checks };
    Ok(rows.into_iter().map(piece).collect())
}

/// The blobs of a monitor for the weeks from `first` to `last`, both included, in order.
pub async fn weeks(
    reader: &Reader,
    monitor: MonitorId,
    first: IsoWeek,
    last: IsoWeek,
) -> Result<Vec<ArchivedWeek>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT week, checks FROM check_archive WHERE monitor_id = $1 AND week BETWEEN $2 AND $3 ORDER BY week",
    )
    .bind(monitor.0)
    .bind(first.days())
    .bind(last.days())
    .fetch_all(&reader.pool)
    .await?;
    let week = |(days, checks): (i64, Vec<u8>)| {
        let week = read_week(days)?;
        Ok(ArchivedWeek { week, checks })
    };
    rows.into_iter().map(week).collect()
}

fn read_week(days: i64) -> Result<IsoWeek, StoreError> {
    let damaged = || StoreError::Damaged(format!("the week {days} of archived checks"));
    IsoWeek::from_days(days).ok_or_else(damaged)
}

/// The weeks from `first` to `last`, both included, of which a monitor has a blob, in order.
pub async fn known(
    reader: &Reader,
    monitor: MonitorId,
    first: IsoWeek,
    last: IsoWeek,
) -> Result<Vec<IsoWeek>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT week FROM check_archive WHERE monitor_id = $1 AND week BETWEEN $2 AND $3 ORDER BY week",
    )
    .bind(monitor.0)
    .bind(first.days())
    .bind(last.days())
    .fetch_all(&reader.pool)
    .await?;
    rows.into_iter().map(read_week).collect()
}

/// Writes the blobs of weeks of a monitor, and deletes the pieces that are in them now.
pub async fn save(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    weeks: &[ArchivedWeek],
    archived: &[i64],
) -> Result<(), StoreError> {
    for one in weeks {
        sqlx::query(
            "INSERT INTO check_archive (monitor_id, week, checks) VALUES ($1, $2, $3)
             ON CONFLICT (monitor_id, week) DO UPDATE SET checks = excluded.checks",
        )
        .bind(monitor.0)
        .bind(one.week.days())
        .bind(&one.checks)
        .execute(&mut *tx.connection)
        .await?;
    }
    for piece in pieces(archived) {
        let sql = format!(
            "DELETE FROM check_archive_pieces WHERE monitor_id = ? AND first_row IN {}",
            placeholders(1, piece.len())
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(monitor.0);
        for first_row in piece {
            query = query.bind(first_row);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Deletes up to `limit` weeks before the given one; returns how many.
pub async fn prune(tx: &mut Tx<'_>, before: IsoWeek, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM check_archive WHERE id IN (SELECT id FROM check_archive WHERE week < $1 ORDER BY week LIMIT $2)",
    )
    .bind(before.days())
    .bind(limit)
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}
