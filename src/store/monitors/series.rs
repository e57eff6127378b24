//! What the metrics pages show of monitors: their numbers, and the latest figures of each.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::discord_id::GuildId;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::status::Status;
use crate::domain::{Timestamp, millis};
use crate::store::devices::device::status_of;
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Reader, StoreError};

/// How many monitors of a kind have a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorCount {
    pub kind: MonitorKind,
    pub status: Status,
    pub count: u64,
}

/// Numbers of monitors by kind and status, in all guilds that have not removed the bot. Those without monitors are omitted.
pub async fn counts(reader: &Reader) -> Result<Vec<MonitorCount>, StoreError> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT kind, status, COUNT(*) FROM monitors
         WHERE guild_id NOT IN (SELECT guild_id FROM left_guilds) GROUP BY kind, status",
    )
    .fetch_all(&reader.pool)
    .await?;
    let count = |(kind, status, count): (String, String, i64)| {
        Some(MonitorCount {
            kind: kind.parse().ok()?,
            status: status.parse().ok()?,
            count: count.unsigned_abs(),
        })
    };
    Ok(rows.into_iter().filter_map(count).collect())
}

/// Number of incidents of all guilds that have not ended, without notifications about other facts.
pub async fn open_incidents(reader: &Reader) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM incidents WHERE ended_at IS NULL AND kind = 'incident'",
    )
    .fetch_one(&reader.pool)
    .await?;
    Ok(count.unsigned_abs())
}

/// How people know a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorLabels {
    pub id: MonitorId,
    pub kind: MonitorKind,
    pub name: String,
    /// The user-defined group.
    pub group: Option<String>,
}

/// The latest figures of a monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorFigures {
    pub labels: MonitorLabels,
    pub status: Status,
    /// How long the latest check took, in seconds; endpoints only.
    pub check_seconds: Option<f64>,
    pub certificate_expires_at: Option<Timestamp>,
}

/// Passes the figures of each monitor of a guild to `visit`, in the order of their ids. Rows that cannot be read are skipped.
pub async fn each_monitor(
    reader: &Reader,
    guild: GuildId,
    visit: &mut (impl FnMut(MonitorFigures) + Send),
) -> Result<(), StoreError> {
    let mut rows = sqlx::query(
        "SELECT m.id, m.kind, m.name, m.group_name, m.status, p.latency_us / 1000000.0 AS check_seconds,
                t.certificate_expires_at
         FROM monitors m
         LEFT JOIN endpoint_targets t ON t.monitor_id = m.id
         LEFT JOIN monitor_state p ON p.monitor_id = m.id
         WHERE m.guild_id = $1 ORDER BY m.id",
    )
    .bind(guild.to_row())
    .fetch(&reader.pool);
    while let Some(row) = rows.try_next().await? {
        let rows = std::slice::from_ref(&row);
        let readable = reader
            .unreadable
            .skip(StoredTable::Monitors, rows, figures)?;
        readable.into_iter().for_each(&mut *visit);
    }
    Ok(())
}

fn figures(row: &SqliteRow) -> Result<MonitorFigures, StoreError> {
    let kind: &str = row.try_get("kind")?;
    let kind = kind.parse();
    let kind = kind.map_err(|_| StoreError::Damaged("kind".into()))?;
    let expiry: Option<i64> = row.try_get("certificate_expires_at")?;
    Ok(MonitorFigures {
        labels: labels(row, kind)?,
        status: status_of(row.try_get("status")?)?,
        check_seconds: row.try_get("check_seconds")?,
        certificate_expires_at: expiry.map(Timestamp::from_millis),
    })
}

fn labels(row: &SqliteRow, kind: MonitorKind) -> Result<MonitorLabels, StoreError> {
    Ok(MonitorLabels {
        id: MonitorId(row.try_get("id")?),
        kind,
        name: row.try_get("name")?,
        group: row.try_get("group_name")?,
    })
}

/// Which reports are current: those of servers that are online, and those of servers that only a limit on what they report may
/// keep from being online, because the latest one is not older than their threshold.
#[derive(Clone, Copy, Debug)]
pub struct CurrentReports {
    pub now: Timestamp,
    /// The threshold of servers without one of their own.
    pub online: Duration,
}

