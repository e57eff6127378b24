//! Observation windows: periods during which Rollcall was running, connected and able to store.

use super::{Reader, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::observation_windows::{ObservationWindow, ObservationWindows};

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

/// The observation windows that extend beyond the given time.
pub async fn since(reader: &Reader, at: Timestamp) -> Result<ObservationWindows, StoreError> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT started_at, confirmed_at FROM observation_windows WHERE confirmed_at > $1 ORDER BY id")
            .bind(at.millis())
            .fetch_all(&reader.pool)
            .await?;
    let window = |(started_at, confirmed_at)| ObservationWindow {
        started_at: Timestamp::from_millis(started_at),
        confirmed_at: Timestamp::from_millis(confirmed_at),
    };
    Ok(ObservationWindows(rows.into_iter().map(window).collect()))
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
    use std::time::Duration;

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
}
