//! The spans of every monitor's status. Only `actions/transition` writes them; the first one of a monitor is written by a trigger
//! when the monitor is added.

use crate::domain::Timestamp;
use crate::domain::history::status_span::{SpanStatus, StatusSpan, back_dated};
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{Reader, StoreError, Tx};

/// A span to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSpan {
    pub monitor: MonitorId,
    pub status: SpanStatus,
    pub began_at: Timestamp,
    /// When the change was noticed that begins it.
    pub noticed_at: Timestamp,
    /// When the status before began.
    pub previous_since: Timestamp,
}

/// Records spans in order. One that begins before the spans of its monitor that are stored replaces them, as far as the rule for
/// that allows.
pub async fn record(tx: &mut Tx<'_>, spans: &[NewSpan]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(spans.len());
    for span in spans {
        let mut began_at = span.began_at;
        if began_at < span.previous_since {
            // It may replace one of those before it.
            insert(tx, &std::mem::take(&mut rows)).await?;
            began_at = replace_later(tx, span).await?;
        }
        rows.push(Row {
            monitor: span.monitor,
            began_at,
            status: span.status,
        });
    }
    insert(tx, &rows).await
}

struct Row {
    monitor: MonitorId,
    began_at: Timestamp,
    status: SpanStatus,
}

async fn insert(tx: &mut Tx<'_>, rows: &[Row]) -> Result<(), StoreError> {
    for piece in pieces(rows) {
        let sql = format!(
            "INSERT INTO status_spans (monitor_id, began_at, status) VALUES {}
             ON CONFLICT (monitor_id, began_at) DO UPDATE SET status = excluded.status",
            placeholders(piece.len(), 3)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for row in piece {
            query = query
                .bind(row.monitor.0)
                .bind(row.began_at.millis())
                .bind(row.status.code());
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Deletes the spans that a back-dated one replaces; returns when it begins.
async fn replace_later(tx: &mut Tx<'_>, span: &NewSpan) -> Result<Timestamp, StoreError> {
    let rows: Vec<(i64, u8)> = sqlx::query_as(
        "SELECT began_at, status FROM status_spans WHERE monitor_id = $1 AND began_at >= $2 ORDER BY began_at",
    )
    .bind(span.monitor.0)
    .bind(span.began_at.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    let later: Vec<StatusSpan> = rows
        .into_iter()
        .map(|(began_at, code)| read(began_at, code))
        .collect();
    let began_at = back_dated(span.began_at, span.noticed_at, &later);
    sqlx::query("DELETE FROM status_spans WHERE monitor_id = $1 AND began_at > $2")
        .bind(span.monitor.0)
        .bind(began_at.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(began_at)
}

/// The monitors with more spans than a limit.
pub async fn beyond(reader: &Reader, limit: u32) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM status_spans GROUP BY monitor_id HAVING COUNT(*) > $1",
    )
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// When the earliest of the latest `keep` spans of a monitor began; `None` if it has fewer.
pub async fn earliest_of_latest(
    reader: &Reader,
    monitor: MonitorId,
    keep: u32,
) -> Result<Option<Timestamp>, StoreError> {
    let began_at: Option<i64> = sqlx::query_scalar(
        "SELECT began_at FROM status_spans WHERE monitor_id = $1 ORDER BY began_at DESC LIMIT 1 OFFSET $2",
    )
    .bind(monitor.0)
    .bind(i64::from(keep) - 1)
    .fetch_optional(&reader.pool)
    .await?;
    Ok(began_at.map(Timestamp::from_millis))
}

/// Begins the spans of a monitor at `exact_from`, with the status that it had then, and records that. Earlier ones are to be
/// deleted with `delete_before`.
pub async fn begin_at(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    exact_from: Timestamp,
) -> Result<(), StoreError> {
    for sql in [
        "INSERT INTO status_spans (monitor_id, began_at, status)
         SELECT monitor_id, $2, status FROM status_spans WHERE monitor_id = $1 AND began_at < $2
         ORDER BY began_at DESC LIMIT 1 ON CONFLICT (monitor_id, began_at) DO NOTHING",
        "INSERT INTO span_limits (monitor_id, exact_from) VALUES ($1, $2)
         ON CONFLICT (monitor_id) DO UPDATE SET exact_from = MAX(exact_from, excluded.exact_from)",
    ] {
        sqlx::query(sql)
            .bind(monitor.0)
            .bind(exact_from.millis())
            .execute(&mut *tx.connection)
            .await?;
    }
    Ok(())
}

/// Deletes up to `at_once` spans of a monitor that began before a moment, the oldest first; returns how many.
pub async fn delete_before(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    before: Timestamp,
    at_once: u32,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM status_spans WHERE monitor_id = $1 AND began_at IN (
             SELECT began_at FROM status_spans WHERE monitor_id = $1 AND began_at < $2 ORDER BY began_at LIMIT $3)",
    )
    .bind(monitor.0)
    .bind(before.millis())
    .bind(at_once)
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}

/// Reads a span. A number that stands for no status is unknown time, and damages nothing else.
pub(super) fn read(began_at: i64, code: u8) -> StatusSpan {
    StatusSpan {
        began_at: Timestamp::from_millis(began_at),
        status: SpanStatus::from_code(code).unwrap_or(SpanStatus::Was(Status::Unknown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::store::testing::TestStore;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn span(began: i64, noticed: i64, previous: i64, status: Status) -> NewSpan {
        NewSpan {
            monitor: MonitorId(1),
            status: SpanStatus::Was(status),
            began_at: at(began),
            noticed_at: at(noticed),
            previous_since: at(previous),
        }
    }

    #[tokio::test]
    async fn a_back_dated_span_replaces_the_warning_that_led_to_it() {
        let store = TestStore::open().await;
        store.add_endpoint(GuildId(1), "tcp://192.0.2.1:80").await;
        let spans = [
            span(10, 10, 0, Status::Online),
            // An endpoint: the outage begins with the warning.
            span(20, 20, 10, Status::Warning),
            span(20, 30, 20, Status::Offline),
            span(40, 40, 20, Status::Online),
            // A server: the outage begins before the warning.
            span(60, 60, 40, Status::Warning),
            span(50, 80, 60, Status::Offline),
            span(90, 90, 80, Status::Online),
        ];
        store
            .write(move |tx| Box::pin(async move { record(tx, &spans).await }))
            .await;
        let rows: Vec<(i64, u8)> = store
            .rows("SELECT began_at / 1000, status FROM status_spans ORDER BY began_at")
            .await;
        // Unknown since it was added, online, offline, online, offline, online.
        assert_eq!(rows, [(0, 0), (10, 1), (20, 3), (40, 1), (50, 3), (90, 1)]);
    }
}
