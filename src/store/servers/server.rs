//! Servers: their thresholds, and the samples from the reports of their agents.

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::name::NameKey;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::notifications::storage_limit::UsageKind;
use crate::domain::servers::metric_limit::Severity;
use crate::domain::servers::report_interval;
use crate::domain::servers::status_rule::ServerState;
use crate::domain::servers::threshold::Thresholds;
use crate::domain::status::Status;
use crate::store::devices::device::status_of;
use crate::store::engine::rows::of_guild;
use crate::store::engine::unreadable::StoredTable;
use crate::store::engine::usage;
use crate::store::monitors::monitor_name;
use crate::store::{Reader, StoreError, Tx};

/// A server with its state and settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub id: MonitorId,
    pub guild_id: GuildId,
    pub name: String,
    /// The status as last determined.
    pub status: Status,
    pub since: Timestamp,
    pub is_active: bool,
    pub last_seen_at: Option<Timestamp>,
    /// `None`: the thresholds from the settings.
    pub thresholds: Option<Thresholds>,
    /// Whether the thresholds follow the report interval automatically, and when they were last compared with it.
    pub auto_thresholds: bool,
    pub thresholds_followed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// The worst of its limits that are exceeded.
    pub exceeded: Option<Severity>,
}

impl Server {
    /// What the status rule needs of it.
    pub fn state(&self) -> ServerState {
        ServerState {
            monitor: MonitorRef {
                guild: self.guild_id,
                id: self.id,
            },
            status: self.status,
            since: self.since,
            is_active: self.is_active,
            last_seen: self.last_seen_at,
            exceeded: self.exceeded,
        }
    }
}

/// Adds a server that has not reported yet. The caller makes sure that its name is free.
pub async fn insert(
    tx: &mut Tx<'_>,
    guild: GuildId,
    name: &str,
    now: Timestamp,
) -> Result<MonitorId, StoreError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO monitors (guild_id, kind, name, name_key, status, since, created_at)
         VALUES ($1, 'server', $2, $5, $3, $4, $4) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(name)
    .bind(Status::Unknown.as_str())
    .bind(now.millis())
    .bind(NameKey::of(name).as_str())
    .fetch_one(&mut *tx.connection)
    .await?;
    sqlx::query("INSERT INTO server_details (monitor_id, guild_id) VALUES ($1, $2)")
        .bind(id)
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(MonitorId(id))
}

/// Number of servers of a guild.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM server_details WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_one(&mut *tx.connection)
        .await?;
    Ok(count.unsigned_abs())
}

/// Saves what people can change about a server. The caller makes sure that its name is free. Thresholds of `None` mean those from the settings.
pub async fn update(tx: &mut Tx<'_>, server: &Server) -> Result<(), StoreError> {
    monitor_name::set(tx, server.id, &server.name).await?;
    let length = |length: fn(&Thresholds) -> Duration| {
        server
            .thresholds
            .as_ref()
            .map(|thresholds| crate::domain::millis(length(thresholds)))
    };
    sqlx::query(
        "UPDATE server_details SET is_active = $2, online_ms = $3, warning_ms = $4, offline_ms = $5, auto_thresholds = $6
         WHERE monitor_id = $1",
    )
    .bind(server.id.0)
    .bind(server.is_active)
    .bind(length(Thresholds::online))
    .bind(length(Thresholds::warning))
    .bind(length(Thresholds::offline))
    .bind(server.auto_thresholds)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Stores a sample, unless the database has no room for samples. `stats` is a JSON object.
pub async fn keep_sample(
    tx: &mut Tx<'_>,
    id: MonitorId,
    at: Timestamp,
    stats: &str,
) -> Result<(), StoreError> {
    if !tx.room.has_samples() {
        return Ok(());
    }
    let guild: Option<i64> = sqlx::query_scalar(
        "INSERT INTO samples (at, monitor_id, stats, guild_id) SELECT $1, id, $3, guild_id FROM monitors WHERE id = $2
         RETURNING guild_id",
    )
    .bind(at.millis())
    .bind(id.0)
    .bind(stats)
    .fetch_optional(&mut *tx.connection)
    .await?;
    match guild.map(GuildId::from_row) {
        Some(guild) => usage::enforce(tx, guild, UsageKind::Samples).await,
        None => Ok(()),
    }
}

/// A server of a guild; `None` if the guild has none with this id.
pub async fn get(
    reader: &Reader,
    guild: GuildId,
    id: MonitorId,
) -> Result<Option<Server>, StoreError> {
    let row = sqlx::query("SELECT * FROM servers WHERE guild_id = $1 AND id = $2")
        .bind(guild.to_row())
        .bind(id.0)
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The servers of a guild (`None`: of all guilds, for jobs) by name.
pub async fn list(reader: &Reader, guild: Option<GuildId>) -> Result<Vec<Server>, StoreError> {
    let wanted = match guild {
        Some(_) => of_guild(guild),
        // Without reading every endpoint and device, too.
        None => "$1 IS NULL AND id IN (SELECT monitor_id FROM server_details)",
    };
    let sql = format!("SELECT * FROM servers WHERE {wanted} ORDER BY name, id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(guild.map(GuildId::to_row))
        .fetch_all(&reader.pool)
        .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, read)
}

/// A server, read inside a transaction; `None` if it has been removed.
pub async fn find(tx: &mut Tx<'_>, id: MonitorId) -> Result<Option<Server>, StoreError> {
    let row = sqlx::query("SELECT * FROM servers WHERE id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx.connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Times of a server's recent reports, newest first, from which its report interval is learned.
pub async fn recent_reports(
    reader: &Reader,
    id: MonitorId,
    now: Timestamp,
) -> Result<Vec<Timestamp>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT at FROM samples WHERE monitor_id = $1 AND at > $2 AND at <= $3 ORDER BY at DESC LIMIT $4",
    )
    .bind(id.0)
    .bind(now.minus(report_interval::LEARNED_WITHIN).millis() - 1)
    .bind(now.millis())
    .bind(i64::try_from(report_interval::LOADED).unwrap_or(i64::MAX))
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(Timestamp::from_millis).collect())
}

/// Times of a server's reports between two times, both included, in order.
pub async fn report_times(
    reader: &Reader,
    id: MonitorId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Timestamp>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT at FROM samples WHERE monitor_id = $1 AND at >= $2 AND at <= $3 ORDER BY at",
    )
    .bind(id.0)
    .bind(from.millis())
    .bind(to.millis())
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(Timestamp::from_millis).collect())
}

