//! Incidents: from the moment an endpoint stopped being online until it is back. At most one is open per monitor.

use super::rows::{pieces, placeholders};
use super::{StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::grouping::IncidentId;
use crate::domain::monitor::{GuildId, MonitorId};

/// Opens an incident, dated at the first failure, and answers its id; `None` where one is open already, which stays as it is.
pub async fn open(
    tx: &mut Tx<'_>,
    (guild, monitor): (GuildId, MonitorId),
    (started_at, reason): (Timestamp, &str),
) -> Result<Option<i64>, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO outages (guild_id, monitor_id, started_at, reason) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(guild.to_row())
    .bind(monitor.0)
    .bind(started_at.millis())
    .bind(reason)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(id)
}

/// An incident that was opened: whose, its id, its beginning.
pub type Opened = ((GuildId, MonitorId), i64, Timestamp);

/// Opens an incident for each of these monitors, with its beginning, all for one reason; answers those that had none.
pub async fn open_all(
    tx: &mut Tx<'_>,
    monitors: &[((GuildId, MonitorId), Timestamp)],
    reason: &str,
) -> Result<Vec<Opened>, StoreError> {
    let mut opened = Vec::with_capacity(monitors.len());
    for piece in pieces(monitors) {
        let places = placeholders(piece.len(), 4);
        let sql = format!(
            "INSERT INTO outages (guild_id, monitor_id, started_at, reason) VALUES {places}
             ON CONFLICT DO NOTHING RETURNING guild_id, monitor_id, id, started_at"
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for ((guild, monitor), started_at) in piece {
            query = query
                .bind(guild.to_row())
                .bind(monitor.0)
                .bind(started_at.millis())
                .bind(reason);
        }
        let rows: Vec<(i64, i64, i64, i64)> = query.fetch_all(&mut *tx.connection).await?;
        opened.extend(rows.into_iter().map(|(guild, monitor, id, started_at)| {
            let whose = (GuildId::from_row(guild), MonitorId(monitor));
            (whose, id, Timestamp::from_millis(started_at))
        }));
    }
    Ok(opened)
}

/// Puts an incident onto a card.
pub async fn add_to(tx: &mut Tx<'_>, id: i64, incident: IncidentId) -> Result<(), StoreError> {
    sqlx::query("UPDATE outages SET incident_id = $2 WHERE id = $1")
        .bind(id)
        .bind(incident.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Marks an incident as one that was expected.
pub async fn mark_in_maintenance(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE outages SET is_in_maintenance = 1 WHERE id = $1")
        .bind(id)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// The open incident of a monitor that is on no card, by id, with its beginning and its reason.
pub async fn unnotified(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
) -> Result<Option<(i64, Timestamp, String)>, StoreError> {
    let found: Option<(i64, i64, String)> = sqlx::query_as(
        "SELECT id, started_at, reason FROM outages WHERE monitor_id = $1 AND ended_at IS NULL AND incident_id IS NULL",
    )
    .bind(monitor.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(found.map(|(id, started_at, reason)| (id, Timestamp::from_millis(started_at), reason)))
}

/// How many incidents of a monitor are looked at to tell whether it flaps.
const RECENT: usize = 10;

/// The last incidents of a monitor, the newest first, and the card that the one before the newest is on.
pub async fn recent(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
) -> Result<(Vec<(Timestamp, Option<Timestamp>)>, Option<IncidentId>), StoreError> {
    let rows: Vec<(i64, Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT started_at, ended_at, incident_id FROM outages WHERE monitor_id = $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(monitor.0)
    .bind(i64::try_from(RECENT).unwrap_or(i64::MAX))
    .fetch_all(&mut *tx.connection)
    .await?;
    let incident = rows.iter().skip(1).find_map(|(_, _, incident)| *incident);
    let lasted = |(began, ended, _): (i64, Option<i64>, Option<i64>)| {
        (
            Timestamp::from_millis(began),
            ended.map(Timestamp::from_millis),
        )
    };
    Ok((
        rows.into_iter().map(lasted).collect(),
        incident.map(IncidentId),
    ))
}

/// The monitors of a guild with an open incident that is on no card.
pub async fn unnotified_of(tx: &mut Tx<'_>, guild: GuildId) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM outages
         WHERE guild_id = $1 AND ended_at IS NULL AND incident_id IS NULL ORDER BY started_at, id",
    )
    .bind(guild.to_row())
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// Ends the open incident of a monitor, if there is one, and answers the card that it is on.
pub async fn close(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    ended_at: Timestamp,
) -> Result<Option<IncidentId>, StoreError> {
    let incident: Option<Option<i64>> = sqlx::query_scalar(
        "UPDATE outages SET ended_at = $2 WHERE monitor_id = $1 AND ended_at IS NULL RETURNING incident_id",
    )
    .bind(monitor.0)
    .bind(ended_at.millis())
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(incident.flatten().map(IncidentId))
}

/// Takes back the open incident of a monitor, if there is one: it was none. Answers the card that it was on.
pub async fn withdraw(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
) -> Result<Option<IncidentId>, StoreError> {
    let incident: Option<Option<i64>> = sqlx::query_scalar(
        "DELETE FROM outages WHERE monitor_id = $1 AND ended_at IS NULL RETURNING incident_id",
    )
    .bind(monitor.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(incident.flatten().map(IncidentId))
}

/// Deletes up to `limit` incidents that ended before an instant; says how many went.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM outages WHERE id IN
         (SELECT id FROM outages WHERE ended_at < $1 AND id < (SELECT MIN(id) FROM outages) + $2)",
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
    async fn at_most_one_is_open_and_it_keeps_its_beginning() {
        let store = TestStore::open().await;
        let at = Timestamp::from_millis;
        let opened = store
            .write(move |tx| {
                Box::pin(async move {
                    let whose = (GuildId(1), MonitorId(1));
                    let first = open(tx, whose, (at(10), "refused")).await?;
                    let second = open(tx, whose, (at(20), "timed_out")).await?;
                    close(tx, MonitorId(1), at(30)).await?;
                    let third = open_all(tx, &[(whose, at(40)), (whose, at(50))], "silent").await?;
                    Ok((first.is_some(), second.is_some(), third.len()))
                })
            })
            .await;
        assert_eq!(opened, (true, false, 1));
        let rows: Vec<(i64, i64)> = store
            .rows("SELECT started_at, COALESCE(ended_at, 0) FROM outages ORDER BY id")
            .await;
        assert_eq!(rows, [(10, 30), (40, 0)]);
    }
}
