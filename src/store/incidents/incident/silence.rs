//! Silences of incidents: mutes and maintenance windows of their monitors.

use super::change::{self, by_person};
use crate::domain::Timestamp;
use crate::domain::discord_id::UserId;
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::silences::silence::SilenceId;
use crate::store::{Effect, StoreError, Tx};

/// Records who muted the monitors of an incident; `Nothing` if the guild has no such open incident.
pub async fn mute(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    user: UserId,
    until: Timestamp,
) -> Result<Effect, StoreError> {
    const SQL: &str =
        "UPDATE incidents SET muted_until = $4, muted_by = $3, revision = revision + 1
         WHERE guild_id = $1 AND id = $2 AND ended_at IS NULL";
    by_person(tx, incident, user, until, SQL).await
}

/// Records who scheduled maintenance for the monitors of an incident; `Nothing` if the guild has no such open incident.
pub async fn maintain(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    user: UserId,
    until: Timestamp,
) -> Result<Effect, StoreError> {
    const SQL: &str =
        "UPDATE incidents SET maintained_until = $4, maintained_by = $3, revision = revision + 1
         WHERE guild_id = $1 AND id = $2 AND ended_at IS NULL";
    by_person(tx, incident, user, until, SQL).await
}

/// The incidents with an open outage of a monitor that a silence covers, if the silence has started.
pub async fn silenced_by(
    tx: &mut Tx<'_>,
    id: SilenceId,
    now: Timestamp,
) -> Result<Vec<IncidentId>, StoreError> {
    let incidents: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT o.incident_id FROM silenced_monitors x JOIN outages o ON o.monitor_id = x.monitor_id
         WHERE x.silence_id = $1 AND x.starts_at <= $2 AND o.ended_at IS NULL AND o.incident_id IS NOT NULL",
    )
    .bind(id.0)
    .bind(now.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(incidents.into_iter().map(IncidentId).collect())
}

/// Updates an incident after a mute or a maintenance window has ended: removes silences that no longer apply, and
/// restarts its escalation now. Returns whether it is unacknowledged and has an open outage that is not silenced.
pub async fn unsilence(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const CLEAR: &str = "UPDATE incidents AS c SET revision = revision + 1,
             muted_until = CASE WHEN EXISTS (
                 SELECT 1 FROM open_outages o JOIN silenced_monitors x ON x.monitor_id = o.monitor_id
                 WHERE o.incident_id = c.id AND x.kind = 'mute' AND x.starts_at <= $2 AND x.ends_at > $2) THEN muted_until END,
             maintained_until = CASE WHEN EXISTS (
                 SELECT 1 FROM open_outages o JOIN silenced_monitors x ON x.monitor_id = o.monitor_id
                 WHERE o.incident_id = c.id AND x.kind = 'maintenance' AND x.starts_at <= $2 AND x.ends_at > $2) THEN maintained_until END
         WHERE guild_id = $1 AND id = $3 AND ended_at IS NULL AND (muted_until IS NOT NULL OR maintained_until IS NOT NULL)";
    const RESTART: &str = "UPDATE incidents AS c SET escalation_starts_at = $2
         WHERE guild_id = $1 AND id = $3 AND ended_at IS NULL AND acknowledged_at IS NULL
             AND EXISTS (SELECT 1 FROM open_outages o WHERE o.incident_id = c.id AND o.notify = 1
                         AND NOT EXISTS (SELECT 1 FROM silenced_monitors x WHERE x.monitor_id = o.monitor_id
                                         AND x.starts_at <= $2 AND x.ends_at > $2))";
    if change::at(tx, incident, now, CLEAR).await? == Effect::Changed {
        tx.wrote_event = true;
    }
    Ok(change::at(tx, incident, now, RESTART).await? == Effect::Changed)
}
