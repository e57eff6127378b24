//! Monitor state, which changes at every check: last check, last success, next check, consecutive failures, latency.
//!
//! A steady pass (a success without a change of status) changes only two timestamps, and the log of check results has both
//! already. So steady passes stay pending in memory and are written together: after at most one second per thousand
//! endpoints, never after more than a minute, and at once when enough of them are pending to fill the pages that they
//! touch. Everything else is written with the check result. After a crash `catch_up` restores pending passes from the log.

use std::collections::HashMap;

use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{StoreError, Tx};

/// Rows of the table on one page of 4 KiB (about 30 bytes each).
const ROWS_PER_PAGE: usize = 136;

/// Pending rows per page of the whole table that make a write cheap: about 64 bytes per row, because a page is written to
/// disk twice and is rarely full.
const DENSE: usize = 128;

/// Longest time that a steady pass is pending, in milliseconds.
const LONGEST_WAIT: usize = 60_000;

/// Log rows read at the start to restore pending passes: those of a minute at several thousand checks per second.
const CATCH_UP_ROWS: i64 = 250_000;

/// Rows created at once while writing pending passes; a multiple of the rows in the largest statement.
const FLUSHED_AT_ONCE: usize = 2_048;

/// The state of one monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorState {
    pub monitor_id: MonitorId,
    pub last_check_at: Timestamp,
    /// `None`: unchanged.
    pub last_seen_at: Option<Timestamp>,
    /// `None`: at its slot, or when the recheck job checks it.
    pub next_check_at: Option<Timestamp>,
    pub consecutive_failures: u32,
    pub latency_us: i64,
}

/// A success that changed only the times of the check. Small, because 100,000 may be pending in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SteadyPass {
    pub monitor_id: MonitorId,
    pub at: Timestamp,
    pub latency_us: i64,
}

impl From<&SteadyPass> for MonitorState {
    fn from(pass: &SteadyPass) -> Self {
        Self {
            monitor_id: pass.monitor_id,
            last_check_at: pass.at,
            last_seen_at: Some(pass.at),
            next_check_at: None,
            consecutive_failures: 0,
            latency_us: pass.latency_us,
        }
    }
}

/// Steady passes that are not written yet.
#[derive(Debug, Default)]
pub struct Pending {
    waiting: HashMap<MonitorId, (Timestamp, i64)>,
    /// Written, but not committed yet.
    writing: Vec<SteadyPass>,
    oldest: Option<Timestamp>,
    /// Number of rows in the table, as last counted.
    total: usize,
}

