//! Flapping monitors and their incidents: an incident stays the same while its monitor goes offline and recovers.

use super::change::outage_ended;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::store::{Reader, StoreError, Tx};

/// Reopens an incident because its monitor is flapping. If it had ended, escalation restarts now: the time online does not
/// count.
pub async fn reopen(tx: &mut Tx<'_>, id: IncidentId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET joined_at = $2, revision = revision + 1, flapping_since = COALESCE(flapping_since, $2),
             escalation_starts_at = CASE WHEN ended_at IS NULL THEN escalation_starts_at ELSE $2 END,
             ended_at = NULL, flapping_ended_at = NULL
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// The guilds with a flapping monitor.
pub async fn guilds_with_flapping(reader: &Reader) -> Result<Vec<GuildId>, StoreError> {
    let rows: Vec<i64> =
        sqlx::query_scalar("SELECT DISTINCT guild_id FROM outages WHERE is_flapping = 1")
            .fetch_all(&reader.pool)
            .await?;
    Ok(rows.into_iter().map(GuildId::from_row).collect())
}

/// Ends the flapping of a guild's monitors that have been online since the given time; returns how many.
pub async fn end_flapping(
    tx: &mut Tx<'_>,
    guild: GuildId,
    since: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let stable: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT f.monitor_id FROM outages f WHERE f.guild_id = $1 AND f.is_flapping = 1
             AND NOT EXISTS (SELECT 1 FROM outages o WHERE o.monitor_id = f.monitor_id AND (o.ended_at IS NULL OR o.ended_at > $2))",
    )
    .bind(guild.to_row())
    .bind(since.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    for monitor in &stable {
        stop_flapping(tx, MonitorId(*monitor), now).await?;
    }
    Ok(stable.len() as u64)
}

/// Ends the flapping of a monitor. The flapping of its incidents ends if none of their other monitors is flapping.
pub async fn stop_flapping(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let incidents: Vec<Option<i64>> = sqlx::query_scalar(
        "UPDATE outages SET is_flapping = 0 WHERE monitor_id = $1 AND is_flapping = 1 RETURNING incident_id",
    )
    .bind(monitor.0)
    .fetch_all(&mut *tx.connection)
    .await?;
    let mut incidents: Vec<i64> = incidents.into_iter().flatten().collect();
    incidents.sort_unstable();
    incidents.dedup();
    for incident in incidents {
        monitor_settled(tx, IncidentId(incident), now).await?;
    }
    Ok(())
}

/// Records that a monitor of an incident is no longer flapping.
async fn monitor_settled(
    tx: &mut Tx<'_>,
    id: IncidentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET revision = revision + 1, flapping_ended_at = CASE WHEN EXISTS
             (SELECT 1 FROM outages WHERE incident_id = $1 AND is_flapping = 1) THEN NULL ELSE $2 END
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// A flapping monitor whose outage is still open: the outage, when it started, and its incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlappingOutage {
    pub id: i64,
    pub monitor: MonitorRef,
    pub incident: IncidentId,
    pub started_at: Timestamp,
}

/// The open outages of a guild's flapping monitors that started before the given time.
pub async fn flapping_since(
    tx: &mut Tx<'_>,
    guild: GuildId,
    before: Timestamp,
) -> Result<Vec<FlappingOutage>, StoreError> {
    let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT id, monitor_id, incident_id, started_at FROM outages
         WHERE guild_id = $1 AND is_flapping = 1 AND ended_at IS NULL AND started_at <= $2 AND incident_id IS NOT NULL
         ORDER BY started_at, id",
    )
    .bind(guild.to_row())
    .bind(before.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    let outage = |(id, monitor, incident, started_at)| FlappingOutage {
        id,
        monitor: MonitorRef {
            guild,
            id: MonitorId(monitor),
        },
        incident: IncidentId(incident),
        started_at: Timestamp::from_millis(started_at),
    };
    Ok(rows.into_iter().map(outage).collect())
}

/// Records that the outage of a flapping monitor moved to another incident. Its old incident ends if none of its outages is
/// open.
pub async fn outage_left(
    tx: &mut Tx<'_>,
    left: FlappingOutage,
    to: IncidentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    stop_flapping(tx, left.monitor.id, now).await?;
    sqlx::query(
        "UPDATE outages SET continued_by = $3
         WHERE id = (SELECT MAX(id) FROM outages WHERE incident_id = $1 AND monitor_id = $2)",
    )
    .bind(left.incident.0)
    .bind(left.monitor.id.0)
    .bind(to.0)
    .execute(&mut *tx.connection)
    .await?;
    monitor_settled(tx, left.incident, now).await?;
    outage_ended(tx, left.incident, now).await
}

/// The incidents of a guild's monitors that were flapping and then stayed offline.
pub async fn continuing(tx: &mut Tx<'_>, guild: GuildId) -> Result<Vec<IncidentId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT continued_by FROM outages WHERE guild_id = $1 AND continued_by IS NOT NULL",
    )
    .bind(guild.to_row())
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(IncidentId).collect())
}
