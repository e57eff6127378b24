//! Log lines of devices, including their pings, and runs that have started but not ended.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::storage_limit::UsageKind;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::engine::usage;
use crate::store::{Reader, StoreError, Tx};

/// Lines kept per device; the oldest are deleted. Runs that ended stay until they are in the figures of their day.
pub const LINES_KEPT: u32 = 1_000;

/// Maximum open runs per device; the oldest are deleted.
const RUNS_KEPT: u32 = 100;

/// A line to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// `line`, or the stored name of a ping's signal.
    pub kind: &'static str,
    pub level: Option<String>,
    /// The time by the device's own clock: a hint, stored as it was received.
    pub device_time: Option<String>,
    pub message: String,
    /// Duration of the run, for a signal that ends one.
    pub run_time: Option<Duration>,
}

/// A stored line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub id: i64,
    /// When it was received.
    pub at: Timestamp,
    pub kind: String,
    pub level: Option<String>,
    pub device_time: Option<String>,
    pub message: String,
    pub run_time: Option<Duration>,
}

/// Stores lines in their order, unless the database has no room for logs, and deletes all but the last `LINES_KEPT` of the
/// device.
pub async fn append(
    tx: &mut Tx<'_>,
    id: MonitorId,
    lines: &[NewLine],
    now: Timestamp,
) -> Result<(), StoreError> {
    if !tx.room.has_samples() {
        return Ok(());
    }
    let guild: Option<i64> = sqlx::query_scalar("SELECT guild_id FROM monitors WHERE id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx.connection)
        .await?;
    let Some(guild) = guild else { return Ok(()) };
    for piece in pieces(lines) {
        let places = placeholders(piece.len(), 8);
        let sql = format!(
            "INSERT INTO device_logs (monitor_id, guild_id, at, kind, level, device_time, message, run_ms) VALUES {places}"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for line in piece {
            query = query
                .bind(id.0)
                .bind(guild)
                .bind(now.millis())
                .bind(line.kind)
                .bind(&line.level)
                .bind(&line.device_time)
                .bind(&line.message)
                .bind(line.run_time.map(crate::domain::millis));
        }
        query.execute(&mut *tx.connection).await?;
    }
    sqlx::query(
        "DELETE FROM device_logs WHERE monitor_id = $1 AND id <=
         (SELECT id FROM device_logs WHERE monitor_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)
         AND NOT (kind IN ('success', 'fail') AND id > COALESCE((SELECT packed_run FROM packing WHERE id = 1), 0))",
    )
    .bind(id.0)
    .bind(LINES_KEPT)
    .execute(&mut *tx.connection)
    .await?;
    usage::enforce(tx, GuildId::from_row(guild), UsageKind::DeviceLogs).await
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    kind: String,
    level: Option<String>,
    device_time: Option<String>,
    message: String,
    run_ms: Option<i64>,
}

fn read(row: Row) -> Line {
    Line {
        id: row.id,
        at: Timestamp::from_millis(row.at),
        kind: row.kind,
        level: row.level,
        device_time: row.device_time,
        message: row.message,
        run_time: row
            .run_ms
            .map(|millis| Duration::from_millis(millis.unsigned_abs())),
    }
}

/// The lines of a device after an id, in order.
pub async fn list(
    reader: &Reader,
    id: MonitorId,
    after: i64,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, at, kind, level, device_time, message, run_ms FROM device_logs
         WHERE monitor_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(id.0)
    .bind(after)
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// The latest lines of a device, newest first.
pub async fn latest(reader: &Reader, id: MonitorId, limit: u32) -> Result<Vec<Line>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, at, kind, level, device_time, message, run_ms FROM device_logs
         WHERE monitor_id = $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(id.0)
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// The latest pings of a device, newest first.
pub async fn latest_pings(
    reader: &Reader,
    id: MonitorId,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, at, kind, level, device_time, message, run_ms FROM device_logs
         WHERE monitor_id = $1 AND kind <> 'line' ORDER BY id DESC LIMIT $2",
    )
    .bind(id.0)
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// What the log of a device says about its pings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingSummary {
    /// Pings in the log, which keeps the latest lines only.
    pub pings: u64,
    /// Duration of the latest run that ended, if it is known.
    pub last_run: Option<Duration>,
}

/// What the logs of these devices say about their pings; a device without pings is omitted.
pub async fn ping_summaries(
    reader: &Reader,
    ids: &[MonitorId],
) -> Result<HashMap<MonitorId, PingSummary>, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        let sql = format!(
            "SELECT s.monitor_id, s.pings, l.run_ms FROM (
                 SELECT monitor_id, COUNT(*) AS pings, MAX(CASE WHEN kind IN ('success', 'fail') THEN id END) AS last_end
                 FROM device_logs WHERE monitor_id IN {places} AND kind <> 'line' GROUP BY monitor_id
             ) s LEFT JOIN device_logs l ON l.id = s.last_end"
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        let rows: Vec<(i64, i64, Option<i64>)> = query.fetch_all(&reader.pool).await?;
        found.extend(rows.into_iter().map(|(id, pings, run_ms)| {
            let last_run = run_ms.map(|millis| Duration::from_millis(millis.unsigned_abs()));
            let pings = pings.unsigned_abs();
            (MonitorId(id), PingSummary { pings, last_run })
        }));
    }
    Ok(found)
}

