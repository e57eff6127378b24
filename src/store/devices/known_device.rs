//! What recording a heartbeat needs of its device, from the writer's cache.

use std::collections::HashMap;

use super::device::{status_of, uuid_of};
use crate::domain::Timestamp;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::status_rule::DeviceStanding;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{StoreError, Tx};

/// The part of a device that recording a heartbeat needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: MonitorId,
    pub state: DeviceStanding,
}

/// The devices with these UUIDs in these guilds, as far as they exist.
pub async fn known(
    tx: &mut Tx<'_>,
    wanted: &[(GuildId, DeviceUuid)],
) -> Result<HashMap<(GuildId, u128), Known>, StoreError> {
    let missing: Vec<&(GuildId, DeviceUuid)> = wanted
        .iter()
        .filter(|(guild, uuid)| cached(tx, *guild, uuid.number()).is_none())
        .collect();
    for piece in pieces(&missing) {
        fill_cache(tx, piece).await?;
    }
    let places = wanted.iter().map(|(guild, uuid)| (*guild, uuid.number()));
    let found = places.filter_map(|(guild, uuid)| Some(((guild, uuid), cached(tx, guild, uuid)?)));
    Ok(found.collect())
}

fn cached(tx: &Tx<'_>, guild: GuildId, uuid: u128) -> Option<Known> {
    let id = *tx.cache.devices.get(&(guild, uuid))?;
    let state = *tx.cache.standings.get(&id)?;
    Some(Known { id, state })
}

#[derive(sqlx::FromRow)]
struct KnownRow {
    guild_id: i64,
    uuid: String,
    id: i64,
    status: String,
    since: i64,
    has_failed: bool,
}

async fn fill_cache(tx: &mut Tx<'_>, piece: &[&(GuildId, DeviceUuid)]) -> Result<(), StoreError> {
    let places = placeholders(piece.len(), 2);
    let sql = format!(
        "SELECT d.guild_id, d.uuid, m.id, m.status, m.since, d.failure IS NOT NULL AS has_failed
         FROM device_details d JOIN monitors m ON m.id = d.monitor_id
         WHERE (d.guild_id, d.uuid) IN (VALUES {places})"
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for (guild, uuid) in piece {
        query = query.bind(guild.to_row()).bind(uuid.as_str());
    }
    let rows: Vec<KnownRow> = query.fetch_all(&mut *tx.connection).await?;
    for row in rows {
        let (Ok(uuid), Ok(status)) = (uuid_of(&row.uuid), status_of(&row.status)) else {
            continue;
        };
        let place = (GuildId::from_row(row.guild_id), uuid.number());
        let standing = DeviceStanding {
            status,
            since: Timestamp::from_millis(row.since),
            has_failed: row.has_failed,
        };
        tx.cache.devices.insert(place, MonitorId(row.id));
        tx.cache.standings.insert(MonitorId(row.id), standing);
    }
    Ok(())
}
