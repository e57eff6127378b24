//! Sets stored times that lie in the future to now, after the clock was set back. Otherwise nobody would be notified about
//! a monitor until the clock reaches the time at which it was last seen.

use super::monitor_state;
use crate::domain::Timestamp;
use crate::store::{StoreError, Tx};

/// What decides when monitors are overdue and when people are notified, and the spans of the day after: what was recorded there
/// will happen again. Spans further ahead stay as they were written, because a machine may start with a clock that is years behind.
const STATEMENTS: [&str; 13] = [
    "INSERT INTO status_spans (monitor_id, began_at, status)
     SELECT m.id, $1, CASE m.status WHEN 'online' THEN 1 WHEN 'warning' THEN 2 WHEN 'offline' THEN 3 WHEN 'paused' THEN 4 ELSE 0 END
     FROM monitors m WHERE EXISTS (
         SELECT 1 FROM status_spans s WHERE s.monitor_id = m.id AND s.began_at > $1 AND s.began_at <= $1 + 86400000)
     ON CONFLICT (monitor_id, began_at) DO UPDATE SET status = excluded.status",
    "DELETE FROM status_spans WHERE (monitor_id, began_at) IN (
         SELECT s.monitor_id, s.began_at FROM monitors m
         CROSS JOIN status_spans s ON s.monitor_id = m.id AND s.began_at > $1 AND s.began_at <= $1 + 86400000)",
    "UPDATE monitor_state SET last_seen_at = $1 WHERE last_seen_at > $1",
    "UPDATE monitor_state SET last_check_at = $1 WHERE last_check_at > $1",
    "UPDATE monitors SET since = $1 WHERE since > $1",
    "UPDATE endpoint_targets SET inactive_checked_at = $1 WHERE is_active = 0 AND inactive_checked_at > $1",
    "UPDATE samples SET at = $1 WHERE at > $1",
    // Its hours will happen again, and give way to the new ones.
    "UPDATE rolled_up_servers SET hour = $1 / 3600000 WHERE hour > $1 / 3600000",
    "UPDATE outages SET started_at = $1 WHERE ended_at IS NULL AND started_at > $1",
    "UPDATE server_limits SET beyond_since = $1 WHERE beyond_since > $1",
    "UPDATE incidents SET joined_at = $1 WHERE ended_at IS NULL AND joined_at > $1",
    "UPDATE incidents SET escalation_starts_at = $1 WHERE ended_at IS NULL AND escalation_starts_at > $1",
    // Its time until then would count as observed again.
    "UPDATE observation_windows SET observed_ms = NULL, confirmed_at = $1,
         started_at = CASE WHEN started_at < $1 THEN started_at ELSE $1 END WHERE confirmed_at > $1",
];

/// Sets times after `now` to `now`.
pub async fn set_back(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    monitor_state::flush(tx).await?;
    for sql in STATEMENTS {
        sqlx::query(sql)
            .bind(now.millis())
            .execute(&mut *tx.connection)
            .await?;
    }
    tx.cache.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::history::observation_windows::{begin, extend, since};
    use crate::store::testing::TestStore;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[tokio::test]
    async fn after_a_step_back_no_window_reaches_into_the_future() {
        let store = TestStore::open().await;
        store
            .write(move |tx| {
                Box::pin(async move {
                    for (from, to) in [(0, 10), (20, 100), (120, 200)] {
                        let id = begin(tx, at(from)).await?;
                        extend(tx, id, at(to)).await?;
                    }
                    set_back(tx, at(50)).await?;
                    begin(tx, at(50)).await
                })
            })
            .await;
        let windows = since(&store.reader, at(0)).await.unwrap();
        assert_eq!(windows.between(at(0), at(500)), Duration::from_secs(40));
        let last = windows.0.last().map(|window| window.started_at);
        assert_eq!(last, Some(at(50)));
    }

    #[tokio::test]
    async fn what_was_recorded_in_the_day_ahead_gives_way_to_the_present_status() {
        let store = TestStore::open().await;
        store
            .execute_all(
                "INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at) VALUES
                     (1, 1, 'device', 'a', 'offline', 60000, 0), (2, 1, 'device', 'b', 'online', 40000, 0);
                 INSERT INTO status_spans (monitor_id, began_at, status) VALUES
                     (1, 40000, 1), (1, 50001, 2), (1, 60000, 3), (2, 40000, 1), (2, 86450000, 3), (2, 86450001, 1);",
            )
            .await;
        store.write(|tx| Box::pin(set_back(tx, at(50)))).await;
        let rows: Vec<(i64, i64, i64)> = store
            .rows("SELECT monitor_id, began_at, status FROM status_spans WHERE began_at > 0 ORDER BY monitor_id, began_at")
            .await;
        assert_eq!(
            rows,
            [
                (1, 40_000, 1),
                (1, 50_000, 3),
                (2, 40_000, 1),
                (2, 50_000, 1),
                (2, 86_450_001, 1),
            ]
        );
    }

    #[tokio::test]
    async fn hours_of_servers_that_will_happen_again_are_summarized_again() {
        let store = TestStore::open().await;
        store
            .execute_all(
                "INSERT INTO rolled_up_servers (monitor_id, hour) VALUES (1, 9), (2, 10), (3, 11), (4, 900);",
            )
            .await;
        store
            .write(|tx| Box::pin(set_back(tx, at(10 * 3600 + 1))))
            .await;
        let hours: Vec<(i64,)> = store
            .rows("SELECT hour FROM rolled_up_servers ORDER BY monitor_id")
            .await;
        assert_eq!(hours, [(9,), (10,), (10,), (10,)]);
    }

    #[tokio::test]
    async fn only_times_in_the_future_change() {
        let store = TestStore::open().await;
        store
            .execute_all(
                "INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at) VALUES
                     (1, 1, 'device', 'a', 'online', 40000, 0), (2, 1, 'device', 'b', 'online', 60000, 0);
                 INSERT INTO monitor_state (monitor_id, last_seen_at, next_check_at) VALUES (1, 50000, 9), (2, 50001, 99000);
                 INSERT INTO outages (guild_id, monitor_id, started_at, reason) VALUES (1, 1, 49000, 'x'), (1, 2, 70000, 'x')",
            )
            .await;
        store.write(|tx| Box::pin(set_back(tx, at(50)))).await;
        let rows: Vec<(i64, i64, i64, i64)> = store
            .rows(
                "SELECT m.since, p.last_seen_at, p.next_check_at, o.started_at FROM monitors m
                 JOIN monitor_state p ON p.monitor_id = m.id JOIN outages o ON o.monitor_id = m.id ORDER BY m.id",
            )
            .await;
        assert_eq!(
            rows,
            [
                (40_000, 50_000, 9, 49_000),
                (50_000, 50_000, 99_000, 50_000)
            ]
        );
    }
}
