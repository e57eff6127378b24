//! Keeps the spans of each monitor within a limit: one that changes every second would fill the disk of all. What the oldest ones
//! say about their days is in the figures of the days, so they are deleted by whole days that are recorded.

use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::store::history::{packing, status_span};
use crate::store::{Store, StoreError};

/// The most spans that a monitor keeps, but for those of a day that is not recorded yet.
pub const MOST_SPANS: u32 = 20_000;

/// Spans that are deleted in one transaction.
const AT_ONCE: u32 = 2_000;

/// Deletes the oldest spans beyond the limit; returns how many.
pub async fn enforce(store: &Store, limit: u32) -> Result<u64, StoreError> {
    let mut deleted = 0;
    let Some(today) = packing::state(&store.reader).await?.archived_day else {
        return Ok(0);
    };
    for monitor in status_span::beyond(&store.reader, limit).await? {
        let Some(earliest) = status_span::earliest_of_latest(&store.reader, monitor, limit).await?
        else {
            continue;
        };
        // The days before the last night are recorded.
        let exact_from = Timestamp::start_of_day(earliest.day().saturating_add(1).min(today));
        deleted += begin_at(store, monitor, exact_from).await?;
    }
    Ok(deleted)
}

async fn begin_at(
    store: &Store,
    monitor: MonitorId,
    exact_from: Timestamp,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    loop {
        // The first transaction says from when the spans are complete; those that follow change nothing that is read.
        let delete = store.writer.transact::<_, StoreError>(move |tx| {
            Box::pin(async move {
                status_span::begin_at(tx, monitor, exact_from).await?;
                status_span::delete_before(tx, monitor, exact_from, AT_ONCE).await
            })
        });
        match delete.await? {
            0 => break,
            piece => deleted += piece,
        }
    }
    if deleted > 0 {
        tracing::info!(
            monitor = monitor.0,
            deleted,
            "a monitor changes its status very often; only days are known of its oldest changes"
        );
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::history::archive::archive;
    use crate::actions::history::uptime::{self, MonitorUptime};
    use crate::domain::discord_id::GuildId;
    use crate::domain::history::range::HistoryRange;
    use crate::store::history::monitor_history::HistoryScope;
    use crate::store::testing::TestStore;

    /// The day on which the monitor is added, and the one on which the limit is enforced.
    const ADDED: i64 = 20_000;
    const TODAY: i64 = ADDED + 4;

    /// A monitor that changes its status every hour from its second day on until noon of today, and was offline each second hour:
    /// with its first span, it has 85.
    async fn flapping() -> TestStore {
        let store = TestStore::open().await;
        store.add_endpoint(GuildId(1), "tcp://192.0.2.1:80").await;
        store
            .execute_all(
                "UPDATE monitors SET created_at = 20000 * 86400000;
                 DELETE FROM status_spans;
                 INSERT INTO status_spans (monitor_id, began_at, status)
                 SELECT id, created_at, 1 FROM monitors;
                 WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 83)
                 INSERT INTO status_spans (monitor_id, began_at, status)
                 SELECT m.id, 20001 * 86400000 + n.i * 3600000, CASE n.i % 2 WHEN 0 THEN 1 ELSE 3 END FROM n, monitors m;
                 DELETE FROM observation_windows;
                 INSERT INTO observation_windows (started_at, confirmed_at) VALUES (0, 20100 * 86400000)",
            )
            .await;
        store
    }

    fn now() -> Timestamp {
        Timestamp::start_of_day(TODAY).plus(std::time::Duration::from_secs(12 * 3600))
    }

    async fn figures(store: &TestStore, first_day: i64) -> MonitorUptime {
        let range = HistoryRange {
            from: Timestamp::start_of_day(first_day),
            to: now(),
        };
        let all = uptime::list(&store.reader, GuildId(1), &HistoryScope::All, range, now());
        all.await.unwrap().remove(0)
    }

    async fn spans(store: &TestStore) -> i64 {
        let counted: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM status_spans").await;
        counted[0].0
    }

    #[tokio::test]
    async fn the_oldest_spans_become_days_with_the_same_figures() {
        // The limit, the day from which spans are left, and how many they are.
        for (limit, exact_day, left) in [
            (85, None, 85),
            (84, Some(ADDED + 2), 60),
            (61, Some(ADDED + 2), 60),
            (60, Some(ADDED + 3), 36),
            (13, Some(TODAY), 12),
            // Today is not recorded yet.
            (12, Some(TODAY), 12),
            (1, Some(TODAY), 12),
        ] {
            let store = flapping().await;
            archive(&store, now()).await.unwrap();
            let before = figures(&store, ADDED).await;
            let deleted = enforce(&store, limit).await.unwrap();
            assert_eq!(spans(&store).await, left, "{limit}");
            assert_eq!(deleted, 85 - left.unsigned_abs(), "{limit}");
            let after = figures(&store, ADDED).await;
            let exact_from = exact_day.map(Timestamp::start_of_day);
            assert_eq!(after.monitor.exact_from, exact_from, "{limit}");
            assert_eq!(after.summary.times, before.summary.times, "{limit}");
            // The outage that goes on at midnight counts twice.
            assert!(after.summary.outages >= before.summary.outages, "{limit}");
            assert_eq!(enforce(&store, limit).await.unwrap(), 0, "{limit}");
        }
    }

    #[tokio::test]
    async fn a_range_from_the_first_span_on_is_exact_and_recorded_days_stay() {
        let store = flapping().await;
        archive(&store, now()).await.unwrap();
        let exact = figures(&store, ADDED + 2).await;
        enforce(&store, 84).await.unwrap();
        let still = figures(&store, ADDED + 2).await;
        assert_eq!(still.summary, exact.summary);
        let all = figures(&store, ADDED).await.summary;
        // The next night does not record them again from spans that are deleted.
        let night = Timestamp::start_of_day(TODAY + 1);
        archive(&store, night).await.unwrap();
        assert_eq!(figures(&store, ADDED).await.summary, all);
    }

    #[tokio::test]
    async fn nothing_is_deleted_before_a_day_is_recorded() {
        let store = flapping().await;
        assert_eq!(enforce(&store, 10).await.unwrap(), 0);
        assert_eq!(spans(&store).await, 85);
    }
}
