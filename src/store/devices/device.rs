//! Devices: added, changed, and found by their UUID, their slug or their push token.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::Timestamp;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::slug::Slug;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::domain::monitor::name::NameKey;
use crate::domain::status::Status;
use crate::store::engine::unreadable::StoredTable;
use crate::store::monitors::monitor_name;
use crate::store::{Effect, Reader, StoreError, Tx};

/// A device with its state and settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub id: MonitorId,
    pub guild_id: GuildId,
    pub uuid: DeviceUuid,
    pub name: String,
    pub device_type: Option<String>,
    pub status: Status,
    pub since: Timestamp,
    pub is_active: bool,
    pub last_seen_at: Option<Timestamp>,
    /// Why its last run failed, until the next success.
    pub failure: Option<String>,
    /// `None`: the threshold from the settings.
    pub threshold: Option<Duration>,
    pub created_at: Timestamp,
    /// Names it in the URLs of pings; other devices of the guild may have the same one.
    pub slug: Option<Slug>,
    /// The user-defined group.
    pub group: Option<String>,
}

/// A device to be added.
#[derive(Clone, Copy, Debug)]
pub struct UnsavedDevice<'a> {
    pub guild: GuildId,
    pub uuid: &'a DeviceUuid,
    pub name: &'a str,
    pub device_type: Option<&'a str>,
    pub slug: Option<&'a Slug>,
    /// `None`: the threshold from the settings.
    pub threshold: Option<Duration>,
    /// `Unknown` until it sends something.
    pub status: Status,
}

/// Adds a device. The caller makes sure that its name is free.
pub async fn insert(
    tx: &mut Tx<'_>,
    new: &UnsavedDevice<'_>,
    now: Timestamp,
) -> Result<MonitorId, StoreError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO monitors (guild_id, kind, name, name_key, status, since, created_at)
         VALUES ($1, 'device', $2, $5, $3, $4, $4) RETURNING id",
    )
    .bind(new.guild.to_row())
    .bind(new.name)
    .bind(new.status.as_str())
    .bind(now.millis())
    .bind(NameKey::of(new.name).as_str())
    .fetch_one(&mut *tx.connection)
    .await?;
    sqlx::query(
        "INSERT INTO device_details (monitor_id, guild_id, uuid, device_type, slug, threshold_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(new.guild.to_row())
    .bind(new.uuid.as_str())
    .bind(new.device_type)
    .bind(new.slug.map(Slug::as_str))
    .bind(new.threshold.map(crate::domain::millis))
    .execute(&mut *tx.connection)
    .await?;
    Ok(MonitorId(id))
}

/// Number of devices of a guild, read inside a transaction to apply the quota.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM device_details WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_one(&mut *tx.connection)
        .await?;
    Ok(count.unsigned_abs())
}

/// Changes what a device registers about itself; `None` leaves a value unchanged, and so does a name that another device has.
/// Registering also activates the device.
pub async fn describe(
    tx: &mut Tx<'_>,
    id: MonitorId,
    name: Option<&str>,
    device_type: Option<&str>,
) -> Result<(), StoreError> {
    if let Some(name) = name {
        sqlx::query(
            "UPDATE monitors SET name = $2, name_key = $3 WHERE id = $1 AND NOT EXISTS (
                 SELECT 1 FROM monitors o
                 WHERE o.guild_id = monitors.guild_id AND o.kind = 'device' AND o.name_key = $3 AND o.id <> $1
             )",
        )
        .bind(id.0)
        .bind(name)
        .bind(NameKey::of(name).as_str())
        .execute(&mut *tx.connection)
        .await?;
    }
    sqlx::query(
        "UPDATE device_details SET is_active = 1, device_type = COALESCE($2, device_type) WHERE monitor_id = $1",
    )
    .bind(id.0)
    .bind(device_type)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// What people can change about a device, without its push token.
