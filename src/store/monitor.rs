//! Monitors of every kind: how many stand how, and which are not as they should be.

use super::device::status_of;
use super::{Reader, StoreError, Tx, monitor_state};
use crate::domain::Timestamp;
use crate::domain::grouping::Location;
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::status::Status;
use crate::domain::target::Host;

/// A monitor in a list of all kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    pub id: MonitorId,
    /// `endpoint`, `device` or `server`.
    pub kind: String,
    pub name: String,
    pub status: Status,
    pub since: Timestamp,
}

/// How many monitors of a guild have each status, or of all guilds; statuses that nobody has are left out.
pub async fn counts_by_status(
    reader: &Reader,
    guild: Option<GuildId>,
) -> Result<Vec<(Status, u64)>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT status, COUNT(*) FROM monitors WHERE $1 IS NULL OR guild_id = $1 GROUP BY status",
    )
    .bind(guild.map(GuildId::to_row))
    .fetch_all(&reader.pool)
    .await?;
    rows.into_iter()
        .map(|(word, count)| Ok((status_of(&word)?, count.unsigned_abs())))
        .collect()
}

/// The monitors of a guild that are offline or in warning: offline ones first, then those longest so.
pub async fn troubled(
    reader: &Reader,
    guild: GuildId,
    limit: u32,
) -> Result<Vec<Monitor>, StoreError> {
    let rows: Vec<(i64, String, String, String, i64)> = sqlx::query_as(
        "SELECT id, kind, name, status, since FROM monitors
         WHERE guild_id = $1 AND status IN ('offline', 'warning') ORDER BY status, since, id LIMIT $2",
    )
    .bind(guild.to_row())
    .bind(i64::from(limit))
    .fetch_all(&reader.pool)
    .await?;
    rows.into_iter().map(read).collect()
}

/// Where a monitor is, and its group.
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

/// Monitors of one kind (`%`: of every kind) whose name holds a text.
pub async fn search(
    reader: &Reader,
    guild: GuildId,
    (kind, text): (&str, &str),
    limit: u32,
) -> Result<Vec<Monitor>, StoreError> {
    let pattern = format!(
        "%{}%",
        text.replace('\\', r"\\")
            .replace('%', r"\%")
            .replace('_', r"\_")
    );
    let rows: Vec<(i64, String, String, String, i64)> = sqlx::query_as(
        r"SELECT id, kind, name, status, since FROM monitors
          WHERE guild_id = $1 AND kind LIKE $2 AND LOWER(name) LIKE LOWER($3) ESCAPE '\' ORDER BY name, id LIMIT $4",
    )
    .bind(guild.to_row())
    .bind(kind)
    .bind(pattern)
    .bind(i64::from(limit))
    .fetch_all(&reader.pool)
    .await?;
    rows.into_iter().map(read).collect()
}

/// Takes a device or a server off the roll, with everything but its events; `false` where this guild has none such.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId, id: MonitorId) -> Result<bool, StoreError> {
    let gone = sqlx::query(
        "DELETE FROM monitors WHERE guild_id = $1 AND id = $2 AND kind IN ('device', 'server')",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .execute(&mut *tx.connection)
    .await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    monitor_state::remove(tx, id).await?;
    tx.cache.devices.clear();
    tx.cache.standings.remove(&id);
    sqlx::query("DELETE FROM samples WHERE monitor_id = $1")
        .bind(id.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(true)
}

fn read(row: (i64, String, String, String, i64)) -> Result<Monitor, StoreError> {
    let (id, kind, name, status, since) = row;
    Ok(Monitor {
        id: MonitorId(id),
        kind,
        name,
        status: status_of(&status)?,
        since: Timestamp::from_millis(since),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::device::DeviceUuid;
    use crate::store::testing::TestStore;
    use crate::store::{device, server};

    #[tokio::test]
    async fn every_kind_is_counted_and_only_what_is_wrong_is_listed() {
        let store = TestStore::open().await;
        let at = Timestamp::from_millis;
        store
            .write(move |tx| {
                Box::pin(async move {
                    let uuid = DeviceUuid::from_random([1; 16]);
                    device::insert(tx, GuildId(1), (&uuid, "pump", None), at(5)).await?;
                    server::insert(tx, GuildId(1), "db-1", at(9)).await?;
                    server::insert(tx, GuildId(2), "theirs", at(1)).await
                })
            })
            .await;
        let mut counts = counts_by_status(&store.reader, Some(GuildId(1)))
            .await
            .unwrap();
        counts.sort_by_key(|(status, _)| status.word());
        assert_eq!(counts, [(Status::Offline, 1), (Status::Online, 1)]);
        let names = |found: Vec<Monitor>| -> Vec<String> {
            found.into_iter().map(|monitor| monitor.name).collect()
        };
        let troubled = troubled(&store.reader, GuildId(1), 10).await.unwrap();
        assert_eq!(names(troubled), ["db-1"]);
        for (kind, text, found) in [
            ("device", "PU", vec!["pump"]),
            ("device", "db", vec![]),
            ("server", "", vec!["db-1"]),
            ("server", "%", vec![]),
        ] {
            let seen = search(&store.reader, GuildId(1), (kind, text), 10)
                .await
                .unwrap();
            assert_eq!(names(seen), found, "{kind} {text}");
        }
    }
}
