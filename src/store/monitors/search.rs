//! Monitors that a person may mean by a text, each with what distinguishes it from others with similar names.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use strum::VariantArray as _;

use super::monitor::{self, Monitor};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::name::NameKey;
use crate::domain::monitor::nearest_names;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Reader, StoreError};

/// A monitor that matches a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorMatch {
    pub monitor: Monitor,
    /// The target of an endpoint, or the first 8 characters of the UUID of a device. More of a UUID would let everybody send
    /// heartbeats.
    pub detail: Option<String>,
}

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct MonitorQuery<'a> {
    /// `None`: every kind.
    pub kind: Option<MonitorKind>,
    /// A part of the name, of the target, or of the first 8 characters of the UUID.
    pub text: &'a str,
    /// The id or the UUID that the text stands for, if it does.
    pub id: Option<MonitorId>,
    pub uuid: Option<&'a DeviceUuid>,
}

/// Monitors of a guild that match, by name.
pub async fn search(
    reader: &Reader,
    guild: GuildId,
    wanted: MonitorQuery<'_>,
    limit: u32,
) -> Result<Vec<MonitorMatch>, StoreError> {
    let rows = sqlx::query(
        r"SELECT m.id, m.kind, m.name, m.status, m.since, COALESCE(t.target, SUBSTR(d.uuid, 1, 8)) AS detail
          FROM monitors m
          LEFT JOIN endpoint_targets t ON t.monitor_id = m.id
          LEFT JOIN device_details d ON d.monitor_id = m.id
          WHERE m.guild_id = $1 AND ($2 IS NULL OR m.kind = $2)
            AND (COALESCE(m.name_key, LOWER(m.name)) LIKE $3 ESCAPE '\'
                 OR COALESCE(t.target, SUBSTR(d.uuid, 1, 8)) LIKE LOWER($4) ESCAPE '\' OR m.id = $5 OR d.uuid = $6)
          ORDER BY m.name, m.id LIMIT $7",
    )
    .bind(guild.to_row())
    .bind(wanted.kind.map(MonitorKind::as_str))
    .bind(containing(NameKey::of(wanted.text).as_str()))
    .bind(containing(wanted.text))
    .bind(wanted.id.map(|id| id.0))
    .bind(wanted.uuid.map(DeviceUuid::as_str))
    .bind(i64::from(limit))
    .fetch_all(&reader.pool)
    .await?;
    let monitors = &reader.unreadable;
    monitors.skip(StoredTable::Monitors, &rows, read)
}

/// The monitors of a guild with a name: at most one of each kind. `kind`: only those of this kind.
pub async fn with_name(
    reader: &Reader,
    guild: GuildId,
    kind: Option<MonitorKind>,
    name: &str,
) -> Result<Vec<Monitor>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, kind, name, status, since FROM monitors
         WHERE guild_id = $1 AND kind IN ('endpoint', 'device', 'server') AND name_key = $2 AND ($3 IS NULL OR kind = $3)
         ORDER BY id",
    )
    .bind(guild.to_row())
    .bind(NameKey::of(name).as_str())
    .bind(kind.map(MonitorKind::as_str))
    .fetch_all(&reader.pool)
    .await?;
    let monitors = &reader.unreadable;
    monitors.skip(StoredTable::Monitors, &rows, monitor::read_row)
}

/// Names of a kind that a suggestion compares: at most this many on either side of the wanted name, in alphabetical order. More
/// than most guilds have, and few enough to compare while a member waits.
const COMPARED: i64 = 256;

/// The names of a guild's monitors that a person may mean by a name that none has, the nearest first; at most
/// `nearest_names::MAX_SUGGESTED`. `kind`: only those of this kind.
pub async fn near_name(
    reader: &Reader,
    guild: GuildId,
    kind: Option<MonitorKind>,
    name: &str,
) -> Result<Vec<String>, StoreError> {
    let key = NameKey::of(name.trim());
    let all = MonitorKind::VARIANTS.iter().copied();
    let mut known: Vec<String> = Vec::new();
    for kind in all.filter(|one| kind.is_none_or(|kind| kind == *one)) {
        for side in [
            "name_key >= $3 ORDER BY name_key",
            "name_key < $3 ORDER BY name_key DESC",
        ] {
            let sql = format!(
                "SELECT name FROM monitors WHERE guild_id = $1 AND kind = $2 AND {side} LIMIT $4"
            );
            let names = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(guild.to_row())
                .bind(kind.as_str())
                .bind(key.as_str())
                .bind(COMPARED)
                .fetch_all(&reader.pool)
                .await?;
            known.extend(names);
        }
    }
    let near = nearest_names::nearest(name, known.iter().map(String::as_str));
    Ok(near.into_iter().map(str::to_owned).collect())
}

/// The pattern for texts that contain `part`.
pub(in crate::store) fn containing(part: &str) -> String {
    let part = part.replace('\\', r"\\");
    let part = part.replace('%', r"\%").replace('_', r"\_");
    format!("%{part}%")
}