#[derive(Clone, Copy, Debug)]
pub struct DeviceSettings<'a> {
    pub name: &'a str,
    /// `None`: the threshold from the settings.
    pub threshold: Option<Duration>,
    pub slug: Option<&'a Slug>,
}

/// Saves what people can change about a device. The caller makes sure that its name is free.
pub async fn update(
    tx: &mut Tx<'_>,
    id: MonitorId,
    settings: &DeviceSettings<'_>,
) -> Result<(), StoreError> {
    monitor_name::set(tx, id, settings.name).await?;
    sqlx::query("UPDATE device_details SET threshold_ms = $2, slug = $3 WHERE monitor_id = $1")
        .bind(id.0)
        .bind(settings.threshold.map(crate::domain::millis))
        .bind(settings.slug.map(Slug::as_str))
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Sets the hash of a device's push token; `None` removes it. `Nothing` if another device has the token, in any guild.
pub async fn set_push_token(
    tx: &mut Tx<'_>,
    id: MonitorId,
    hash: Option<&[u8; 32]>,
) -> Result<Effect, StoreError> {
    let updated = sqlx::query(
        "UPDATE device_details SET push_token_sha256 = $2 WHERE monitor_id = $1
         AND NOT EXISTS (SELECT 1 FROM device_details d WHERE d.push_token_sha256 = $2 AND d.monitor_id <> $1)",
    )
    .bind(id.0)
    .bind(hash.map(<[u8; 32]>::as_slice))
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&updated))
}

