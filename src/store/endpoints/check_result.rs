//! The log of check results, in time order.
//!
//! A row in time order costs about 58 bytes on disk, a row clustered by monitor costs a page. So this table has no index
//! besides its own order, and queries never go back further than a few hours.

use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{CheckResult, Verdict};
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{StoreError, Tx};

/// The class of a check that could not be run.
const UNKNOWN: i64 = 255;

/// One row of the log.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub monitor_id: MonitorId,
    pub at: Timestamp,
    pub latency_us: i64,
    class: i64,
}

impl Row {
    pub fn new(monitor_id: MonitorId, result: &CheckResult) -> Self {
        let class = match &result.verdict {
            Verdict::Up => 0,
            Verdict::Down(failure) => i64::from(failure.class.code()),
            Verdict::Unknown(_) => UNKNOWN,
        };
        let latency_us = i64::try_from(result.timings.total.as_micros()).unwrap_or(i64::MAX);
        Self {
            monitor_id,
            at: result.at,
            latency_us,
            class,
        }
    }

    pub fn is_up(&self) -> bool {
        self.class == 0
    }
}

/// Appends to the log, unless the database has no room for it.
pub async fn append(tx: &mut Tx<'_>, rows: &[Row]) -> Result<(), StoreError> {
    if !tx.room.has_check_results() {
        return Ok(());
    }
    for piece in pieces(rows) {
        let sql = format!(
            "INSERT INTO check_results (at, monitor_id, latency_us, class) VALUES {}",
            placeholders(piece.len(), 4)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for row in piece {
            query = query
                .bind(row.at.millis())
                .bind(row.monitor_id.0)
                .bind(row.latency_us)
                .bind(row.class);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Deletes up to `limit` of the oldest rows that are older than `before` and packed; returns how many. The last row stays: the next
/// one gets the number after it, and numbers that were packed must not come again.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM check_results WHERE at < $1
         AND id < (SELECT MIN(id) FROM check_results) + $2
         AND id <= (SELECT packed_row FROM packing WHERE id = 1)
         AND id < (SELECT MAX(id) FROM check_results)",
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
    use crate::domain::endpoints::check_result::{Failure, FailureClass, NotChecked, Timings};
    use crate::store::testing::TestStore;

    fn row(seconds: i64, verdict: Verdict) -> Row {
        let at = Timestamp::from_millis(seconds * 1000);
        Row::new(
            MonitorId(7),
            &CheckResult {
                at,
                verdict,
                timings: Timings::default(),
                certificate: None,
            },
        )
    }

    #[tokio::test]
    async fn every_row_of_a_large_batch_is_stored_with_its_class() {
        let store = TestStore::open().await;
        let mut rows: Vec<Row> = (0..290).map(|second| row(second, Verdict::Up)).collect();
        rows.push(row(
            290,
            Verdict::Down(Failure::new(FailureClass::TimedOut)),
        ));
        rows.push(row(291, Verdict::Unknown(NotChecked::Resolver)));
        store
            .write(move |tx| Box::pin(async move { append(tx, &rows).await }))
            .await;
        let classes: Vec<(i64, i64)> = store
            .rows("SELECT class, COUNT(*) FROM check_results GROUP BY class ORDER BY class")
            .await;
        assert_eq!(classes, [(0, 290), (2, 1), (255, 1)]);
    }

    #[tokio::test]
    async fn only_old_rows_are_pruned_in_small_batches() {
        let store = TestStore::open().await;
        let rows: Vec<Row> = (0..100).map(|second| row(second, Verdict::Up)).collect();
        store
            .write(move |tx| Box::pin(async move { append(tx, &rows).await }))
            .await;
        let limit = Timestamp::from_millis(50_000);
        let unpacked = store.write(move |tx| Box::pin(prune(tx, limit, 30))).await;
        assert_eq!(unpacked, 0);
        store
            .execute("INSERT INTO packing (id, packed_row) VALUES (1, 90)")
            .await;
        let mut deleted = Vec::new();
        for _ in 0..3 {
            deleted.push(store.write(move |tx| Box::pin(prune(tx, limit, 30))).await);
        }
        assert_eq!(deleted, [30, 20, 0]);
        let left: Vec<(i64, i64)> = store
            .rows("SELECT MIN(at), COUNT(*) FROM check_results")
            .await;
        assert_eq!(left, [(50_000, 50)]);
        // What is not packed stays, and so does the last row.
        let limit = Timestamp::from_millis(1_000_000);
        let packed = store.write(move |tx| Box::pin(prune(tx, limit, 90))).await;
        store.execute("UPDATE packing SET packed_row = 200").await;
        let rest = store.write(move |tx| Box::pin(prune(tx, limit, 90))).await;
        assert_eq!((packed, rest), (40, 9));
    }
}