fn read(row: &SqliteRow) -> Result<MonitorMatch, StoreError> {
    Ok(MonitorMatch {
        monitor: monitor::read_row(row)?,
        detail: row.try_get("detail")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::store::devices::device;
    use crate::store::servers::server;
    use crate::store::testing::{TestStore, new_device};

    const HOME: GuildId = GuildId(1);

    async fn names(store: &TestStore, guild: GuildId, wanted: MonitorQuery<'_>) -> Vec<String> {
        let found = search(&store.reader, guild, wanted, 10).await.unwrap();
        found.into_iter().map(|one| one.monitor.name).collect()
    }

    #[tokio::test]
    async fn monitors_are_found_by_what_a_list_shows_of_them_in_their_own_guild() {
        let store = TestStore::open().await;
        let uuid = DeviceUuid::from_random([7; 16]);
        let known = uuid.clone();
        let shop = store.add_endpoint(HOME, "https://shop.example/").await;
        let db = store
            .write(move |tx| {
                Box::pin(async move {
                    let at = Timestamp::from_millis(1);
                    device::insert(tx, &new_device(HOME, &known, "Pump Zürich"), at).await?;
                    server::insert(tx, HOME, "db_1", at).await
                })
            })
            .await;
        let (device, server) = (Some(MonitorKind::Device), Some(MonitorKind::Server));
        let whole = uuid.as_str();
        for (kind, text, found) in [
            (
                None,
                "",
                vec!["Pump Zürich", "db_1", "https://shop.example/"],
            ),
            (None, "ZU\u{308}R", vec!["Pump Zürich"]),
            (device, "db", vec![]),
            (server, "DB_", vec!["db_1"]),
            (server, "%", vec![]),
            (None, "SHOP.", vec!["https://shop.example/"]),
            (device, "070707", vec!["Pump Zürich"]),
            // More of the UUID than the list shows, but not all of it.
            (device, &whole[..9], vec![]),
            (device, &whole[9..], vec![]),
            (device, whole, vec!["Pump Zürich"]),
        ] {
            let parsed = DeviceUuid::parse(text).ok();
            let wanted = MonitorQuery {
                kind,
                text,
                id: None,
                uuid: parsed.as_ref(),
            };
            assert_eq!(names(&store, HOME, wanted).await, found, "{kind:?} {text}");
            assert!(names(&store, GuildId(2), wanted).await.is_empty());
        }
        for (id, detail) in [(shop, Some("https://shop.example/")), (db, None)] {
            let wanted = MonitorQuery {
                kind: None,
                text: "no such name",
                id: Some(id),
                uuid: None,
            };
            let found = search(&store.reader, HOME, wanted, 10).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].detail.as_deref(), detail);
        }
    }

    /// Adds servers with these names to a guild.
    async fn add_servers(store: &TestStore, guild: GuildId, names: Vec<String>) {
        store
            .write(move |tx| {
                Box::pin(async move {
                    for name in &names {
                        server::insert(tx, guild, name, Timestamp::from_millis(1)).await?;
                    }
                    Ok(())
                })
            })
            .await;
    }

    #[tokio::test]
    async fn near_names_are_of_one_guild_and_kind() {
        let store = TestStore::open().await;
        let uuid = DeviceUuid::from_random([7; 16]);
        store
            .write(move |tx| {
                Box::pin(async move {
                    let at = Timestamp::from_millis(1);
                    device::insert(tx, &new_device(HOME, &uuid, "shop"), at).await
                })
            })
            .await;
        let own = ["Shöp", "shop 2", "mail"].map(str::to_owned);
        add_servers(&store, HOME, own.to_vec()).await;
        add_servers(&store, GuildId(2), vec!["shp 3".to_owned()]).await;
        let (device, server) = (Some(MonitorKind::Device), Some(MonitorKind::Server));
        for (guild, kind, wanted, found) in [
            (HOME, device, "shp", vec!["shop"]),
            (HOME, server, "SHÖPP", vec!["Shöp"]),
            (HOME, server, "sho 2", vec!["shop 2"]),
            (HOME, None, "shop2", vec!["shop", "shop 2"]),
            (HOME, None, "printer", vec![]),
            (GuildId(2), None, "shop 3", vec!["shp 3"]),
            (GuildId(3), None, "shop", vec![]),
        ] {
            let mut near = near_name(&store.reader, guild, kind, wanted).await.unwrap();
            near.sort_unstable();
            assert_eq!(near, found, "{guild:?} {kind:?} {wanted}");
        }
    }

    #[tokio::test]
    async fn near_names_are_sought_among_a_bounded_number_in_alphabetical_order() {
        let store = TestStore::open().await;
        let between = COMPARED.unsigned_abs();
        // On either side of `m`: as many names as are compared, and one more behind them.
        let sides = ["l", "n"].into_iter();
        let mut names: Vec<String> = sides
            .flat_map(|side| (1..between).map(move |number| format!("{side} filler {number:04}")))
            .collect();
        names.extend(["a quick brown fox", "z quick brown fox"].map(str::to_owned));
        add_servers(&store, HOME, names).await;
        let wanted = "m quick brown fox";
        let near = near_name(&store.reader, HOME, None, wanted).await.unwrap();
        assert_eq!(near, ["a quick brown fox", "z quick brown fox"]);
        add_servers(&store, HOME, vec!["l last".into()]).await;
        let near = near_name(&store.reader, HOME, None, wanted).await.unwrap();
        assert_eq!(near, ["z quick brown fox"]);
    }
}