/// Passes each sample of a server from one time to before another to `visit`, in order: its time, and a JSON object.
/// There may be many samples, so they are never all in memory. `visit` may end it with a reason.
pub async fn each_sample<B>(
    reader: &Reader,
    id: MonitorId,
    from: Timestamp,
    to: Timestamp,
    visit: &mut (impl FnMut(Timestamp, &str) -> ControlFlow<B> + Send),
) -> Result<ControlFlow<B>, StoreError> {
    let mut rows = sqlx::query(
        "SELECT at, stats FROM samples WHERE monitor_id = $1 AND at >= $2 AND at < $3 ORDER BY at",
    )
    .bind(id.0)
    .bind(from.millis())
    .bind(to.millis())
    .fetch(&reader.pool);
    while let Some(row) = rows.try_next().await? {
        let at = Timestamp::from_millis(row.try_get("at")?);
        let visited = visit(at, row.try_get("stats")?);
        if visited.is_break() {
            return Ok(visited);
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A sample from a report of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub at: Timestamp,
    /// A JSON object.
    pub stats: String,
}

/// The latest samples of a server, newest first.
pub async fn latest_samples(
    reader: &Reader,
    id: MonitorId,
    limit: u32,
) -> Result<Vec<Sample>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT at, stats FROM samples WHERE monitor_id = $1 ORDER BY at DESC, id DESC LIMIT $2",
    )
    .bind(id.0)
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    let sample = |(at, stats)| Sample {
        at: Timestamp::from_millis(at),
        stats,
    };
    Ok(rows.into_iter().map(sample).collect())
}

/// Records that the thresholds of a server have been compared with its report interval.
pub async fn followed(tx: &mut Tx<'_>, id: MonitorId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE server_details SET thresholds_followed_at = $2 WHERE monitor_id = $1")
        .bind(id.0)
        .bind(now.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// The servers that have samples to delete: older than the given time, and on a day of which a summary is kept.
pub async fn with_old_samples(
    reader: &Reader,
    before: Timestamp,
) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT d.monitor_id FROM rolled_up_servers d WHERE EXISTS (
             SELECT 1 FROM samples s WHERE s.monitor_id = d.monitor_id AND s.at < MIN($1, d.hour / 24 * 86400000)
                 AND s.at < (SELECT MAX(n.at) FROM samples n WHERE n.monitor_id = d.monitor_id))",
    )
    .bind(before.millis())
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// Deletes up to `limit` samples of a server that are older than the given time and on a day of which a summary is kept; returns how
/// many. The latest one stays, because people read it when the server no longer reports.
pub async fn prune(
    tx: &mut Tx<'_>,
    id: MonitorId,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM samples WHERE id IN (
             SELECT id FROM samples WHERE monitor_id = $1
                 AND at < MIN($2, (SELECT hour / 24 * 86400000 FROM rolled_up_servers WHERE monitor_id = $1))
                 AND at < (SELECT MAX(at) FROM samples WHERE monitor_id = $1)
             ORDER BY at LIMIT $3)",
    )
    .bind(id.0)
    .bind(before.millis())
    .bind(i64::from(limit))
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}

