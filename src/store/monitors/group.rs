//! User-defined groups: names for monitors that belong together.

use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::store::{Effect, Reader, StoreError, Tx};

/// Sets the group of a monitor, or clears it (`None`); `Nothing` if the guild has no such monitor.
pub async fn set(
    tx: &mut Tx<'_>,
    guild: GuildId,
    monitor: MonitorId,
    group: Option<&str>,
) -> Result<Effect, StoreError> {
    let changed =
        sqlx::query("UPDATE monitors SET group_name = $3 WHERE guild_id = $1 AND id = $2")
            .bind(guild.to_row())
            .bind(monitor.0)
            .bind(group)
            .execute(&mut *tx.connection)
            .await?;
    tx.wrote_event = true;
    Ok(Effect::of(&changed))
}

/// The groups of a guild by name, with the number of their monitors.
pub async fn list(reader: &Reader, guild: GuildId) -> Result<Vec<(String, u64)>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT group_name, COUNT(*) FROM monitors WHERE guild_id = $1 AND group_name IS NOT NULL
         GROUP BY group_name ORDER BY group_name",
    )
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    let group = |(name, count): (String, i64)| (name, count.unsigned_abs());
    Ok(rows.into_iter().map(group).collect())
}