/// A device of a guild; `None` if the guild has none with this UUID.
pub async fn get(
    reader: &Reader,
    guild: GuildId,
    uuid: &DeviceUuid,
) -> Result<Option<Device>, StoreError> {
    let row = sqlx::query("SELECT * FROM devices WHERE guild_id = $1 AND uuid = $2")
        .bind(guild.to_row())
        .bind(uuid.as_str())
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The id of a device of a guild, which is found even if the rest of the device cannot be read.
pub async fn id_of(
    reader: &Reader,
    guild: GuildId,
    uuid: &DeviceUuid,
) -> Result<Option<MonitorId>, StoreError> {
    let sql = "SELECT monitor_id FROM device_details WHERE guild_id = $1 AND uuid = $2";
    let query = sqlx::query_scalar(sql).bind(guild.to_row());
    let id = query.bind(uuid.as_str()).fetch_optional(&reader.pool);
    Ok(id.await?.map(MonitorId))
}

/// The device that a ping names, in any guild. If several guilds have the UUID, it is the oldest device, so that a guild
/// cannot take over the pings of another one by registering the same UUID. `None` also if the UUID was revoked.
pub async fn pinged(reader: &Reader, uuid: &DeviceUuid) -> Result<Option<Device>, StoreError> {
    let row = sqlx::query("SELECT v.* FROM devices v JOIN device_details d ON d.monitor_id = v.id
         WHERE v.id = (SELECT MIN(monitor_id) FROM device_details WHERE uuid = $1) AND d.uuid_revoked_at IS NULL")
        .bind(uuid.as_str())
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// A device of a guild; `None` if the guild has none with this id.
pub async fn by_id(
    reader: &Reader,
    guild: GuildId,
    id: MonitorId,
) -> Result<Option<Device>, StoreError> {
    let row = sqlx::query("SELECT * FROM devices WHERE guild_id = $1 AND id = $2")
        .bind(guild.to_row())
        .bind(id.0)
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// A device of a guild, read inside a transaction.
pub async fn find(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: MonitorId,
) -> Result<Option<Device>, StoreError> {
    let row = sqlx::query("SELECT * FROM devices WHERE guild_id = $1 AND id = $2")
        .bind(guild.to_row())
        .bind(id.0)
        .fetch_optional(&mut *tx.connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The device with a push token, in any guild, by the hash of the token.
pub async fn with_push_token(
    reader: &Reader,
    hash: &[u8; 32],
) -> Result<Option<Device>, StoreError> {
    let row = sqlx::query(
        "SELECT * FROM devices WHERE id = (SELECT monitor_id FROM device_details WHERE push_token_sha256 = $1)",
    )
    .bind(hash.as_slice())
    .fetch_optional(&reader.pool)
    .await?;
    row.as_ref().map(read).transpose()
}

/// The devices of a guild with a slug, in the order in which they were added; at most two, because two are ambiguous.
pub async fn with_slug(
    reader: &Reader,
    guild: GuildId,
    slug: &Slug,
) -> Result<Vec<Device>, StoreError> {
    // From the index of slugs; a condition on the view would read all monitors of the guild.
    let rows = sqlx::query(
        "SELECT * FROM devices WHERE id IN (
             SELECT monitor_id FROM device_details WHERE guild_id = $1 AND slug = $2 ORDER BY monitor_id LIMIT 2
         ) ORDER BY id",
    )
    .bind(guild.to_row())
    .bind(slug.as_str())
    .fetch_all(&reader.pool)
    .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, read)
}

/// The UUID of the oldest device of a guild with a slug, read inside a transaction, so that a slug is added once.
pub async fn uuid_with_slug(
    tx: &mut Tx<'_>,
    guild: GuildId,
    slug: &Slug,
) -> Result<Option<DeviceUuid>, StoreError> {
    let uuid: Option<String> = sqlx::query_scalar(
        "SELECT uuid FROM device_details WHERE guild_id = $1 AND slug = $2 ORDER BY monitor_id LIMIT 1",
    )
    .bind(guild.to_row())
    .bind(slug.as_str())
    .fetch_optional(&mut *tx.connection)
    .await?;
    uuid.as_deref().map(uuid_of).transpose()
}

/// Sets why the last run of a device failed; `None`: it succeeded.
pub async fn set_failure(
    tx: &mut Tx<'_>,
    id: MonitorId,
    failure: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE device_details SET failure = $2 WHERE monitor_id = $1")
        .bind(id.0)
        .bind(failure)
        .execute(&mut *tx.connection)
        .await?;
    tx.cache.standings.remove(&id);
    Ok(())
}

/// Reads every device, so that unreadable ones become known.
pub(in crate::store) async fn find_unreadable(reader: &Reader) -> Result<(), StoreError> {
    reader
        .unreadable
        .search(&reader.pool, "devices", read)
        .await
}

/// The devices of a guild by name.
pub async fn list(reader: &Reader, guild: GuildId) -> Result<Vec<Device>, StoreError> {
    let rows = sqlx::query("SELECT * FROM devices WHERE guild_id = $1 ORDER BY name, id")
        .bind(guild.to_row())
        .fetch_all(&reader.pool)
        .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, read)
}

fn read(row: &SqliteRow) -> Result<Device, StoreError> {
    let seen: Option<i64> = row.try_get("last_connectivity_event")?;
    let threshold: Option<i64> = row.try_get("threshold_ms")?;
    let slug: Option<&str> = row.try_get("slug")?;
    Ok(Device {
        id: MonitorId(row.try_get("id")?),
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        uuid: uuid_of(row.try_get("uuid")?)?,
        name: row.try_get("name")?,
        device_type: row.try_get("device_type")?,
        status: status_of(row.try_get("status")?)?,
        since: Timestamp::from_millis(row.try_get("since")?),
        is_active: row.try_get("is_active")?,
        last_seen_at: seen.map(Timestamp::from_millis),
        failure: row.try_get("failure")?,
        threshold: threshold.map(|millis| Duration::from_millis(millis.unsigned_abs())),
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        slug: slug.map(slug_of).transpose()?,
        group: row.try_get("group_name")?,
    })
}

fn slug_of(text: &str) -> Result<Slug, StoreError> {
    Slug::parse(text).map_err(|_| StoreError::Damaged("a device's slug".into()))
}

pub(super) fn uuid_of(text: &str) -> Result<DeviceUuid, StoreError> {
    DeviceUuid::parse(text).map_err(|_| StoreError::Damaged("a device's UUID".into()))
}

pub(in crate::store) fn status_of(word: &str) -> Result<Status, StoreError> {
    word.parse::<Status>()
        .ok()
        .ok_or_else(|| StoreError::Damaged(format!("status {word}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::devices::heartbeat::record_heartbeats;
    use crate::store::devices::known_device;
    use crate::store::testing::{TestStore, new_device};

    const HOME: GuildId = GuildId(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn uuid(number: u8) -> DeviceUuid {
        DeviceUuid::from_random([number; 16])
    }

    async fn add(store: &TestStore, number: u8, seen: i64) -> MonitorId {
        store
            .write(move |tx| {
                Box::pin(async move {
                    let id = insert(
                        tx,
                        &new_device(HOME, &uuid(number), &format!("pump {number}")),
                        at(0),
                    )
                    .await?;
                    record_heartbeats(tx, &[(id, at(seen))]).await?;
                    Ok(id)
                })
            })
            .await
    }

    #[tokio::test]
    async fn a_device_is_found_by_its_uuid_in_its_own_guild() {
        let store = TestStore::open().await;
        let id = add(&store, 1, 7).await;
        let device = get(&store.reader, HOME, &uuid(1)).await.unwrap().unwrap();
        assert_eq!(
            (device.id, device.status, device.last_seen_at),
            (id, Status::Online, Some(at(7)))
        );
        assert_eq!(
            get(&store.reader, GuildId(2), &uuid(1)).await.unwrap(),
            None
        );
        assert_eq!(list(&store.reader, GuildId(2)).await.unwrap(), []);
        let found = store
            .write(|tx| {
                Box::pin(async move {
                    let wanted = [(HOME, uuid(1)), (HOME, uuid(2)), (GuildId(2), uuid(1))];
                    known_device::known(tx, &wanted).await
                })
            })
            .await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[&(HOME, uuid(1).number())].id, id);
    }

    #[tokio::test]
    async fn devices_are_found_by_their_slug_in_their_own_guild() {
        let store = TestStore::open().await;
        let slug = |text| Slug::parse(text).unwrap();
        let places = [
            (HOME, "a"),
            (HOME, "b"),
            (HOME, "b"),
            (HOME, "b"),
            (GuildId(2), "a"),
        ];
        for (number, (guild, text)) in (1..).zip(places) {
            store
                .write(move |tx| {
                    Box::pin(async move {
                        let (uuid, slug) = (uuid(number), slug(text));
                        let name = format!("pump {number}");
                        let new = UnsavedDevice {
                            slug: Some(&slug),
                            ..new_device(guild, &uuid, &name)
                        };
                        insert(tx, &new, at(0)).await
                    })
                })
                .await;
        }
        let found = async |guild, text| {
            let devices = with_slug(&store.reader, guild, &slug(text)).await.unwrap();
            let uuids = devices.into_iter().map(|device| device.uuid);
            uuids.collect::<Vec<DeviceUuid>>()
        };
        assert_eq!(found(HOME, "a").await, [uuid(1)]);
        assert_eq!(found(HOME, "b").await, [uuid(2), uuid(3)], "two are enough");
        assert_eq!(found(GuildId(2), "a").await, [uuid(5)]);
        assert_eq!(found(GuildId(2), "b").await, []);
    }

    #[tokio::test]
    async fn registering_again_changes_name_and_type() {
        let store = TestStore::open().await;
        let id = add(&store, 1, 0).await;
        store
            .write(move |tx| {
                Box::pin(async move {
                    describe(tx, id, Some("gate"), Some("esp32")).await?;
                    describe(tx, id, None, None).await
                })
            })
            .await;
        let device = get(&store.reader, HOME, &uuid(1)).await.unwrap().unwrap();
        assert_eq!(
            (device.name.as_str(), device.device_type.as_deref()),
            ("gate", Some("esp32"))
        );
    }
}
