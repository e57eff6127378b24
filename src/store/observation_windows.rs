//! The table `watch`: when we were alive.

use super::{Reader, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::observation_windows::{ObservationWindow, ObservationWindows};

/// A life of ours in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservationWindowId(i64);

/// A new life begins.
pub async fn begin(tx: &mut Tx<'_>, now: Timestamp) -> Result<ObservationWindowId, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO observation_windows (started_at, confirmed_at) VALUES ($1, $1) RETURNING id",
    )
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(ObservationWindowId(id))
}

/// It still goes on.
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

/// The lives that reach beyond an instant.
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

/// Deletes up to `limit` lives that ended before an instant; says how many went.
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
    async fn lives_go_on_end_and_are_forgotten() {
        let store = TestStore::open().await;
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        store
            .write(move |tx| {
                Box::pin(async move {
                    let first = begin(tx, at(0)).await?;
                    extend(tx, first, at(10)).await?;
                    // A clock that stepped back does not shorten a life.
                    extend(tx, first, at(5)).await?;
                    let second = begin(tx, at(100)).await?;
                    extend(tx, second, at(130)).await
                })
            })
            .await;
        let lives = since(&store.reader, at(0)).await.unwrap();
        assert_eq!(lives.between(at(0), at(200)), Duration::from_secs(40));
        let later = since(&store.reader, at(50)).await.unwrap();
        assert_eq!(later.between(at(0), at(200)), Duration::from_secs(30));
        let gone = store.write(move |tx| Box::pin(prune(tx, at(50), 10))).await;
        assert_eq!(gone, 1);
    }
}
