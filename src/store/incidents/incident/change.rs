//! Statements that change one incident of a guild.

use crate::domain::Timestamp;
use crate::domain::discord_id::UserId;
use crate::domain::incidents::grouping::IncidentRef;
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
