//! When each monitor was in maintenance. The silences decide it; what they covered is recorded here, because a group has other
//! members later and a window moves on to its next occurrence.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::store::{Reader, StoreError, Tx};

/// The condition that a monitor of `silenced_monitors` (`x`) is in maintenance at `$2`.
const IS_COVERED: &str = "x.kind = 'maintenance' AND x.starts_at <= $2 AND x.ends_at > $2";

/// Begins the maintenance of monitors of a guild that a window covers at a time, and ends that of those that none does. Returns how
/// many began or ended.
pub async fn follow(tx: &mut Tx<'_>, guild: GuildId, at: Timestamp) -> Result<u64, StoreError> {
    let ended = format!(
        "UPDATE maintenance_spans SET ended_at = MAX(began_at, $2)
         WHERE guild_id = $1 AND ended_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM silenced_monitors x WHERE x.monitor_id = maintenance_spans.monitor_id AND {IS_COVERED})"
    );
    let began = format!(
        "INSERT INTO maintenance_spans (monitor_id, began_at, guild_id)
         SELECT m.id, MAX($2, m.created_at), m.guild_id FROM monitors m
         WHERE m.guild_id = $1
             AND EXISTS (SELECT 1 FROM silenced_monitors x WHERE x.monitor_id = m.id AND {IS_COVERED})
             AND NOT EXISTS (SELECT 1 FROM maintenance_spans s WHERE s.guild_id = $1 AND s.monitor_id = m.id AND s.ended_at IS NULL)
         ON CONFLICT (monitor_id, began_at) DO UPDATE SET ended_at = NULL"
    );
    let mut changed = 0;
    for sql in [ended, began] {
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(guild.to_row())
            .bind(at.millis())
            .execute(&mut *tx.connection)
            .await?;
        changed += rows.rows_affected();
    }
    Ok(changed)
}

/// Whether what is recorded of a guild is what its windows cover at a time.
pub async fn is_followed(
    reader: &Reader,
    guild: GuildId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let differs: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT EXISTS (
             SELECT 1 FROM monitors m WHERE m.guild_id = $1
                 AND EXISTS (SELECT 1 FROM silenced_monitors x WHERE x.monitor_id = m.id AND {IS_COVERED})
                 <> EXISTS (SELECT 1 FROM maintenance_spans s WHERE s.guild_id = $1 AND s.monitor_id = m.id AND s.ended_at IS NULL))"
    )))
    .bind(guild.to_row())
    .bind(at.millis())
    .fetch_one(&reader.pool)
    .await?;
    Ok(!differs)
}

/// Ends the maintenance of a monitor that is removed.
pub async fn end(tx: &mut Tx<'_>, monitor: MonitorId, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE maintenance_spans SET ended_at = MAX(began_at, $2) WHERE monitor_id = $1 AND ended_at IS NULL",
    )
    .bind(monitor.0)
    .bind(at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The guilds in which a window of maintenance is open, or the maintenance of a monitor goes on.
pub async fn guilds(reader: &Reader, now: Timestamp) -> Result<Vec<GuildId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT guild_id FROM silences WHERE kind = 'maintenance' AND (is_started = 1 OR starts_at <= $1) AND ends_at > $1
         UNION SELECT guild_id FROM maintenance_spans WHERE ended_at IS NULL AND guild_id >= 0",
    )
    .bind(now.millis())
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(GuildId::from_row).collect())
}
