//! Maintenance windows: their times, and the monitors that they cover.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::discord_id::{EventId, GuildId};
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::silences::maintenance::{TimeWindow, WeekDays, Weekly, parse_zone};
use crate::domain::{Timestamp, millis};
use crate::store::{Effect, Reader, StoreError, Tx};

/// The id of a maintenance window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaintenanceId(pub i64);

/// The monitors that a maintenance window covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaintenanceScope {
    All,
    Group(String),
    Some(Vec<MonitorId>),
}

/// A maintenance window that is running or scheduled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    pub id: MaintenanceId,
    pub guild_id: GuildId,
    pub title: String,
    pub scope: MaintenanceScope,
    /// The current or next occurrence.
    pub window: TimeWindow,
    /// `None`: it happens once.
    pub weekly: Option<Weekly>,
    pub is_running: bool,
    /// Its scheduled event in Discord. `EventId(0)`: Discord rejected the event.
    pub discord_event: Option<EventId>,
}

/// A maintenance window to be added.
#[derive(Clone, Debug)]
pub struct NewMaintenance {
    pub title: String,
    pub scope: MaintenanceScope,
    pub window: TimeWindow,
    pub weekly: Option<Weekly>,
}

/// Adds a maintenance window. The job starts it when its time comes.
pub async fn insert(
    tx: &mut Tx<'_>,
    guild: GuildId,
    new: &NewMaintenance,
    by: Actor,
    now: Timestamp,
) -> Result<MaintenanceId, StoreError> {
    let (scope, group, some): (_, _, &[MonitorId]) = match &new.scope {
        MaintenanceScope::All => ("all", None, &[]),
        MaintenanceScope::Group(name) => ("group", Some(name), &[]),
        MaintenanceScope::Some(monitors) => ("some", None, monitors),
    };
    let weekly = new.weekly.as_ref();
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO maintenance_windows (guild_id, title, scope, group_name, starts_at, ends_at, days, minute, length_ms, zone,
             created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(&new.title)
    .bind(scope)
    .bind(group)
    .bind(new.window.starts_at.millis())
    .bind(new.window.ends_at.millis())
    .bind(weekly.map(|weekly| weekly.days.bits()))
    .bind(weekly.map(|weekly| weekly.minute))
    .bind(weekly.map(|weekly| millis(weekly.length)))
    .bind(weekly.map(|weekly| weekly.zone.name()))
    .bind(now.millis())
    .bind(by.to_string())
    .fetch_one(&mut *tx.connection)
    .await?;
    for monitor in some {
        sqlx::query(
            "INSERT INTO maintenance_window_monitors (maintenance_window_id, monitor_id) VALUES ($1, $2)",
        )
        .bind(id)
        .bind(monitor.0)
        .execute(&mut *tx.connection)
        .await?;
    }
    Ok(MaintenanceId(id))
}

/// Whether a running maintenance window covers a monitor.
pub async fn is_in_maintenance_now(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM monitors_in_maintenance WHERE monitor_id = $1)",
    )
    .bind(monitor.0)
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(found)
}

/// The monitors of a guild with an open outage that belongs to no incident because of maintenance.
pub async fn unnotified(tx: &mut Tx<'_>, guild: GuildId) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM outages
         WHERE guild_id = $1 AND ended_at IS NULL AND incident_id IS NULL AND is_in_maintenance = 1 ORDER BY started_at, id",
    )
    .bind(guild.to_row())
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// All maintenance windows of a guild (`None`: of all guilds), the earliest first.
pub async fn list(reader: &Reader, guild: Option<GuildId>) -> Result<Vec<Maintenance>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM maintenance_windows WHERE $1 IS NULL OR guild_id = $1 ORDER BY starts_at, id",
    )
    .bind(guild.map(GuildId::to_row))
    .fetch_all(&reader.pool)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let mut one = read(&row)?;
        if let MaintenanceScope::Some(monitors) = &mut one.scope {
            let ids: Vec<i64> = sqlx::query_scalar(
                "SELECT monitor_id FROM maintenance_window_monitors WHERE maintenance_window_id = $1 ORDER BY monitor_id",
            )
            .bind(one.id.0)
            .fetch_all(&reader.pool)
            .await?;
            monitors.extend(ids.into_iter().map(MonitorId));
        }
        found.push(one);
    }
    Ok(found)
}

fn read(row: &SqliteRow) -> Result<Maintenance, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("a maintenance's {what}"));
    let timestamp = |name: &str| -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(row.try_get(name)?))
    };
    let scope: &str = row.try_get("scope")?;
    let group: Option<String> = row.try_get("group_name")?;
    let days: Option<u8> = row.try_get("days")?;
    let weekly = |days| -> Result<Weekly, StoreError> {
        let length: i64 = row.try_get("length_ms")?;
        Ok(Weekly {
            days: WeekDays::from_bits(days).ok_or_else(|| damaged("days"))?,
            minute: row.try_get("minute")?,
            length: Duration::from_millis(length.unsigned_abs()),
            zone: parse_zone(row.try_get("zone")?).map_err(|_| damaged("zone"))?,
        })
    };
    let event: Option<i64> = row.try_get("discord_event_id")?;
    Ok(Maintenance {
        id: MaintenanceId(row.try_get("id")?),
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        title: row.try_get("title")?,
        scope: match (scope, group) {
            ("all", _) => MaintenanceScope::All,
            ("group", Some(name)) => MaintenanceScope::Group(name),
            ("some", _) => MaintenanceScope::Some(Vec::new()),
            _ => return Err(damaged("scope")),
        },
        window: TimeWindow {
            starts_at: timestamp("starts_at")?,
            ends_at: timestamp("ends_at")?,
        },
        weekly: days.map(weekly).transpose()?,
        is_running: row.try_get("is_running")?,
        discord_event: event.map(EventId::from_row),
    })
}

/// Starts a maintenance window; `Nothing` if it is already running, or has been removed.
pub async fn begin(tx: &mut Tx<'_>, id: MaintenanceId) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE maintenance_windows SET is_running = 1 WHERE id = $1 AND is_running = 0",
    )
    .bind(id.0)
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// Ends the current occurrence of a maintenance window and schedules the next one.
pub async fn postpone(
    tx: &mut Tx<'_>,
    id: MaintenanceId,
    window: TimeWindow,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE maintenance_windows SET is_running = 0, discord_event_id = NULL, starts_at = $2, ends_at = $3 WHERE id = $1",
    )
    .bind(id.0)
    .bind(window.starts_at.millis())
    .bind(window.ends_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Removes a maintenance window; `Nothing` if the guild has no such window.
pub async fn remove(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: MaintenanceId,
) -> Result<Effect, StoreError> {
    let deleted = sqlx::query("DELETE FROM maintenance_windows WHERE guild_id = $1 AND id = $2")
        .bind(guild.to_row())
        .bind(id.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(Effect::of(&deleted))
}

/// Records the scheduled event of a maintenance window in Discord. 0: Discord rejected the event.
pub async fn shown(tx: &mut Tx<'_>, id: MaintenanceId, event: EventId) -> Result<(), StoreError> {
    sqlx::query("UPDATE maintenance_windows SET discord_event_id = $2 WHERE id = $1")
        .bind(id.0)
        .bind(event.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}
