//! Silences of incidents: mutes and maintenance windows of their monitors.

use super::change::{self, by_person};
use crate::domain::Timestamp;
use crate::domain::discord_id::UserId;
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::monitor::MonitorId;
use crate::store::silences::maintenance::{MaintenanceId, covers, is_in_maintenance};
use crate::store::{StoreError, Tx};

/// SQL that is true if the incident `c` has an open outage `i` that meets a condition; `$1` is its guild, `$2` now.
macro_rules! any_open_outage {
    ($($what:tt)*) => {
        concat!(
            "EXISTS (SELECT 1 FROM outages i WHERE i.incident_id = c.id AND i.ended_at IS NULL AND ",
            $($what)*,
            ")"
        )
    };
}

macro_rules! is_muted {
    () => {
        "EXISTS (SELECT 1 FROM mutes u WHERE u.monitor_id = i.monitor_id AND u.until > $2)"
    };
}

/// SQL that is true if the incident `c` has an open outage whose monitor causes notifications and is neither muted nor in
/// maintenance.
macro_rules! is_notifiable {
    () => {
        $crate::store::incidents::incident::silence::any_open_outage!(
            "NOT ",
            $crate::store::incidents::incident::silence::is_muted!(),
            " AND NOT EXISTS (SELECT 1 FROM alert_overrides o WHERE o.monitor_id = i.monitor_id AND o.notify = 0) AND NOT ",
            $crate::store::silences::maintenance::is_in_maintenance!("$1", "i.monitor_id")
        )
    };
}
pub(super) use {any_open_outage, is_muted, is_notifiable};

/// Records who muted the monitors of an incident; `false` if the guild has no such open incident.
pub async fn mute(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    user: UserId,
    until: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE incidents SET muted_until = $4, muted_by = $3, revision = revision + 1
         WHERE guild_id = $1 AND id = $2 AND ended_at IS NULL";
    by_person(tx, incident, user, until, SQL).await
}

/// Records who scheduled maintenance for the monitors of an incident; `false` if the guild has no such open incident.
pub async fn maintain(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    user: UserId,
    until: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE incidents SET maintained_until = $4, maintained_by = $3, revision = revision + 1
         WHERE guild_id = $1 AND id = $2 AND ended_at IS NULL";
    by_person(tx, incident, user, until, SQL).await
}

/// The incidents with an open outage that a running maintenance window covers.
pub async fn silenced_by(
    tx: &mut Tx<'_>,
    id: MaintenanceId,
) -> Result<Vec<IncidentId>, StoreError> {
    let incidents: Vec<i64> = sqlx::query_scalar(concat!(
        "SELECT DISTINCT i.incident_id FROM maintenance_windows w JOIN outages i ON i.guild_id = w.guild_id
         WHERE w.id = $1 AND w.is_running = 1 AND i.ended_at IS NULL AND i.incident_id IS NOT NULL AND ",
        covers!("i.monitor_id")
    ))
    .bind(id.0)
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(incidents.into_iter().map(IncidentId).collect())
}

/// The incident of a monitor's open outage.
pub async fn of_monitor(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
) -> Result<Option<IncidentId>, StoreError> {
    let incident: Option<i64> = sqlx::query_scalar(
        "SELECT incident_id FROM outages WHERE monitor_id = $1 AND ended_at IS NULL AND incident_id IS NOT NULL",
    )
    .bind(monitor.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(incident.map(IncidentId))
}

/// Updates an incident after a mute or a maintenance window has ended: removes silences that no longer apply, and
/// restarts its escalation now. Returns whether it is unacknowledged and has an open outage that is not silenced.
pub async fn unsilence(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const CLEAR: &str = concat!(
        "UPDATE incidents AS c SET revision = revision + 1,
             muted_until = CASE WHEN ",
        any_open_outage!(is_muted!()),
        " THEN muted_until END,
             maintained_until = CASE WHEN ",
        any_open_outage!(is_in_maintenance!("$1", "i.monitor_id")),
        " THEN maintained_until END
         WHERE guild_id = $1 AND id = $3 AND ended_at IS NULL AND (muted_until IS NOT NULL OR maintained_until IS NOT NULL)"
    );
    const RESTART: &str = concat!(
        "UPDATE incidents AS c SET escalation_starts_at = $2
         WHERE guild_id = $1 AND id = $3 AND ended_at IS NULL AND acknowledged_at IS NULL AND ",
        is_notifiable!()
    );
    if change::at(tx, incident, now, CLEAR).await? {
        tx.wrote_event = true;
    }
    change::at(tx, incident, now, RESTART).await
}
