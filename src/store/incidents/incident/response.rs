//! Responses to incidents: rechecks, reminders, and the mentioned role.

use crate::domain::Timestamp;
use crate::domain::discord_id::{GuildId, RoleId, UserId};
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::notifications::alert_policy::EscalationState;
use crate::store::{Effect, Reader, StoreError, Tx};

/// Records the result of a recheck that a user requested for an incident.
pub async fn rechecked(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    user: UserId,
    result: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET rechecked_at = $4, rechecked_by = $3, rechecked_result = $5, revision = revision + 1 WHERE guild_id = $1 AND id = $2",
    )
    .bind(incident.guild.to_row())
    .bind(incident.id.0)
    .bind(user.to_row())
    .bind(now.millis())
    .bind(result)
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// Sets the role that an incident mentions instead of its guild's role.
pub async fn set_role(tx: &mut Tx<'_>, id: IncidentId, role: RoleId) -> Result<(), StoreError> {
    sqlx::query("UPDATE incidents SET role_id = $2 WHERE id = $1")
        .bind(id.0)
        .bind(role.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// The role that an incident mentions: its own, or that of its guild.
pub async fn role(reader: &Reader, id: IncidentId) -> Result<Option<RoleId>, StoreError> {
    let role: Option<Option<i64>> = sqlx::query_scalar(
        "SELECT COALESCE(i.role_id, s.role_id) FROM incidents i LEFT JOIN alert_settings s ON s.guild_id = i.guild_id
         WHERE i.id = $1",
    )
    .bind(id.0)
    .fetch_optional(&reader.pool)
    .await?;
    Ok(role.flatten().map(RoleId::from_row))
}

/// Gives an incident the role of another one.
pub async fn copy_role(
    tx: &mut Tx<'_>,
    id: IncidentId,
    other: IncidentId,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET role_id = (SELECT role_id FROM incidents WHERE id = $2) WHERE id = $1",
    )
    .bind(id.0)
    .bind(other.0)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The open incidents of a guild that are not acknowledged, muted or not.
pub async fn unacknowledged(
    reader: &Reader,
    guild: GuildId,
) -> Result<Vec<IncidentId>, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM incidents WHERE guild_id = $1 AND ended_at IS NULL AND kind = 'incident' AND acknowledged_at IS NULL
         ORDER BY id",
    )
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    Ok(ids.into_iter().map(IncidentId).collect())
}

#[derive(sqlx::FromRow)]
struct WaitingRow {
    id: i64,
    escalation_starts_at: i64,
    is_reminded: bool,
    is_escalated: bool,
}

/// The open incidents of a guild that may need a reminder or an escalation because they are not acknowledged, with those
/// already sent. Silenced incidents are omitted.
pub async fn waiting(
    reader: &Reader,
    guild: GuildId,
    now: Timestamp,
) -> Result<Vec<(IncidentId, EscalationState)>, StoreError> {
    let rows: Vec<WaitingRow> = sqlx::query_as(
        "SELECT id, escalation_starts_at, reminded_at IS NOT NULL AS is_reminded, escalated_at IS NOT NULL AS is_escalated
         FROM incidents c
         WHERE guild_id = $1 AND ended_at IS NULL AND kind = 'incident' AND acknowledged_at IS NULL
             AND EXISTS (SELECT 1 FROM open_outages o WHERE o.incident_id = c.id AND o.notify = 1
                         AND NOT EXISTS (SELECT 1 FROM silenced_monitors x WHERE x.monitor_id = o.monitor_id
                                         AND x.starts_at <= $2 AND x.ends_at > $2))",
    )
    .bind(guild.to_row())
    .bind(now.millis())
    .fetch_all(&reader.pool)
    .await?;
    let state = |row: WaitingRow| {
        let state = EscalationState {
            escalation_starts_at: Timestamp::from_millis(row.escalation_starts_at),
            is_reminded: row.is_reminded,
            is_escalated: row.is_escalated,
        };
        (IncidentId(row.id), state)
    };
    Ok(rows.into_iter().map(state).collect())
}

/// Records a reminder or an escalation; `Nothing` if it was already recorded, or is no longer needed.
pub async fn mark_reminded(
    tx: &mut Tx<'_>,
    id: IncidentId,
    is_escalation: bool,
    now: Timestamp,
) -> Result<Effect, StoreError> {
    let column = if is_escalation {
        "escalated_at"
    } else {
        "reminded_at"
    };
    let sql = format!(
        "UPDATE incidents SET {column} = $2 WHERE id = $1 AND {column} IS NULL AND acknowledged_at IS NULL AND ended_at IS NULL"
    );
    let changed = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id.0)
        .bind(now.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(Effect::of(&changed))
}
