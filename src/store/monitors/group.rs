//! User-defined groups: names for monitors that belong together.

use std::collections::BTreeSet;

use super::monitor::{self, Monitor};
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::store::history::objective;
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

/// A group with its monitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    /// By name.
    pub monitors: Vec<Monitor>,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    group_name: String,
    #[sqlx(flatten)]
    monitor: monitor::Row,
}

/// The groups of a guild by name (`only`: just the one of this name), with their monitors.
pub async fn with_monitors(
    reader: &Reader,
    guild: GuildId,
    only: Option<&str>,
) -> Result<Vec<Group>, StoreError> {
    let rows: Vec<MemberRow> = sqlx::query_as(
        "SELECT group_name, id, kind, name, status, since FROM monitors
         WHERE guild_id = $1 AND group_name IS NOT NULL AND ($2 IS NULL OR group_name = $2) ORDER BY group_name, name, id",
    )
    .bind(guild.to_row())
    .bind(only)
    .fetch_all(&reader.pool)
    .await?;
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let monitor = monitor::read(row.monitor)?;
        match groups
            .last_mut()
            .filter(|group| group.name == row.group_name)
        {
            Some(group) => group.monitors.push(monitor),
            None => groups.push(Group {
                name: row.group_name,
                monitors: vec![monitor],
            }),
        }
    }
    Ok(groups)
}

/// The monitors of a group.
pub async fn members(
    tx: &mut Tx<'_>,
    guild: GuildId,
    name: &str,
) -> Result<BTreeSet<MonitorId>, StoreError> {
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM monitors WHERE guild_id = $1 AND group_name = $2")
            .bind(guild.to_row())
            .bind(name)
            .fetch_all(&mut *tx.connection)
            .await?;
    Ok(ids.into_iter().map(MonitorId).collect())
}

/// Gives what refers to a group by its name the new one: its silences, its open incidents and its objective.
pub async fn rename_references(
    tx: &mut Tx<'_>,
    guild: GuildId,
    name: &str,
    new: &str,
) -> Result<(), StoreError> {
    for sql in [
        "UPDATE silences SET group_name = $3 WHERE guild_id = $1 AND group_name = $2",
        "UPDATE incidents SET group_name = $3 WHERE guild_id = $1 AND group_name = $2 AND ended_at IS NULL",
    ] {
        sqlx::query(sql)
            .bind(guild.to_row())
            .bind(name)
            .bind(new)
            .execute(&mut *tx.connection)
            .await?;
    }
    objective::rename_group(tx, guild, name, new).await
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