fn read(row: &SqliteRow) -> Result<Server, StoreError> {
    let seen: Option<i64> = row.try_get("last_seen_at")?;
    let followed: Option<i64> = row.try_get("thresholds_followed_at")?;
    let exceeded: Option<String> = row.try_get("limit_exceeded")?;
    let severity = exceeded.map(|word| {
        let damaged = |_| StoreError::Damaged("the severity of a server's limit".into());
        word.parse().map_err(damaged)
    });
    let length = |name: &str| -> Result<Option<Duration>, StoreError> {
        let millis: Option<i64> = row.try_get(name)?;
        Ok(millis.map(|millis| Duration::from_millis(millis.unsigned_abs())))
    };
    let lengths = (
        length("online_ms")?,
        length("warning_ms")?,
        length("offline_ms")?,
    );
    let thresholds = match lengths {
        (Some(online), Some(warning), Some(offline)) => {
            let thresholds = Thresholds::new(online, warning, offline);
            Some(thresholds.map_err(|_| StoreError::Damaged("a server's thresholds".into()))?)
        }
        _ => None,
    };
    Ok(Server {
        id: MonitorId(row.try_get("id")?),
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        name: row.try_get("name")?,
        status: match (status_of(row.try_get("status")?)?, seen) {
            // The view says offline, for scripts.
            (Status::Offline, None) => Status::Unknown,
            (status, _) => status,
        },
        since: Timestamp::from_millis(row.try_get("since")?),
        is_active: row.try_get("is_active")?,
        last_seen_at: seen.map(Timestamp::from_millis),
        thresholds,
        auto_thresholds: row.try_get("auto_thresholds")?,
        thresholds_followed_at: followed.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        exceeded: severity.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::devices::heartbeat::record_heartbeats;
    use crate::store::testing::TestStore;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[tokio::test]
    async fn a_server_belongs_to_one_guild_and_its_latest_reports_are_known() {
        let store = TestStore::open().await;
        let id = store
            .write(|tx| {
                Box::pin(async move {
                    let id = insert(tx, GuildId(1), "db-1", at(0)).await?;
                    for number in 0..12 {
                        keep_sample(tx, id, at(100_000 + number * 60), "{}").await?;
                    }
                    keep_sample(tx, id, at(1), "{}").await?;
                    record_heartbeats(tx, &[(id, at(100_660))]).await?;
                    Ok(id)
                })
            })
            .await;
        let server = get(&store.reader, GuildId(1), id).await.unwrap().unwrap();
        assert_eq!(
            (server.status, server.last_seen_at, server.thresholds),
            (Status::Offline, Some(at(100_660)), None)
        );
        assert_eq!(get(&store.reader, GuildId(2), id).await.unwrap(), None);
        let reports = recent_reports(&store.reader, id, at(100_700))
            .await
            .unwrap();
        assert_eq!((reports.len(), reports[0]), (12, at(100_660)));
        let old = async || with_old_samples(&store.reader, at(100_000)).await.unwrap();
        let deleted = async |before| {
            store
                .write(move |tx| Box::pin(prune(tx, id, before, 10)))
                .await
        };
        // Nothing is kept of them yet, then of a day that is not over, then of the day.
        for (sql, count) in [
            ("SELECT 1", 0),
            (
                "INSERT INTO rolled_up_servers SELECT monitor_id, 23 FROM server_details",
                0,
            ),
            ("UPDATE rolled_up_servers SET hour = 24", 1),
            ("UPDATE rolled_up_servers SET hour = 27", 0),
        ] {
            store.execute(sql).await;
            assert_eq!(old().await.len() as u64, count, "{sql}");
            assert_eq!(deleted(at(100_000)).await, count, "{sql}");
        }
        // All are old, and the latest one stays.
        store
            .execute("UPDATE rolled_up_servers SET hour = 48")
            .await;
        assert_eq!(
            (deleted(at(200_000)).await, deleted(at(200_000)).await),
            (10, 1)
        );
        assert_eq!(old().await, []);
        let latest = latest_samples(&store.reader, id, 5).await.unwrap();
        assert_eq!((latest.len(), latest[0].at), (1, at(100_660)));
    }
}
