//! Keeps the spans of each monitor within a limit: one that changes every second would fill the disk of all. What the oldest ones
//! say about their days is in the figures of the days.

use crate::store::history::status_span;
use crate::store::{Store, StoreError};

/// The most spans that a monitor keeps.
pub const MOST_SPANS: u32 = 20_000;

/// Spans that are deleted in one transaction.
const AT_ONCE: u32 = 2_000;

/// Deletes the oldest spans beyond the limit; returns how many.
pub async fn enforce(store: &Store, limit: u32) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for monitor in status_span::beyond(&store.reader, limit).await? {
        loop {
            let delete = store.writer.transact::<_, StoreError>(move |tx| {
                Box::pin(async move { status_span::keep_latest(tx, monitor, limit, AT_ONCE).await })
            });
            match delete.await? {
                0 => break,
                piece => deleted += piece,
            }
        }
        tracing::info!(
            monitor = monitor.0,
            limit,
            "a monitor changes its status very often; its oldest changes were deleted"
        );
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_monitor_keeps_its_latest_spans() {
        let store = TestStore::open().await;
        for target in [
            "tcp://192.0.2.1:80",
            "tcp://192.0.2.2:80",
            "tcp://192.0.2.3:80",
        ] {
            store.add_endpoint(GuildId(1), target).await;
        }
        // With the first one, the monitors have 5,000, 5,001 and 9,000 spans.
        store
            .execute_all(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8999)
                 INSERT INTO status_spans (monitor_id, began_at, status)
                 SELECT m.id, n.i, n.i % 3 FROM n, monitors m WHERE n.i < CASE m.id WHEN 1 THEN 5000 WHEN 2 THEN 5001 ELSE 9000 END",
            )
            .await;
        assert_eq!(enforce(&store, 5_000).await.unwrap(), 1 + 4_000);
        let left: Vec<(i64, i64, i64)> = store
            .rows("SELECT COUNT(*), MIN(began_at), MAX(began_at) FROM status_spans GROUP BY monitor_id ORDER BY monitor_id")
            .await;
        assert_eq!(
            left,
            [(5_000, 0, 4_999), (5_000, 1, 5_000), (5_000, 4_000, 8_999)]
        );
        assert_eq!(enforce(&store, 5_000).await.unwrap(), 0);
    }
}
