//! What each day of a monitor was, in UTC: how long it was in each class, its checks, and how long they took.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::history::latency::sketch::LatencySketch;
use crate::domain::history::recorded_days::RecordedDay;
use crate::domain::history::uptime::{ClassTimes, UptimeSummary};
use crate::domain::millis;
use crate::domain::monitor::MonitorId;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{Reader, StoreError, Tx};

/// The checks of a day.
#[derive(Clone, Debug)]
pub struct DayStats {
    pub monitor: MonitorId,
    /// Days since 1970-01-01.
    pub day: i64,
    /// Of a device, runs of its jobs.
    pub checks: u64,
    pub failures: u64,
    /// How long those took that passed.
    pub latencies: LatencySketch,
}

impl DayStats {
    /// A day without checks.
    pub fn new(monitor: MonitorId, day: i64) -> Self {
        Self {
            monitor,
            day,
            checks: 0,
            failures: 0,
            latencies: LatencySketch::default(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    monitor_id: i64,
    day: i64,
    checks: i64,
    failures: i64,
    sketch: Option<Vec<u8>>,
}

/// The days of some monitors from `first` to `last`, both included. One whose latencies cannot be read has none.
pub async fn load(
    reader: &Reader,
    monitors: &[MonitorId],
    first: i64,
    last: i64,
) -> Result<HashMap<(MonitorId, i64), DayStats>, StoreError> {
    let mut days = HashMap::new();
    for piece in pieces(monitors) {
        let sql = format!(
            "SELECT d.monitor_id, d.day, d.checks, d.failures, k.sketch FROM daily_stats d
             LEFT JOIN latency_sketches k ON k.monitor_id = d.monitor_id AND k.day = d.day
             WHERE d.monitor_id IN {} AND d.day BETWEEN ? AND ?",
            placeholders(1, piece.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for monitor in piece {
            query = query.bind(monitor.0);
        }
        let rows: Vec<Row> = query.bind(first).bind(last).fetch_all(&reader.pool).await?;
        for row in rows {
            let (monitor, day) = (MonitorId(row.monitor_id), row.day);
            let latencies = row.sketch.map_or_else(LatencySketch::default, |bytes| {
                read_sketch(monitor, day, &bytes)
            });
            let stats = DayStats {
                monitor,
                day,
                checks: row.checks.unsigned_abs(),
                failures: row.failures.unsigned_abs(),
                latencies,
            };
            days.insert((monitor, day), stats);
        }
    }
    Ok(days)
}

fn read_sketch(monitor: MonitorId, day: i64, bytes: &[u8]) -> LatencySketch {
    let mut sketch = LatencySketch::default();
    add_sketch(&mut sketch, monitor, day, bytes);
    sketch
}

/// Adds the latencies of a day, unless they cannot be read.
fn add_sketch(sum: &mut LatencySketch, monitor: MonitorId, day: i64, bytes: &[u8]) {
    if let Err(error) = sum.merge_encoded(bytes) {
        tracing::error!(monitor = monitor.0, day, %error, "cannot read the latencies of a day, ignoring them");
    }
}

/// Writes the checks of days. How long the monitor was in each class stays.
pub async fn save_checks(tx: &mut Tx<'_>, days: &[&DayStats]) -> Result<(), StoreError> {
    for piece in pieces(days) {
        let sql = format!(
            "INSERT INTO daily_stats (monitor_id, day, checks, failures, p50_us, p95_us, p99_us) VALUES {}
             ON CONFLICT (monitor_id, day) DO UPDATE SET checks = excluded.checks, failures = excluded.failures,
                 p50_us = excluded.p50_us, p95_us = excluded.p95_us, p99_us = excluded.p99_us",
            placeholders(piece.len(), 7)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for one in piece {
            let quantile = |share| one.latencies.quantile(share).map(micros);
            query = query
                .bind(one.monitor.0)
                .bind(one.day)
                .bind(i64::try_from(one.checks).unwrap_or(i64::MAX))
                .bind(i64::try_from(one.failures).unwrap_or(i64::MAX))
                .bind(quantile(0.5))
                .bind(quantile(0.95))
                .bind(quantile(0.99));
        }
        query.execute(&mut *tx.connection).await?;
        save_sketches(tx, piece).await?;
    }
    Ok(())
}

async fn save_sketches(tx: &mut Tx<'_>, days: &[&DayStats]) -> Result<(), StoreError> {
    let with_latencies: Vec<&DayStats> = days
        .iter()
        .copied()
        .filter(|one| one.latencies.count() > 0)
        .collect();
    for piece in pieces(&with_latencies) {
        let sql = format!(
            "INSERT INTO latency_sketches (monitor_id, day, sketch) VALUES {}
             ON CONFLICT (monitor_id, day) DO UPDATE SET sketch = excluded.sketch",
            placeholders(piece.len(), 3)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for one in piece {
            query = query
                .bind(one.monitor.0)
                .bind(one.day)
                .bind(one.latencies.encode());
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// A day of a monitor that is over.
#[derive(Clone, Copy, Debug)]
pub struct DayTimes {
    pub monitor: MonitorId,
    pub day: i64,
    pub summary: UptimeSummary,
}

/// Writes how long monitors were in each class. Their checks stay.
pub async fn save_times(tx: &mut Tx<'_>, days: &[DayTimes]) -> Result<(), StoreError> {
    for piece in pieces(days) {
        let sql = format!(
            "INSERT INTO daily_stats (monitor_id, day, online_ms, offline_ms, maintenance_ms, unknown_ms, paused_ms, outages)
             VALUES {} ON CONFLICT (monitor_id, day) DO UPDATE SET online_ms = excluded.online_ms,
                 offline_ms = excluded.offline_ms, maintenance_ms = excluded.maintenance_ms,
                 unknown_ms = excluded.unknown_ms, paused_ms = excluded.paused_ms, outages = excluded.outages",
            placeholders(piece.len(), 8)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for one in piece {
            let times = one.summary.times;
            query = query
                .bind(one.monitor.0)
                .bind(one.day)
                .bind(millis(times.online))
                .bind(millis(times.offline))
                .bind(millis(times.maintenance))
                .bind(millis(times.unknown))
                .bind(millis(times.paused))
                .bind(one.summary.outages);
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// How long a monitor was in each class on the days from `first` to `last`, both included, as far as that is recorded.
pub async fn times(
    reader: &Reader,
    monitor: MonitorId,
    first: i64,
    last: i64,
) -> Result<Vec<RecordedDay>, StoreError> {
    let rows: Vec<(i64, i64, i64, i64, i64, u32)> = sqlx::query_as(
        "SELECT online_ms, offline_ms, maintenance_ms, unknown_ms, paused_ms, outages FROM daily_stats
         WHERE monitor_id = $1 AND day BETWEEN $2 AND $3 AND online_ms IS NOT NULL ORDER BY day",
    )
    .bind(monitor.0)
    .bind(first)
    .bind(last)
    .fetch_all(&reader.pool)
    .await?;
    let length = |millis: i64| Duration::from_millis(millis.unsigned_abs());
    let day = |(online, offline, maintenance, unknown, paused, outages)| RecordedDay {
        times: ClassTimes {
            online: length(online),
            offline: length(offline),
            maintenance: length(maintenance),
            unknown: length(unknown),
            paused: length(paused),
        },
        outages,
    };
    Ok(rows.into_iter().map(day).collect())
}

/// The latencies of a guild's monitors on the days from `first` to `last`, both included, added up for each monitor.
pub async fn latencies(
    reader: &Reader,
    monitors: &[MonitorId],
    first: i64,
    last: i64,
) -> Result<HashMap<MonitorId, LatencySketch>, StoreError> {
    let mut sums: HashMap<MonitorId, LatencySketch> = HashMap::new();
    for piece in pieces(monitors) {
        let sql = format!(
            "SELECT monitor_id, day, sketch FROM latency_sketches WHERE monitor_id IN {} AND day BETWEEN ? AND ?",
            placeholders(1, piece.len())
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for monitor in piece {
            query = query.bind(monitor.0);
        }
        let rows: Vec<(i64, i64, Vec<u8>)> =
            query.bind(first).bind(last).fetch_all(&reader.pool).await?;
        for (monitor, day, bytes) in rows {
            let monitor = MonitorId(monitor);
            add_sketch(sums.entry(monitor).or_default(), monitor, day, &bytes);
        }
    }
    Ok(sums)
}

/// Deletes up to `limit` days before the given one, with their latencies; returns how many.
pub async fn prune(tx: &mut Tx<'_>, before: i64, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM daily_stats WHERE (monitor_id, day) IN (SELECT monitor_id, day FROM daily_stats WHERE day < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}

fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
