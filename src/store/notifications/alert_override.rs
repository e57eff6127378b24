//! Notification overrides of single monitors.

use crate::domain::discord_id::{GuildId, RoleId};
use crate::domain::monitor::MonitorId;
use crate::store::{Reader, StoreError, Tx};

/// How notifications of one monitor differ from the guild's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    pub notify: bool,
    /// Mentioned instead of the guild's role.
    pub role: Option<RoleId>,
}

/// The override of a monitor; `None`: the guild's settings apply.
pub async fn of(tx: &mut Tx<'_>, monitor: MonitorId) -> Result<Option<Override>, StoreError> {
    let row: Option<(bool, Option<i64>)> =
        sqlx::query_as("SELECT notify, role_id FROM alert_overrides WHERE monitor_id = $1")
            .bind(monitor.0)
            .fetch_optional(&mut *tx.connection)
            .await?;
    Ok(row.map(|(notify, role)| read(notify, role)))
}

fn read(notify: bool, role: Option<i64>) -> Override {
    Override {
        notify,
        role: role.map(RoleId::from_row),
    }
}

/// Sets the override of a monitor, or removes it (`None`).
pub async fn set(
    tx: &mut Tx<'_>,
    guild: GuildId,
    monitor: MonitorId,
    own: Option<Override>,
) -> Result<(), StoreError> {
    let Some(own) = own else {
        sqlx::query("DELETE FROM alert_overrides WHERE guild_id = $1 AND monitor_id = $2")
            .bind(guild.to_row())
            .bind(monitor.0)
            .execute(&mut *tx.connection)
            .await?;
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO alert_overrides (monitor_id, guild_id, notify, role_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (monitor_id) DO UPDATE SET notify = excluded.notify, role_id = excluded.role_id",
    )
    .bind(monitor.0)
    .bind(guild.to_row())
    .bind(own.notify)
    .bind(own.role.map(RoleId::to_row))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The roles that the overrides of a guild mention, each once.
pub async fn roles(reader: &Reader, guild: GuildId) -> Result<Vec<RoleId>, StoreError> {
    let roles: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT role_id FROM alert_overrides WHERE guild_id = $1 AND role_id IS NOT NULL",
    )
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    Ok(roles.into_iter().map(RoleId::from_row).collect())
}

/// Whether an override of a guild mentions a role. Those that notify nobody do not count.
pub async fn names_role(tx: &mut Tx<'_>, guild: GuildId) -> Result<bool, StoreError> {
    let names_role: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM alert_overrides WHERE guild_id = $1 AND role_id IS NOT NULL AND notify)",
    )
    .bind(guild.to_row())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(names_role)
}

/// The override of one monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorOverride {
    pub monitor: MonitorId,
    pub name: String,
    pub own: Override,
}

/// All overrides of a guild, by the name of the monitor.
pub async fn all(reader: &Reader, guild: GuildId) -> Result<Vec<MonitorOverride>, StoreError> {
    let rows: Vec<(i64, String, bool, Option<i64>)> = sqlx::query_as(
        "SELECT m.id, m.name, o.notify, o.role_id FROM alert_overrides o JOIN monitors m ON m.id = o.monitor_id
         WHERE o.guild_id = $1 ORDER BY m.name, m.id",
    )
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    let own = |(id, name, notify, role)| MonitorOverride {
        monitor: MonitorId(id),
        name,
        own: read(notify, role),
    };
    Ok(rows.into_iter().map(own).collect())
}

/// The overrides of a guild, ordered by the name of the monitor.
pub async fn list(
    reader: &Reader,
    guild: GuildId,
    limit: u32,
) -> Result<Vec<(String, Override)>, StoreError> {
    let rows: Vec<(String, bool, Option<i64>)> = sqlx::query_as(
        "SELECT m.name, o.notify, o.role_id FROM alert_overrides o JOIN monitors m ON m.id = o.monitor_id
         WHERE o.guild_id = $1 ORDER BY m.name, m.id LIMIT $2",
    )
    .bind(guild.to_row())
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    let own = |(name, notify, role)| (name, read(notify, role));
    Ok(rows.into_iter().map(own).collect())
}