impl Pending {
    /// Ends a transaction: written passes are done after a commit, and pending again after a rollback.
    pub(in crate::store) fn settle(&mut self, is_committed: bool) {
        let written = std::mem::take(&mut self.writing);
        if is_committed {
            return;
        }
        for pass in written {
            self.oldest.get_or_insert(pass.at);
            self.waiting
                .entry(pass.monitor_id)
                .or_insert((pass.at, pass.latency_us));
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let Some(oldest) = self.oldest else {
            return false;
        };
        let wait = self.total.clamp(1000, LONGEST_WAIT);
        let pages = self.total / ROWS_PER_PAGE + 1;
        self.waiting.len() >= pages * DENSE || now.since(oldest).as_millis() >= wait as u128
    }
}

/// Keeps steady passes pending until writing them is due.
pub async fn touch(
    tx: &mut Tx<'_>,
    passes: &[SteadyPass],
    now: Timestamp,
) -> Result<(), StoreError> {
    for pass in passes {
        let latest = (pass.at, pass.latency_us);
        tx.pending.waiting.insert(pass.monitor_id, latest);
    }
    if tx.pending.oldest.is_none() && !passes.is_empty() {
        tx.pending.oldest = Some(now);
    }
    if tx.pending.is_due(now) {
        flush(tx).await?;
    }
    Ok(())
}

/// Writes states at once.
pub async fn save(tx: &mut Tx<'_>, states: &[MonitorState]) -> Result<(), StoreError> {
    for monitor_state in states {
        tx.pending.waiting.remove(&monitor_state.monitor_id);
    }
    upsert(tx, states).await
}

/// Counts the failures of an endpoint from zero and makes its next check due; does nothing before its first check.
pub async fn start_over(
    tx: &mut Tx<'_>,
    id: MonitorId,
    next_check_at: Timestamp,
) -> Result<(), StoreError> {
    tx.pending.waiting.remove(&id);
    sqlx::query(
        "UPDATE monitor_state SET consecutive_failures = 0, next_check_at = $2
         WHERE monitor_id = $1 AND last_check_at IS NOT NULL",
    )
    .bind(id.0)
    .bind(next_check_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Writes all pending passes.
pub async fn flush(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.pending.oldest = None;
    // In the order of the table, so that neighbors share a page.
    let waiting = tx.pending.waiting.drain();
    let mut passes: Vec<SteadyPass> = waiting
        .map(|(monitor_id, (at, latency_us))| SteadyPass {
            monitor_id,
            at,
            latency_us,
        })
        .collect();
    passes.sort_unstable_by_key(|pass| pass.monitor_id);
    let written = upsert_passes(tx, &passes).await;
    tx.pending.writing.append(&mut passes);
    written?;
    let total: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM monitor_state")
        .fetch_one(&mut *tx.connection)
        .await?;
    tx.pending.total = usize::try_from(total).unwrap_or(0);
    Ok(())
}

/// Writes passes in chunks, so that memory never holds all of them twice.
async fn upsert_passes(tx: &mut Tx<'_>, passes: &[SteadyPass]) -> Result<(), StoreError> {
    for some in passes.chunks(FLUSHED_AT_ONCE) {
        let states: Vec<MonitorState> = some.iter().map(MonitorState::from).collect();
        upsert(tx, &states).await?;
    }
    Ok(())
}

/// Deletes the state of a removed monitor.
pub(in crate::store) async fn remove(tx: &mut Tx<'_>, id: MonitorId) -> Result<(), StoreError> {
    tx.pending.waiting.remove(&id);
    sqlx::query("DELETE FROM monitor_state WHERE monitor_id = $1")
        .bind(id.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

async fn upsert(tx: &mut Tx<'_>, states: &[MonitorState]) -> Result<(), StoreError> {
    for piece in pieces(states) {
        let sql = format!(
            "INSERT INTO monitor_state (monitor_id, last_check_at, last_seen_at, next_check_at, consecutive_failures, latency_us) VALUES {}
             ON CONFLICT (monitor_id) DO UPDATE SET last_check_at = excluded.last_check_at,
                last_seen_at = COALESCE(excluded.last_seen_at, monitor_state.last_seen_at),
                next_check_at = excluded.next_check_at, consecutive_failures = excluded.consecutive_failures, latency_us = excluded.latency_us",
            placeholders(piece.len(), 6)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for monitor_state in piece {
            query = query
                .bind(monitor_state.monitor_id.0)
                .bind(monitor_state.last_check_at.millis())
                .bind(monitor_state.last_seen_at.map(Timestamp::millis))
                .bind(monitor_state.next_check_at.map(Timestamp::millis))
                .bind(monitor_state.consecutive_failures)
                .bind(monitor_state.latency_us);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Restores from the log what was pending in memory when the process was killed.
pub async fn catch_up(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE monitor_state SET last_check_at = fresh.at, last_seen_at = COALESCE(fresh.passed_at, last_seen_at)
         FROM (SELECT monitor_id, MAX(at) AS at, MAX(CASE WHEN class = 0 THEN at END) AS passed_at
               FROM check_results WHERE id > (SELECT MAX(id) FROM check_results) - $1 GROUP BY monitor_id) AS fresh
         WHERE monitor_state.monitor_id = fresh.monitor_id AND COALESCE(monitor_state.last_check_at, 0) < fresh.at",
    )
    .bind(CATCH_UP_ROWS)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Resets the consecutive failures of these endpoints.
pub async fn reset_failures(tx: &mut Tx<'_>, ids: &[MonitorId]) -> Result<(), StoreError> {
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        let sql = format!(
            "UPDATE monitor_state SET consecutive_failures = 0 WHERE monitor_id IN {places}"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Forgets the failures and the next checks of monitors; endpoints are checked at their slots.
pub(in crate::store) async fn forget_failures(
    tx: &mut Tx<'_>,
    ids: &[MonitorId],
) -> Result<(), StoreError> {
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        let sql = format!(
            "UPDATE monitor_state SET consecutive_failures = 0, next_check_at = NULL WHERE monitor_id IN {places}"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoints::check_result::{CheckResult, Timings, Verdict};
    use crate::store::endpoints::check_result;
    use crate::store::testing::TestStore;

    fn monitor_state(id: i64, seconds: i64) -> MonitorState {
        let at = Timestamp::from_millis(seconds * 1000);
        MonitorState {
            monitor_id: MonitorId(id),
            last_check_at: at,
            last_seen_at: Some(at),
            next_check_at: None,
            consecutive_failures: 0,
            latency_us: 5,
        }
    }

    fn pass(id: i64, seconds: i64) -> SteadyPass {
        SteadyPass {
            monitor_id: MonitorId(id),
            at: Timestamp::from_millis(seconds * 1000),
            latency_us: 5,
        }
    }

    async fn stored(store: &TestStore) -> Vec<(i64, i64)> {
        store
            .rows("SELECT monitor_id, last_check_at FROM monitor_state ORDER BY monitor_id")
            .await
    }

    #[tokio::test]
    async fn a_steady_pass_is_pending_for_at_most_a_second_if_endpoints_are_few() {
        let store = TestStore::open().await;
        store
            .write(|tx| {
                Box::pin(async { touch(tx, &[pass(1, 10)], Timestamp::from_millis(10_000)).await })
            })
            .await;
        assert_eq!(stored(&store).await, []);
        store
            .write(|tx| {
                Box::pin(async { touch(tx, &[pass(2, 11)], Timestamp::from_millis(11_000)).await })
            })
            .await;
        assert_eq!(stored(&store).await, [(1, 10_000), (2, 11_000)]);
    }

    #[tokio::test]
    async fn a_saved_state_is_not_overwritten_by_an_older_pending_pass() {
        let store = TestStore::open().await;
        store
            .write(|tx| {
                Box::pin(async { touch(tx, &[pass(1, 10)], Timestamp::from_millis(10_000)).await })
            })
            .await;
        store
            .write(|tx| Box::pin(async { save(tx, &[monitor_state(1, 12)]).await }))
            .await;
        store.write(|tx| Box::pin(flush(tx))).await;
        assert_eq!(stored(&store).await, [(1, 12_000)]);
    }

    #[tokio::test]
    async fn a_failure_keeps_the_time_of_the_last_success() {
        let store = TestStore::open().await;
        store
            .write(|tx| Box::pin(async { save(tx, &[monitor_state(1, 10)]).await }))
            .await;
        let failed = MonitorState {
            last_seen_at: None,
            consecutive_failures: 1,
            ..monitor_state(1, 20)
        };
        store
            .write(move |tx| Box::pin(async move { save(tx, &[failed]).await }))
            .await;
        let rows: Vec<(i64, i64)> = store
            .rows("SELECT last_check_at, last_seen_at FROM monitor_state")
            .await;
        assert_eq!(rows, [(20_000, 10_000)]);
    }

    #[tokio::test]
    async fn passes_that_were_rolled_back_are_pending_again() {
        let store = TestStore::open().await;
        let at = Timestamp::from_millis(10_000);
        let failed: Result<(), StoreError> = store
            .writer
            .transact(move |tx| {
                Box::pin(async move {
                    touch(tx, &[pass(1, 10)], at).await?;
                    flush(tx).await?;
                    Err(StoreError::Closed)
                })
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(stored(&store).await, []);
        store.write(|tx| Box::pin(flush(tx))).await;
        assert_eq!(stored(&store).await, [(1, 10_000)]);
    }

    #[tokio::test]
    async fn pending_passes_are_restored_from_the_log_after_a_crash() {
        let store = TestStore::open().await;
        store
            .write(|tx| {
                Box::pin(async { save(tx, &[monitor_state(1, 10), monitor_state(2, 10)]).await })
            })
            .await;
        let at = Timestamp::from_millis(30_000);
        let passed = CheckResult {
            at,
            verdict: Verdict::Up,
            timings: Timings::default(),
            certificate: None,
        };
        let row = check_result::Row::new(MonitorId(1), &passed);
        store
            .write(move |tx| Box::pin(async move { check_result::append(tx, &[row]).await }))
            .await;
        store.write(|tx| Box::pin(catch_up(tx))).await;
        assert_eq!(stored(&store).await, [(1, 30_000), (2, 10_000)]);
    }
}
