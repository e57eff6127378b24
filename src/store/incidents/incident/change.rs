//! Changes of one incident that several of its files share.

use crate::domain::Timestamp;
use crate::domain::discord_id::UserId;
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::store::{Effect, StoreError, Tx};

/// Runs a change by a person: $1 is the guild, $2 the incident, $3 the user, $4 a time.
pub(super) async fn by_person(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    user: UserId,
    at: Timestamp,
    sql: &'static str,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(sql)
        .bind(incident.guild.to_row())
        .bind(incident.id.0)
        .bind(user.to_row())
        .bind(at.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(Effect::of(&changed))
}

/// Runs a change of an incident: $1 is the guild, $2 now, $3 the incident.
pub(super) async fn at(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    now: Timestamp,
    sql: &'static str,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(sql)
        .bind(incident.guild.to_row())
        .bind(now.millis())
        .bind(incident.id.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(Effect::of(&changed))
}

/// Records that an outage of an incident ended. The incident ends with its last open outage.
pub async fn outage_ended(
    tx: &mut Tx<'_>,
    id: IncidentId,
    ended_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET revision = revision + 1, ended_at = CASE WHEN EXISTS
             (SELECT 1 FROM outages WHERE incident_id = $1 AND ended_at IS NULL) THEN NULL ELSE $2 END
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(ended_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    sqlx::query(
        "UPDATE outages SET ended_revision = (SELECT revision FROM incidents WHERE id = $1)
         WHERE incident_id = $1 AND ended_at IS NOT NULL AND ended_revision IS NULL",
    )
    .bind(id.0)
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}
