//! Monitors of every kind: counts by status, monitors with problems, and removal.

use std::collections::BTreeSet;

use sqlx::FromRow as _;
use sqlx::sqlite::SqliteRow;

use super::monitor_state;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::target::Host;
use crate::domain::incidents::grouping::Location;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::status::Status;
use crate::store::devices::device::status_of;
use crate::store::engine::rows::{of_present_guild, pieces, placeholders};
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Effect, Reader, StoreError, Tx};

/// A monitor of any kind, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    pub id: MonitorId,
    pub kind: MonitorKind,
    pub name: String,
    pub status: Status,
    pub since: Timestamp,
}

/// Numbers of monitors by status, in a guild (`None`: in all guilds that have not removed the bot). Statuses without monitors are omitted.
pub async fn counts_by_status(
    reader: &Reader,
    guild: Option<GuildId>,
) -> Result<Vec<(Status, u64)>, StoreError> {
    let sql = format!(
        "SELECT status, COUNT(*) FROM monitors WHERE {} GROUP BY status",
        of_present_guild(guild)
    );
    let rows: Vec<(String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(guild.map(GuildId::to_row))
        .fetch_all(&reader.pool)
        .await?;
    rows.into_iter()
        .map(|(word, count)| Ok((status_of(&word)?, count.unsigned_abs())))
        .collect()
}

/// Number of devices and servers of a guild that have not sent anything yet.
pub async fn not_set_up(reader: &Reader, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM monitors WHERE guild_id = $1 AND status = 'unknown' AND kind IN ('device', 'server')",
    )
    .bind(guild.to_row())
    .fetch_one(&reader.pool)
    .await?;
    Ok(count.unsigned_abs())
}

/// The monitors of a guild that are offline or in warning: offline ones first, then the earliest change of status.
pub async fn troubled(
    reader: &Reader,
    guild: GuildId,
    limit: u32,
) -> Result<Vec<Monitor>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, kind, name, status, since FROM monitors
         WHERE guild_id = $1 AND status IN ('offline', 'warning') ORDER BY status, since, id LIMIT $2",
    )
    .bind(guild.to_row())
    .bind(i64::from(limit))
    .fetch_all(&reader.pool)
    .await?;
    let monitors = &reader.unreadable;
    monitors.skip(StoredTable::Monitors, &rows, read_row)
}

/// The host and the group of a monitor.
pub async fn location(tx: &mut Tx<'_>, id: MonitorId) -> Result<Location, StoreError> {
    let found: Option<(Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT t.host, m.group_name FROM monitors m LEFT JOIN endpoint_targets t ON t.monitor_id = m.id WHERE m.id = $1",
    )
    .bind(id.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    let (host, group) = found.unwrap_or_default();
    let host = host.map(|text| match text.parse() {
        Ok(address) => Host::Ip(address),
        Err(_) => Host::Name(text.into()),
    });
    Ok(Location { host, group })
}

/// A monitor of a guild; `None` if the guild has none with this id. It is read even if the details of its kind cannot be.
pub async fn get(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: MonitorId,
) -> Result<Option<Monitor>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, kind, name, status, since FROM monitors WHERE id = $1 AND guild_id = $2",
    )
    .bind(id.0)
    .bind(guild.to_row())
    .fetch_optional(&mut *tx.connection)
    .await?;
    row.map(read).transpose()
}

/// A monitor of a guild, as `get`, for reading only.
pub async fn by_id(
    reader: &Reader,
    guild: GuildId,
    id: MonitorId,
) -> Result<Option<Monitor>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, kind, name, status, since FROM monitors WHERE id = $1 AND guild_id = $2",
    )
    .bind(id.0)
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    let monitors = &reader.unreadable;
    let found = monitors.skip(StoredTable::Monitors, &rows, read_row)?;
    Ok(found.into_iter().next())
}

