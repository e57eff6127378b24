//! Silences: their times, and the monitors that they cover.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::silences::maintenance::{TimeWindow, WeekDays, Weekly, parse_zone};
use crate::domain::silences::silence::{NewSilence, SilenceId, SilenceKind, SilenceScope};
use crate::domain::{Timestamp, millis};
use crate::store::engine::rows::of_guild;
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Effect, Reader, StoreError, Tx};

/// A silence that is open or planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    pub id: SilenceId,
    pub guild_id: GuildId,
    pub kind: SilenceKind,
    pub title: String,
    pub scope: SilenceScope,
    /// The current or next occurrence.
    pub window: TimeWindow,
    /// `None`: it happens once.
    pub weekly: Option<Weekly>,
    /// Whether the start of this occurrence is in the audit log.
    pub is_started: bool,
}

/// A mute with the name of its monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
    pub name: String,
    pub until: Timestamp,
}

/// Adds a silence. It works from the start of its window.
pub async fn insert(
    tx: &mut Tx<'_>,
    guild: GuildId,
    new: &NewSilence,
    by: Actor,
    now: Timestamp,
) -> Result<SilenceId, StoreError> {
    let (scope, group, some): (_, _, &[MonitorId]) = match &new.scope {
        SilenceScope::All => ("all", None, &[]),
        SilenceScope::Group(name) => ("group", Some(name), &[]),
        SilenceScope::Some(monitors) => ("some", None, monitors),
    };
    let weekly = new.weekly.as_ref();
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO silences (guild_id, kind, title, scope, group_name, starts_at, ends_at, days, minute, length_ms, zone,
             created_at, created_by, is_started)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(new.kind.as_str())
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
    // The event of a mute records its start.
    .bind(new.kind == SilenceKind::Mute)
    .fetch_one(&mut *tx.connection)
    .await?;
    for monitor in some {
        sqlx::query("INSERT INTO silence_monitors (silence_id, monitor_id) VALUES ($1, $2)")
            .bind(id)
            .bind(monitor.0)
            .execute(&mut *tx.connection)
            .await?;
    }
    Ok(SilenceId(id))
}

