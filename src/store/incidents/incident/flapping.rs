//! Incidents of flapping monitors: they stay the same incident while the monitor goes offline and recovers.

use super::change::outage_ended;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::store::{Reader, StoreError, Tx};

/// Reopens an incident because its monitor is flapping. Escalation restarts now, because the time online does not count.
pub async fn reopen(tx: &mut Tx<'_>, id: IncidentId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET ended_at = NULL, flapping_ended_at = NULL, continued_by = NULL, joined_at = $2, escalation_starts_at = $2, revision = revision + 1,
             flapping_since = COALESCE(flapping_since, $2)
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// Ends the flapping of incidents that ended before the given time; returns how many.
pub async fn end_flapping(
    tx: &mut Tx<'_>,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let changed = sqlx::query(
        "UPDATE incidents SET flapping_ended_at = $2, revision = revision + 1
         WHERE flapping_since IS NOT NULL AND flapping_ended_at IS NULL AND ended_at <= $1",
    )
    .bind(before.millis())
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event |= changed.rows_affected() > 0;
    Ok(changed.rows_affected())
}

/// Whether any incident is about a flapping monitor.
pub async fn has_flapping(reader: &Reader) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM incidents WHERE flapping_since IS NOT NULL AND flapping_ended_at IS NULL)",
    )
    .fetch_one(&reader.pool)
    .await?;
    Ok(found)
}

/// A flapping monitor whose outage is still open: the outage, when it started, and its incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlappingOutage {
    pub id: i64,
    pub monitor: MonitorRef,
    pub incident: IncidentId,
    pub started_at: Timestamp,
}

/// The open outages of flapping monitors that started before the given time.
pub async fn flapping_since(
    tx: &mut Tx<'_>,
    before: Timestamp,
) -> Result<Vec<FlappingOutage>, StoreError> {
    let rows: Vec<(i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT o.id, o.guild_id, o.monitor_id, o.incident_id, o.started_at
         FROM incidents c JOIN outages o ON o.incident_id = c.id
         WHERE c.flapping_since IS NOT NULL AND c.flapping_ended_at IS NULL AND c.ended_at IS NULL
             AND o.is_flapping = 1 AND o.ended_at IS NULL AND o.started_at <= $1
         ORDER BY o.started_at, o.id",
    )
    .bind(before.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    let outage = |(id, guild, monitor, incident, started_at)| FlappingOutage {
        id,
        monitor: MonitorRef {
            guild: GuildId::from_row(guild),
            id: MonitorId(monitor),
        },
        incident: IncidentId(incident),
        started_at: Timestamp::from_millis(started_at),
    };
    Ok(rows.into_iter().map(outage).collect())
}

/// Records that an outage moved from an incident to another. The incident ends if none of its outages is open; its flapping
/// ends if no monitor with an open outage is flapping.
pub async fn outage_left(
    tx: &mut Tx<'_>,
    id: IncidentId,
    to: IncidentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET continued_by = $3, flapping_ended_at = CASE WHEN EXISTS
             (SELECT 1 FROM outages WHERE incident_id = $1 AND ended_at IS NULL AND is_flapping = 1) THEN flapping_ended_at ELSE $2 END
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .bind(to.0)
    .execute(&mut *tx.connection)
    .await?;
    outage_ended(tx, id, now).await
}
