//! Observation windows: periods during which Rollcall was running, connected and able to store.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::history::observation_windows::{ObservationWindow, ObservationWindows};
use crate::store::{Reader, StoreError, Tx};

/// The id of an observation window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservationWindowId(i64);

/// Opens an observation window.
pub async fn begin(tx: &mut Tx<'_>, now: Timestamp) -> Result<ObservationWindowId, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO observation_windows (started_at, confirmed_at) VALUES ($1, $1) RETURNING id",
    )
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(ObservationWindowId(id))
}

/// Extends an observation window to `now`; an earlier time than the last one is ignored.
pub async fn extend(
    tx: &mut Tx<'_>,
    id: ObservationWindowId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE observation_windows SET confirmed_at = $2 WHERE id = $1 AND confirmed_at < $2",
    )
    .bind(id.0)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The observation windows that extend beyond the given time, the latest last.
pub async fn since(reader: &Reader, at: Timestamp) -> Result<ObservationWindows, StoreError> {
    between(reader, at, Timestamp::from_millis(i64::MAX)).await
}

/// The observation windows that overlap a range, the latest last.
pub async fn between(
    reader: &Reader,
    from: Timestamp,
    to: Timestamp,
) -> Result<ObservationWindows, StoreError> {
    let rows: Vec<(i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT started_at, confirmed_at, observed_ms FROM observation_windows
         WHERE confirmed_at > $1 AND started_at < $2 ORDER BY id",
    )
    .bind(from.millis())
    .bind(to.millis())
    .fetch_all(&reader.pool)
    .await?;
    let window =
        |(started_at, confirmed_at, observed): (i64, i64, Option<i64>)| ObservationWindow {
            observed: observed.map(|millis| Duration::from_millis(millis.unsigned_abs())),
            ..ObservationWindow::new(
                Timestamp::from_millis(started_at),
                Timestamp::from_millis(confirmed_at),
            )
        };
    Ok(ObservationWindows(rows.into_iter().map(window).collect()))
}

/// The most windows that an hour keeps: more are merged.
const MOST_AN_HOUR: u32 = 60;

/// Merges windows that ended before the given time, of hours with too many; returns how many were deleted. A process that crashes
/// every few seconds leaves thousands in a day.
pub async fn merge(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let hours: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT MIN(id), MAX(id), MAX(confirmed_at), SUM(COALESCE(observed_ms, confirmed_at - started_at))
         FROM observation_windows WHERE confirmed_at < $1
         GROUP BY started_at / 3600000 HAVING COUNT(*) > $3 LIMIT $2",
    )
    .bind(before.millis())
    .bind(i64::from(limit))
    .bind(MOST_AN_HOUR)
    .fetch_all(&mut *tx.connection)
    .await?;
    let mut deleted = 0;
    for (first, last, confirmed_at, observed) in hours {
        sqlx::query(
            "UPDATE observation_windows SET confirmed_at = $2, observed_ms = $3 WHERE id = $1",
        )
        .bind(first)
        .bind(confirmed_at)
        .bind(observed)
        .execute(&mut *tx.connection)
        .await?;
        // Windows begin one after the other, so those of an hour have neighboring ids.
        let merged = sqlx::query("DELETE FROM observation_windows WHERE id > $1 AND id <= $2")
            .bind(first)
            .bind(last)
            .execute(&mut *tx.connection)
            .await?;
        deleted += merged.rows_affected();
    }
    Ok(deleted)
}

/// Deletes up to `limit` observation windows that ended before the given time; returns how many.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM observation_windows WHERE id IN (SELECT id FROM observation_windows WHERE confirmed_at < $1 ORDER BY id LIMIT $2)",
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
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn windows_are_extended_summed_and_pruned() {
        let store = TestStore::open().await;
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        store
            .write(move |tx| {
                Box::pin(async move {
                    let first = begin(tx, at(0)).await?;
                    extend(tx, first, at(10)).await?;
                    // A clock that was set back does not shorten a window.
                    extend(tx, first, at(5)).await?;
                    let second = begin(tx, at(100)).await?;
                    extend(tx, second, at(130)).await
                })
            })
            .await;
        let windows = since(&store.reader, at(0)).await.unwrap();
        assert_eq!(windows.between(at(0), at(200)), Duration::from_secs(40));
        let later = since(&store.reader, at(50)).await.unwrap();
        assert_eq!(later.between(at(0), at(200)), Duration::from_secs(30));
        let deleted = store.write(move |tx| Box::pin(prune(tx, at(50), 10))).await;
        assert_eq!(deleted, 1);
    }

    #[tokio::test]
    async fn old_windows_of_crowded_hours_are_merged_and_keep_their_sum() {
        let store = TestStore::open().await;
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        store
            .write(move |tx| {
                Box::pin(async move {
                    // Half of each minute for two hours, the second with one window more, and an hour later once more.
                    let minutes = (0..60).map(|minute| minute * 60);
                    let crowded = (0..61).map(|number| 3_600 + number * 59);
                    for second in minutes.chain(crowded).chain([14_400]) {
                        let id = begin(tx, at(second)).await?;
                        extend(tx, id, at(second + 30)).await?;
                    }
                    Ok(())
                })
            })
            .await;
        let merged = store
            .write(move |tx| Box::pin(merge(tx, at(7_300), 10)))
            .await;
        assert_eq!(merged, 60);
        let windows = since(&store.reader, at(0)).await.unwrap();
        assert_eq!(windows.0.len(), 62);
        for (from, to, observed) in [
            (0, 20_000, 122 * 30),
            (60, 90, 30),
            (3_600, 7_170, 61 * 30),
            (14_400, 14_460, 30),
        ] {
            assert_eq!(
                windows.between(at(from), at(to)),
                Duration::from_secs(observed),
                "{from}..{to}"
            );
        }
        let again = store
            .write(move |tx| Box::pin(merge(tx, at(7_300), 10)))
            .await;
        assert_eq!(again, 0);
    }
}
