//! Flapping monitors and their incidents: an incident stays the same while its monitor goes offline and recovers.

use std::collections::BTreeSet;

use super::change::outage_ended;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::servers::metric_limit::OutageSource;
use crate::store::incidents::outage::{Opened, limit_from_row, limit_to_row};
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
    let stable: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT DISTINCT f.monitor_id, f.limit_id FROM outages f WHERE f.guild_id = $1 AND f.is_flapping = 1
             AND NOT EXISTS (SELECT 1 FROM outages o WHERE o.monitor_id = f.monitor_id AND o.limit_id = f.limit_id
                             AND (o.ended_at IS NULL OR o.ended_at > $2))",
    )
    .bind(guild.to_row())
    .bind(since.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    for (monitor, limit) in &stable {
        let source = OutageSource {
            monitor: MonitorId(*monitor),
            limit: limit_from_row(*limit),
        };
        stop_flapping_of(tx, source, now).await?;
    }
    Ok(stable.len() as u64)
}

/// Ends the flapping of a monitor by its status, or of one of its limits. The flapping of its incidents ends if nothing else in
/// them is flapping.
pub async fn stop_flapping_of(
    tx: &mut Tx<'_>,
    source: OutageSource,
    now: Timestamp,
) -> Result<(), StoreError> {
    let incidents: Vec<Option<i64>> = sqlx::query_scalar(
        "UPDATE outages SET is_flapping = 0 WHERE monitor_id = $1 AND limit_id = $2 AND is_flapping = 1 RETURNING incident_id",
    )
    .bind(source.monitor.0)
    .bind(limit_to_row(source.limit))
    .fetch_all(&mut *tx.connection)
    .await?;
    settled(tx, incidents, now).await
}

/// Ends the flapping of a monitor and of all its limits.
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
    settled(tx, incidents, now).await
}

async fn settled(
    tx: &mut Tx<'_>,
    incidents: Vec<Option<i64>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let incidents: BTreeSet<i64> = incidents.into_iter().flatten().collect();
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

#[derive(sqlx::FromRow)]
struct FlappingRow {
    id: i64,
    monitor_id: i64,
    limit_id: i64,
    reason: String,
    incident_id: i64,
    started_at: i64,
}

/// An outage of a flapping monitor that is still open, and its incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlappingOutage {
    pub opened: Opened,
    pub incident: IncidentId,
}

/// The open outages of a guild's flapping monitors that started before the given time.
pub async fn flapping_since(
    tx: &mut Tx<'_>,
    guild: GuildId,
    before: Timestamp,
) -> Result<Vec<FlappingOutage>, StoreError> {
    let rows: Vec<FlappingRow> = sqlx::query_as(
        "SELECT id, monitor_id, limit_id, reason, incident_id, started_at FROM outages
         WHERE guild_id = $1 AND is_flapping = 1 AND ended_at IS NULL AND started_at <= $2 AND incident_id IS NOT NULL
         ORDER BY started_at, id",
    )
    .bind(guild.to_row())
    .bind(before.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    let outage = |row: FlappingRow| {
        let damaged = |_| StoreError::Damaged("the reason of an outage".into());
        Ok(FlappingOutage {
            opened: Opened {
                id: row.id,
                monitor: MonitorRef {
                    guild,
                    id: MonitorId(row.monitor_id),
                },
                started_at: Timestamp::from_millis(row.started_at),
                reason: row.reason.parse().map_err(damaged)?,
                limit: limit_from_row(row.limit_id),
            },
            incident: IncidentId(row.incident_id),
        })
    };
    rows.into_iter().map(outage).collect()
}

/// Records that the outage of a flapping monitor moved to another incident. Its old incident ends if none of its outages is
/// open.
pub async fn outage_left(
    tx: &mut Tx<'_>,
    left: FlappingOutage,
    to: IncidentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let source = left.opened.source();
    stop_flapping_of(tx, source, now).await?;
    sqlx::query(
        "UPDATE outages SET continued_by = $3
         WHERE id = (SELECT MAX(id) FROM outages WHERE incident_id = $1 AND monitor_id = $2 AND limit_id = $4)",
    )
    .bind(left.incident.0)
    .bind(source.monitor.0)
    .bind(to.0)
    .bind(limit_to_row(source.limit))
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
