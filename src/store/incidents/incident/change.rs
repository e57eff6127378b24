//! Statements that change one incident of a guild.

use crate::domain::Timestamp;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::GuildId;
use crate::store::{StoreError, Tx};

/// Runs a change by a person: $1 is the guild, $2 the incident, $3 the user, $4 a time. Returns whether a row changed.
pub(super) async fn by_person(
    tx: &mut Tx<'_>,
    (guild, id): (GuildId, IncidentId),
    (user, at): (u64, Timestamp),
    sql: &'static str,
) -> Result<bool, StoreError> {
    let changed = sqlx::query(sql)
        .bind(guild.to_row())
        .bind(id.0)
        .bind(GuildId(user).to_row())
        .bind(at.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(changed.rows_affected() > 0)
}

/// Runs a change of an incident: $1 is the guild, $2 now, $3 the incident. Returns whether a row changed.
pub(super) async fn at(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: IncidentId,
    now: Timestamp,
    sql: &'static str,
) -> Result<bool, StoreError> {
    let changed = sqlx::query(sql)
        .bind(guild.to_row())
        .bind(now.millis())
        .bind(id.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(changed.rows_affected() > 0)
}
