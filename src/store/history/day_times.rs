//! How long a monitor was in each class on recorded days (UTC), by day.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::history::uptime::ClassTimes;
use crate::domain::monitor::MonitorId;
use crate::store::{Reader, StoreError};

#[derive(sqlx::FromRow)]
struct Row {
    day: i64,
    online_ms: i64,
    offline_ms: i64,
    maintenance_ms: i64,
    unknown_ms: i64,
    paused_ms: i64,
}

/// The days from `first` to `last`, both included, as far as they are recorded: days since 1970-01-01.
pub async fn load(
    reader: &Reader,
    monitor: MonitorId,
    first: i64,
    last: i64,
) -> Result<BTreeMap<i64, ClassTimes>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT day, online_ms, offline_ms, maintenance_ms, unknown_ms, paused_ms FROM daily_stats
         WHERE monitor_id = $1 AND day BETWEEN $2 AND $3 AND online_ms IS NOT NULL",
    )
    .bind(monitor.0)
    .bind(first)
    .bind(last)
    .fetch_all(&reader.pool)
    .await?;
    let length = |millis: i64| Duration::from_millis(millis.unsigned_abs());
    let day = |row: Row| {
        let times = ClassTimes {
            online: length(row.online_ms),
            offline: length(row.offline_ms),
            maintenance: length(row.maintenance_ms),
            unknown: length(row.unknown_ms),
            paused: length(row.paused_ms),
        };
        (row.day, times)
    };
    Ok(rows.into_iter().map(day).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn recorded_days_of_a_range_are_loaded() {
        let store = TestStore::open().await;
        store
            .execute_all(
                "INSERT INTO daily_stats (monitor_id, day, online_ms, offline_ms, maintenance_ms, unknown_ms, paused_ms, outages)
                 VALUES (1, 9, 1, 0, 0, 0, 0, 0), (1, 10, 1, 2, 3, 4, 5, 0), (1, 11, 6, 0, 0, 0, 0, 0), (1, 13, 7, 0, 0, 0, 0, 0),
                     (2, 10, 8, 0, 0, 0, 0, 0);
                 INSERT INTO daily_stats (monitor_id, day, checks, failures) VALUES (1, 12, 5, 0)",
            )
            .await;
        let found = load(&store.reader, MonitorId(1), 10, 12).await.unwrap();
        let millis = |length: Duration| length.as_millis();
        let all: Vec<(i64, [u128; 5])> = found
            .into_iter()
            .map(|(day, times)| {
                let ClassTimes {
                    online,
                    offline,
                    maintenance,
                    unknown,
                    paused,
                } = times;
                (
                    day,
                    [online, offline, maintenance, unknown, paused].map(millis),
                )
            })
            .collect();
        assert_eq!(all, [(10, [1, 2, 3, 4, 5]), (11, [6, 0, 0, 0, 0])]);
    }
}