/// Passes the latest report of each server of a guild to `visit` if it is current, as a JSON object, in the order of their ids.
pub async fn each_latest_report(
    reader: &Reader,
    guild: GuildId,
    current: CurrentReports,
    visit: &mut (impl FnMut(&MonitorLabels, &str) + Send),
) -> Result<(), StoreError> {
    let mut rows = sqlx::query(
        "SELECT m.id, m.name, m.group_name, (
             SELECT s.stats FROM samples s WHERE s.monitor_id = m.id ORDER BY s.at DESC, s.id DESC LIMIT 1
         ) AS stats
         FROM server_details d
         JOIN monitors m ON m.id = d.monitor_id
         WHERE d.guild_id = $1 AND (m.status = 'online' OR (
             m.status IN ('warning', 'offline')
             AND EXISTS (SELECT 1 FROM server_limits l WHERE l.monitor_id = m.id AND l.exceeded_reason IS NOT NULL)
             AND EXISTS (SELECT 1 FROM monitor_state p
                         WHERE p.monitor_id = m.id AND p.last_seen_at >= $2 - COALESCE(d.online_ms, $3))
         ))
         ORDER BY d.monitor_id",
    )
    .bind(guild.to_row())
    .bind(current.now.millis())
    .bind(millis(current.online))
    .fetch(&reader.pool);
    while let Some(row) = rows.try_next().await? {
        let stats: Option<&str> = row.try_get("stats")?;
        if let Some(stats) = stats {
            visit(&labels(&row, MonitorKind::Server)?, stats);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    async fn filled() -> TestStore {
        let store = TestStore::open().await;
        for sql in [
            "INSERT INTO monitors (id, guild_id, kind, name, group_name, status, since, created_at) VALUES
                (1, 7, 'endpoint', 'shop', 'web', 'online', 1, 1), (2, 7, 'server', 'db', NULL, 'online', 1, 1),
                (3, 7, 'server', 'old', NULL, 'warning', 1, 1), (4, 8, 'server', 'theirs', NULL, 'online', 1, 1),
                (5, 7, 'device', 'pump', NULL, 'offline', 1, 1), (6, 7, 'server', 'new', NULL, 'online', 1, 1),
                (7, 9, 'device', 'left', NULL, 'offline', 1, 1), (8, 7, 'server', 'full', NULL, 'warning', 1, 1),
                (9, 7, 'server', 'full, then late', NULL, 'offline', 1, 1),
                (10, 7, 'server', 'paused', NULL, 'paused', 1, 1), (11, 7, 'server', 'slow', NULL, 'offline', 1, 1)",
            "INSERT INTO endpoint_targets (monitor_id, guild_id, target, host, port, certificate_expires_at)
                VALUES (1, 7, 'https://a.example/', 'a.example', 443, 5000)",
            "INSERT INTO server_details (monitor_id, guild_id, online_ms) VALUES
                (2, 7, NULL), (3, 7, NULL), (4, 8, NULL), (6, 7, NULL), (8, 7, NULL), (9, 7, NULL), (10, 7, NULL), (11, 7, 2000)",
            "INSERT INTO monitor_state (monitor_id, latency_us) VALUES (1, 250000)",
            "INSERT INTO monitor_state (monitor_id, last_seen_at) VALUES (3, 20), (8, 1000), (9, 999), (10, 2000), (11, 0)",
            "INSERT INTO server_limits (monitor_id, guild_id, metric, condition, bound, hold_ms, severity, exceeded_reason, created_at)
                SELECT id, 7, 'cpu', 'above', 2, 0, 'warning', CASE WHEN id <> 3 THEN 'cpu at 3' END, 1 FROM monitors
                WHERE id IN (3, 8, 9, 10, 11)",
            "INSERT INTO samples (at, monitor_id, guild_id, stats) VALUES
                (10, 2, 7, '{\"cpu\":1}'), (20, 2, 7, '{\"cpu\":2}'), (20, 3, 7, '{\"cpu\":3}'), (20, 4, 8, '{\"cpu\":4}'),
                (1000, 8, 7, '{\"cpu\":8}'), (999, 9, 7, '{\"cpu\":9}'), (2000, 10, 7, '{\"cpu\":10}'), (0, 11, 7, '{\"cpu\":11}')",
            "INSERT INTO guilds (guild_id, application_id, joined_at, left_at) VALUES (9, 1, 1, 2)",
            "INSERT INTO incidents (guild_id, kind, scope, opened_at, created_at, joined_at, ended_at) VALUES
                (7, 'incident', '', 1, 1, 1, NULL), (7, 'incident', '', 1, 1, 1, 2), (7, 'reminder', '', 1, 1, 1, NULL)",
        ] {
            store.execute(sql).await;
        }
        store
    }

    #[tokio::test]
    async fn only_the_monitors_of_the_guild_are_visited() {
        let store = filled().await;
        let mut found = Vec::new();
        let mut visit = |figures: MonitorFigures| found.push(figures);
        each_monitor(&store.reader, GuildId(7), &mut visit)
            .await
            .unwrap();
        let ids: Vec<i64> = found.iter().map(|figures| figures.labels.id.0).collect();
        assert_eq!(ids, [1, 2, 3, 5, 6, 8, 9, 10, 11]);
        let shop = &found[0];
        assert_eq!(shop.labels.group.as_deref(), Some("web"));
        assert_eq!(shop.check_seconds, Some(0.25));
        assert_eq!(
            shop.certificate_expires_at,
            Some(Timestamp::from_millis(5000))
        );
        assert_eq!(
            (found[1].check_seconds, found[3].status),
            (None, Status::Offline)
        );
    }

    #[tokio::test]
    async fn the_latest_report_counts_while_its_server_is_online_or_only_beyond_a_limit() {
        let store = filled().await;
        let mut found = Vec::new();
        let mut visit =
            |labels: &MonitorLabels, stats: &str| found.push((labels.id.0, stats.to_owned()));
        let current = CurrentReports {
            now: Timestamp::from_millis(2_000),
            online: Duration::from_secs(1),
        };
        each_latest_report(&store.reader, GuildId(7), current, &mut visit)
            .await
            .unwrap();
        let expected = [2, 8, 11].map(|id| (id, format!(r#"{{"cpu":{id}}}"#)));
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn monitors_of_guilds_that_left_are_not_counted_and_open_incidents_are() {
        let store = filled().await;
        let counts = counts(&store.reader).await.unwrap();
        let of = |kind, status| {
            let found = counts
                .iter()
                .find(|one| (one.kind, one.status) == (kind, status));
            found.map_or(0, |one| one.count)
        };
        assert_eq!(of(MonitorKind::Server, Status::Online), 3);
        assert_eq!(of(MonitorKind::Server, Status::Warning), 2);
        assert_eq!(of(MonitorKind::Device, Status::Offline), 1);
        assert_eq!(of(MonitorKind::Endpoint, Status::Online), 1);
        assert_eq!(open_incidents(&store.reader).await.unwrap(), 1);
    }
}
