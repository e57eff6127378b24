//! Mutes: monitors for which no notifications are sent until a given time.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::store::{Effect, Reader, StoreError, Tx};

/// A mute with the name of its monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
    pub name: String,
    pub until: Timestamp,
    /// An actor, as in the audit log.
    pub muted_by: String,
}

/// Mutes a monitor until the given time; replaces an existing mute.
pub async fn set(
    tx: &mut Tx<'_>,
    guild: GuildId,
    monitor: MonitorId,
    until: Timestamp,
    by: Actor,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO mutes (guild_id, monitor_id, until, muted_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (monitor_id) DO UPDATE SET until = excluded.until, muted_by = excluded.muted_by",
    )
    .bind(guild.to_row())
    .bind(monitor.0)
    .bind(until.millis())
    .bind(by.to_string())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Removes the mute of a monitor; `Nothing` if it was not muted.
pub async fn remove(
    tx: &mut Tx<'_>,
    guild: GuildId,
    monitor: MonitorId,
) -> Result<Effect, StoreError> {
    let deleted = sqlx::query("DELETE FROM mutes WHERE guild_id = $1 AND monitor_id = $2")
        .bind(guild.to_row())
        .bind(monitor.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(Effect::of(&deleted))
}

/// Whether a monitor is muted now.
pub async fn is_muted(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT until FROM mutes WHERE monitor_id = $1 AND until > $2")
            .bind(monitor.0)
            .bind(now.millis())
            .fetch_optional(&mut *tx.connection)
            .await?;
    Ok(found.is_some())
}

/// Deletes expired mutes and returns their monitors.
pub async fn take_ended(
    tx: &mut Tx<'_>,
    now: Timestamp,
) -> Result<Vec<(GuildId, MonitorId)>, StoreError> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("DELETE FROM mutes WHERE until <= $1 RETURNING guild_id, monitor_id")
            .bind(now.millis())
            .fetch_all(&mut *tx.connection)
            .await?;
    let whose = |(guild, monitor)| (GuildId::from_row(guild), MonitorId(monitor));
    Ok(rows.into_iter().map(whose).collect())
}

/// The mutes of a guild, the earliest end first.
pub async fn list(reader: &Reader, guild: GuildId, limit: u32) -> Result<Vec<Mute>, StoreError> {
    let rows: Vec<(String, i64, String)> = sqlx::query_as(
        "SELECT m.name, u.until, u.muted_by FROM mutes u JOIN monitors m ON m.id = u.monitor_id
         WHERE u.guild_id = $1 ORDER BY u.until, m.name LIMIT $2",
    )
    .bind(guild.to_row())
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    let mute = |(name, until, muted_by)| Mute {
        name,
        until: Timestamp::from_millis(until),
        muted_by,
    };
    Ok(rows.into_iter().map(mute).collect())
}
