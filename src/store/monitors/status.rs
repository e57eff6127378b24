//! The status of monitors of every kind. Only `actions/transition` writes it.

use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{StoreError, Tx};

/// A status to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewStatus {
    pub id: MonitorId,
    pub from: Status,
    pub to: Status,
    pub since: Timestamp,
}

/// Sets statuses in order. Neighbors with the same values share a statement.
pub async fn set(tx: &mut Tx<'_>, statuses: &[NewStatus]) -> Result<(), StoreError> {
    let values = |one: &NewStatus| (one.from == Status::Offline, one.to, one.since);
    for run in statuses.chunk_by(|one, next| values(one) == values(next)) {
        for piece in pieces(run) {
            set_piece(tx, piece).await?;
        }
    }
    Ok(())
}

/// All of the piece have the same values.
async fn set_piece(tx: &mut Tx<'_>, piece: &[NewStatus]) -> Result<(), StoreError> {
    let Some(first) = piece.first() else {
        return Ok(());
    };
    let (status, since) = (first.to, first.since);
    let (places, count) = (placeholders(1, piece.len()), piece.len());
    let sql = format!(
        "UPDATE monitors SET status = ${}, since = ${} WHERE id IN {places}",
        count + 1,
        count + 2
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(count == 1);
    for one in piece {
        query = query.bind(one.id.0);
    }
    query
        .bind(status.as_str())
        .bind(since.millis())
        .execute(&mut *tx.connection)
        .await?;
    let (was_active, is_active) = (first.from != Status::Offline, status != Status::Offline);
    if was_active != is_active {
        // An inactive endpoint is checked by the recheck job, by the time of its last check.
        let sql = format!(
            "UPDATE endpoint_targets SET is_active = ${}, inactive_checked_at = NULL WHERE monitor_id IN {places}",
            count + 1
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(count == 1);
        for one in piece {
            query = query.bind(one.id.0);
        }
        query.bind(is_active).execute(&mut *tx.connection).await?;
    }
    for one in piece {
        tx.cache.standings.remove(&one.id);
        tx.cache.states.set_status(one.id, status, since);
    }
    Ok(())
}