/// What silences a monitor now; maintenance before a mute.
pub async fn of(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<Option<SilenceKind>, StoreError> {
    let kinds: Vec<String> = sqlx::query_scalar(
        "SELECT kind FROM silenced_monitors WHERE monitor_id = $1 AND starts_at <= $2 AND ends_at > $2",
    )
    .bind(monitor.0)
    .bind(now.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    let is = |kind: SilenceKind| kinds.iter().any(|word| word == kind.as_str());
    if is(SilenceKind::Maintenance) || is_in_next_window(tx, monitor, now).await? {
        return Ok(Some(SilenceKind::Maintenance));
    }
    Ok(is(SilenceKind::Mute).then_some(SilenceKind::Mute))
}

/// Whether a weekly window covers a monitor now whose row still has the window before.
async fn is_in_next_window(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = sqlx::query(
        "SELECT w.* FROM silenced_monitors x JOIN silences w ON w.id = x.silence_id
         WHERE x.monitor_id = $1 AND x.ends_at <= $2 AND w.days IS NOT NULL",
    )
    .bind(monitor.0)
    .bind(now.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    for row in rows {
        let next = read(&row)?.weekly.and_then(|weekly| weekly.next(now));
        if next.is_some_and(|window| window.is_open(now)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The mutes of a monitor in a guild.
pub async fn mutes_of(
    tx: &mut Tx<'_>,
    guild: GuildId,
    monitor: MonitorId,
) -> Result<Vec<SilenceId>, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT w.id FROM silences w JOIN silence_monitors x ON x.silence_id = w.id
         WHERE w.guild_id = $1 AND x.monitor_id = $2 AND w.kind = 'mute'",
    )
    .bind(guild.to_row())
    .bind(monitor.0)
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(ids.into_iter().map(SilenceId).collect())
}

/// Removes the mutes of a monitor, which a new one replaces.
pub async fn remove_mutes(
    tx: &mut Tx<'_>,
    guild: GuildId,
    monitor: MonitorId,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM silences WHERE guild_id = $1 AND kind = 'mute'
             AND id IN (SELECT silence_id FROM silence_monitors WHERE monitor_id = $2)",
    )
    .bind(guild.to_row())
    .bind(monitor.0)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The mutes of a guild that have not expired, the earliest end first.
pub async fn mutes(
    reader: &Reader,
    guild: GuildId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Mute>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT m.name, w.ends_at FROM silences w JOIN silence_monitors x ON x.silence_id = w.id
             JOIN monitors m ON m.id = x.monitor_id
         WHERE w.guild_id = $1 AND w.kind = 'mute' AND w.ends_at > $2 ORDER BY w.ends_at, m.name LIMIT $3",
    )
    .bind(guild.to_row())
    .bind(now.millis())
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    let mute = |(name, until)| Mute {
        name,
        until: Timestamp::from_millis(until),
    };
    Ok(rows.into_iter().map(mute).collect())
}

/// The maintenance windows of a guild (`None`: of all guilds), the earliest first.
pub async fn maintenance(
    reader: &Reader,
    guild: Option<GuildId>,
) -> Result<Vec<Silence>, StoreError> {
    let sql = format!(
        "SELECT * FROM silences WHERE kind = 'maintenance' AND {} ORDER BY starts_at, id",
        of_guild(guild)
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(guild.map(GuildId::to_row))
        .fetch_all(&reader.pool)
        .await?;
    with_monitors(reader, rows).await
}

/// The silences of a guild of both kinds, by id.
pub async fn all(reader: &Reader, guild: GuildId) -> Result<Vec<Silence>, StoreError> {
    let rows = sqlx::query("SELECT * FROM silences WHERE guild_id = $1 ORDER BY id")
        .bind(guild.to_row())
        .fetch_all(&reader.pool)
        .await?;
    with_monitors(reader, rows).await
}

/// A silence of a guild; `None` if the guild has no such silence.
pub async fn get(
    reader: &Reader,
    guild: GuildId,
    id: SilenceId,
) -> Result<Option<Silence>, StoreError> {
    let row = sqlx::query("SELECT * FROM silences WHERE guild_id = $1 AND id = $2")
        .bind(guild.to_row())
        .bind(id.0)
        .fetch_optional(&reader.pool)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut found = read(&row)?;
    add_monitors(reader, &mut found).await?;
    Ok(Some(found))
}

/// A silence of a guild, read inside a transaction.
pub async fn find(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: SilenceId,
) -> Result<Option<Silence>, StoreError> {
    let row = sqlx::query("SELECT * FROM silences WHERE guild_id = $1 AND id = $2")
        .bind(guild.to_row())
        .bind(id.0)
        .fetch_optional(&mut *tx.connection)
        .await?;
    let mut found = row.as_ref().map(read).transpose()?;
    if let Some(SilenceScope::Some(monitors)) = found.as_mut().map(|found| &mut found.scope) {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT monitor_id FROM silence_monitors WHERE silence_id = $1 ORDER BY monitor_id",
        )
        .bind(id.0)
        .fetch_all(&mut *tx.connection)
        .await?;
        monitors.extend(ids.into_iter().map(MonitorId));
    }
    Ok(found)
}

/// Number of maintenance windows of a guild, read inside a transaction to apply the limit.
pub async fn count_maintenance(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM silences WHERE guild_id = $1 AND kind = 'maintenance'",
    )
    .bind(guild.to_row())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// Saves the title and the end of a silence; `Nothing` if the guild has no such silence.
pub async fn update(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: SilenceId,
    title: &str,
    ends_at: Timestamp,
) -> Result<Effect, StoreError> {
    let changed =
        sqlx::query("UPDATE silences SET title = $3, ends_at = $4 WHERE guild_id = $1 AND id = $2")
            .bind(guild.to_row())
            .bind(id.0)
            .bind(title)
            .bind(ends_at.millis())
            .execute(&mut *tx.connection)
            .await?;
    Ok(Effect::of(&changed))
}

/// Silences whose window has started without an event in the audit log, or has ended.
pub async fn due(reader: &Reader, now: Timestamp) -> Result<Vec<Silence>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM silences WHERE ends_at <= $1 OR (is_started = 0 AND starts_at <= $1) ORDER BY ends_at, id",
    )
    .bind(now.millis())
    .fetch_all(&reader.pool)
    .await?;
    with_monitors(reader, rows).await
}

async fn with_monitors(reader: &Reader, rows: Vec<SqliteRow>) -> Result<Vec<Silence>, StoreError> {
    let mut found = reader.unreadable.skip(StoredTable::Silences, &rows, read)?;
    for one in &mut found {
        add_monitors(reader, one).await?;
    }
    Ok(found)
}

/// Adds the monitors to a silence of some monitors.
async fn add_monitors(reader: &Reader, silence: &mut Silence) -> Result<(), StoreError> {
    let SilenceScope::Some(monitors) = &mut silence.scope else {
        return Ok(());
    };
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM silence_monitors WHERE silence_id = $1 ORDER BY monitor_id",
    )
    .bind(silence.id.0)
    .fetch_all(&reader.pool)
    .await?;
    monitors.extend(ids.into_iter().map(MonitorId));
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Silence, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("a silence's {what}"));
    let timestamp = |name: &str| -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(row.try_get(name)?))
    };
    let kind: &str = row.try_get("kind")?;
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
    Ok(Silence {
        id: SilenceId(row.try_get("id")?),
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        kind: kind.parse().map_err(|_| damaged("kind"))?,
        title: row.try_get("title")?,
        scope: match (scope, group) {
            ("all", _) => SilenceScope::All,
            ("group", Some(name)) => SilenceScope::Group(name),
            ("some", _) => SilenceScope::Some(Vec::new()),
            _ => return Err(damaged("scope")),
        },
        window: TimeWindow {
            starts_at: timestamp("starts_at")?,
            ends_at: timestamp("ends_at")?,
        },
        weekly: days.map(weekly).transpose()?,
        is_started: row.try_get("is_started")?,
    })
}

/// Records that a window has started; `Nothing` if that is recorded already, or the silence has been removed.
pub async fn start(tx: &mut Tx<'_>, id: SilenceId) -> Result<Effect, StoreError> {
    let changed =
        sqlx::query("UPDATE silences SET is_started = 1 WHERE id = $1 AND is_started = 0")
            .bind(id.0)
            .execute(&mut *tx.connection)
            .await?;
    Ok(Effect::of(&changed))
}

/// Ends the current window of a silence and plans the next one.
pub async fn postpone(
    tx: &mut Tx<'_>,
    id: SilenceId,
    window: TimeWindow,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE silences SET is_started = 0, starts_at = $2, ends_at = $3 WHERE id = $1",
    )
    .bind(id.0)
    .bind(window.starts_at.millis())
    .bind(window.ends_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// Removes a silence; `Nothing` if the guild has no such silence.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId, id: SilenceId) -> Result<Effect, StoreError> {
    let deleted = sqlx::query("DELETE FROM silences WHERE guild_id = $1 AND id = $2")
        .bind(guild.to_row())
        .bind(id.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(Effect::of(&deleted))
}