/// Those of these monitors that the guild has.
pub async fn known_among(
    tx: &mut Tx<'_>,
    guild: GuildId,
    ids: &[MonitorId],
) -> Result<BTreeSet<MonitorId>, StoreError> {
    let mut known = BTreeSet::new();
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        let sql = format!("SELECT id, guild_id FROM monitors WHERE id IN {places}");
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        let rows: Vec<(i64, i64)> = query.fetch_all(&mut *tx.connection).await?;
        let ours = rows
            .into_iter()
            .filter(|(_, owner)| *owner == guild.to_row());
        known.extend(ours.map(|(id, _)| MonitorId(id)));
    }
    Ok(known)
}

/// Removes a device or a server with everything but its events; `Nothing` if this guild has no such monitor.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId, id: MonitorId) -> Result<Effect, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM monitors WHERE guild_id = $1 AND id = $2 AND kind IN ('device', 'server')",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .execute(&mut *tx.connection)
    .await?;
    if deleted.rows_affected() == 0 {
        return Ok(Effect::Nothing);
    }
    monitor_state::remove(tx, id).await?;
    tx.cache.devices.clear();
    tx.cache.standings.remove(&id);
    sqlx::query("DELETE FROM samples WHERE monitor_id = $1")
        .bind(id.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(Effect::Changed)
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: i64,
    kind: String,
    name: String,
    status: String,
    since: i64,
}

pub(super) fn read_row(row: &SqliteRow) -> Result<Monitor, StoreError> {
    read(Row::from_row(row)?)
}

pub(super) fn read(row: Row) -> Result<Monitor, StoreError> {
    let damaged = |_| StoreError::Damaged(format!("the kind {} of a monitor", row.kind));
    Ok(Monitor {
        id: MonitorId(row.id),
        kind: row.kind.parse().map_err(damaged)?,
        name: row.name,
        status: status_of(&row.status)?,
        since: Timestamp::from_millis(row.since),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::devices::device::DeviceUuid;
    use crate::store::devices::device::{self, UnsavedDevice};
    use crate::store::servers::server;
    use crate::store::testing::{TestStore, new_device};

    #[tokio::test]
    async fn every_kind_is_counted_and_only_monitors_with_problems_are_listed() {
        let store = TestStore::open().await;
        let at = Timestamp::from_millis;
        let id = store
            .write(move |tx| {
                Box::pin(async move {
                    let uuid = DeviceUuid::from_random([1; 16]);
                    device::insert(tx, &new_device(GuildId(1), &uuid, "pump"), at(5)).await?;
                    let id = server::insert(tx, GuildId(1), "db-1", at(9)).await?;
                    server::insert(tx, GuildId(1), "db-2", at(9)).await?;
                    server::insert(tx, GuildId(2), "theirs", at(1)).await?;
                    let uuid = DeviceUuid::from_random([2; 16]);
                    let new = UnsavedDevice {
                        status: Status::Unknown,
                        ..new_device(GuildId(1), &uuid, "new")
                    };
                    device::insert(tx, &new, at(9)).await?;
                    Ok(id)
                })
            })
            .await;
        store
            .set_status(id, Status::Online, Status::Offline, at(10))
            .await;
        let mut counts = counts_by_status(&store.reader, Some(GuildId(1)))
            .await
            .unwrap();
        counts.sort_by_key(|(status, _)| status.as_str());
        assert_eq!(
            counts,
            [
                (Status::Offline, 1),
                (Status::Online, 1),
                (Status::Unknown, 2)
            ]
        );
        let names = |found: Vec<Monitor>| -> Vec<String> {
            found.into_iter().map(|monitor| monitor.name).collect()
        };
        let troubled = troubled(&store.reader, GuildId(1), 10).await.unwrap();
        assert_eq!(names(troubled), ["db-1"]);
        assert_eq!(not_set_up(&store.reader, GuildId(1)).await.unwrap(), 2);
    }
}