/// Those of these devices that have a run which has started and not ended.
pub async fn running(reader: &Reader, ids: &[MonitorId]) -> Result<HashSet<MonitorId>, StoreError> {
    let mut found = HashSet::new();
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        let sql =
            format!("SELECT DISTINCT monitor_id FROM device_runs WHERE monitor_id IN {places}");
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        let rows: Vec<i64> = query.fetch_all(&reader.pool).await?;
        found.extend(rows.into_iter().map(MonitorId));
    }
    Ok(found)
}

/// Starts a run; an open run of the same name restarts.
pub async fn begin_run(
    tx: &mut Tx<'_>,
    id: MonitorId,
    run: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO device_runs (monitor_id, run, started_at) VALUES ($1, $2, $3)
         ON CONFLICT (monitor_id, run) DO UPDATE SET started_at = excluded.started_at",
    )
    .bind(id.0)
    .bind(run)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    sqlx::query(
        "DELETE FROM device_runs WHERE monitor_id = $1 AND run NOT IN
         (SELECT run FROM device_runs WHERE monitor_id = $1 ORDER BY started_at DESC, run LIMIT $2)",
    )
    .bind(id.0)
    .bind(RUNS_KEPT)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Ends a run; returns its start, if known.
pub async fn end_run(
    tx: &mut Tx<'_>,
    id: MonitorId,
    run: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let started: Option<i64> = sqlx::query_scalar(
        "DELETE FROM device_runs WHERE monitor_id = $1 AND run = $2 RETURNING started_at",
    )
    .bind(id.0)
    .bind(run)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(started.map(Timestamp::from_millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::discord_id::GuildId;
    use crate::store::devices::device;
    use crate::store::testing::{TestStore, new_device};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn line(number: usize) -> NewLine {
        NewLine {
            kind: "line",
            level: Some("info".into()),
            device_time: None,
            message: format!("line {number}"),
            run_time: None,
        }
    }

    async fn with_device() -> (TestStore, MonitorId) {
        let store = TestStore::open().await;
        let id = store
            .write(|tx| {
                Box::pin(async move {
                    let uuid = DeviceUuid::from_random([1; 16]);
                    device::insert(tx, &new_device(GuildId(1), &uuid, "pump"), at(0)).await
                })
            })
            .await;
        (store, id)
    }

    #[tokio::test]
    async fn the_last_thousand_lines_are_kept_and_read_in_pages() {
        let (store, id) = with_device().await;
        store
            .write(move |tx| {
                Box::pin(async move {
                    let lines: Vec<NewLine> = (0..1_300).map(line).collect();
                    append(tx, id, &lines[..700], at(1)).await?;
                    append(tx, id, &lines[700..], at(2)).await
                })
            })
            .await;
        let first = list(&store.reader, id, 0, 10).await.unwrap();
        assert_eq!((first.len(), first[0].message.as_str()), (10, "line 300"));
        let rest = list(&store.reader, id, first[9].id, 5_000).await.unwrap();
        assert_eq!(rest.len(), 990);
        let last = latest(&store.reader, id, 1).await.unwrap();
        assert_eq!((last[0].message.as_str(), last[0].at), ("line 1299", at(2)));
    }

    #[tokio::test]
    async fn runs_that_ended_stay_until_they_are_packed() {
        let (store, id) = with_device().await;
        let kinds = async || {
            let all = list(&store.reader, id, 0, 5_000).await.unwrap();
            let runs = all.iter().filter(|line| line.kind != "line").count();
            (all.len() - runs, runs)
        };
        let append_lines = async |count: usize| {
            store
                .write(move |tx| {
                    Box::pin(async move {
                        let lines: Vec<NewLine> = (0..count).map(line).collect();
                        append(tx, id, &lines, at(3)).await
                    })
                })
                .await;
        };
        store
            .write(move |tx| {
                Box::pin(async move {
                    let runs = ["start", "success", "fail", "log"].map(|kind| ping(kind, None));
                    append(tx, id, &runs, at(1)).await
                })
            })
            .await;
        append_lines(1_000).await;
        assert_eq!(kinds().await, (1_000, 2), "the end of each run");
        // The first one is packed.
        store
            .execute("INSERT INTO packing (id, packed_row, packed_run) VALUES (1, 0, 2)")
            .await;
        append_lines(1).await;
        assert_eq!(kinds().await, (1_000, 1));
        store.execute("UPDATE packing SET packed_run = 3").await;
        append_lines(1).await;
        assert_eq!(kinds().await, (1_000, 0));
    }

    fn ping(kind: &'static str, run_time: Option<u64>) -> NewLine {
        NewLine {
            kind,
            level: None,
            message: String::new(),
            run_time: run_time.map(Duration::from_millis),
            ..line(0)
        }
    }

    #[tokio::test]
    async fn pings_are_counted_apart_from_other_lines() {
        let (store, id) = with_device().await;
        let (empty, other) = (MonitorId(id.0 + 1), MonitorId(id.0 + 2));
        for (lines, pings, last_run) in [
            (vec![line(1)], 0, None),
            (vec![ping("start", None)], 1, None),
            (vec![ping("success", Some(1_500)), line(2)], 2, Some(1_500)),
            (vec![ping("log", None), ping("start", None)], 4, Some(1_500)),
            (vec![ping("fail", None)], 5, None),
        ] {
            store
                .write(move |tx| Box::pin(async move { append(tx, id, &lines, at(1)).await }))
                .await;
            let found = ping_summaries(&store.reader, &[id, empty, other]).await;
            let expected = PingSummary {
                pings,
                last_run: last_run.map(Duration::from_millis),
            };
            let expected = (pings > 0).then_some((id, expected));
            assert_eq!(found.unwrap(), expected.into_iter().collect());
        }
        let kinds = async |limit| {
            let pings = latest_pings(&store.reader, id, limit).await.unwrap();
            let kinds = pings.into_iter().map(|ping| ping.kind);
            kinds.collect::<Vec<String>>()
        };
        assert_eq!(kinds(2).await, ["fail", "start"]);
        let all = ["fail", "start", "log", "success", "start"];
        assert_eq!(kinds(9).await, all, "without the other lines");
    }

    #[tokio::test]
    async fn a_device_is_running_from_the_start_to_the_end_of_a_run() {
        let (store, id) = with_device().await;
        let is_running = async || running(&store.reader, &[id]).await.unwrap().contains(&id);
        assert!(!is_running().await);
        store
            .write(move |tx| {
                Box::pin(async move {
                    begin_run(tx, id, "a", at(1)).await?;
                    begin_run(tx, id, "b", at(1)).await
                })
            })
            .await;
        assert!(is_running().await);
        store
            .write(move |tx| Box::pin(async move { end_run(tx, id, "a").await }))
            .await;
        assert!(is_running().await, "the other run goes further");
        store
            .write(move |tx| Box::pin(async move { end_run(tx, id, "b").await }))
            .await;
        assert!(!is_running().await);
    }

    #[tokio::test]
    async fn a_run_is_timed_from_its_own_start_and_ends_once() {
        let (store, id) = with_device().await;
        let ended = store
            .write(move |tx| {
                Box::pin(async move {
                    begin_run(tx, id, "a", at(1)).await?;
                    begin_run(tx, id, "b", at(2)).await?;
                    begin_run(tx, id, "a", at(3)).await?;
                    for number in 0..200 {
                        begin_run(tx, id, &format!("n{number}"), at(10 + number)).await?;
                    }
                    begin_run(tx, id, "a", at(500)).await?;
                    Ok([
                        end_run(tx, id, "a").await?,
                        end_run(tx, id, "a").await?,
                        end_run(tx, id, "b").await?,
                        end_run(tx, id, "n199").await?,
                    ])
                })
            })
            .await;
        assert_eq!(ended, [Some(at(500)), None, None, Some(at(209))]);
        let left: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM device_runs").await;
        assert_eq!(left, [(98,)]);
    }
}
