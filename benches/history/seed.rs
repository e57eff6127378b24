//! Writes histories into databases that the product has made. The checks are like those of a real endpoint: latencies that vary
//! around a daily wave, with spikes, a few milliseconds late, and with two outages.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::{Result, Size};

/// The guild of all monitors.
pub const GUILD: &str = "1";

/// The database of the product in its directory.
pub fn database(folder: &Path) -> PathBuf {
    folder.join("rollcall.db")
}

pub async fn connect(folder: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(database(folder))
        .busy_timeout(Duration::from_secs(30));
    Ok(options.connect().await?)
}

/// Midnight (UTC) before the history, in milliseconds.
const START: &str =
    "(CAST(strftime('%s', 'now', 'start of day') AS INTEGER) * 1000 - {days} * 86400000)";

fn filled(sql: &str, size: Size) -> String {
    let numbers = [
        ("{start}", START.to_owned()),
        ("{days}", size.days.to_string()),
        ("{checked}", size.checked.to_string()),
        ("{monitors}", size.monitors.to_string()),
    ];
    let mut sql = sql.to_owned();
    for (place, value) in numbers {
        sql = sql.replace(place, &value);
    }
    sql
}

/// Endpoints with a log of all their checks, none of which is packed. They are paused, so that none is checked now.
pub async fn checks(folder: &Path, size: Size) -> Result<()> {
    let sql = "
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {checked})
        INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
        SELECT i, 1, 'endpoint', 'bench ' || i, 'paused', {start} + {days} * 86400000, {start} FROM n;
        INSERT INTO endpoint_targets (monitor_id, guild_id, target, host, port)
        SELECT id, 1, 'tcp://127.0.0.1:' || id, '127.0.0.1', id FROM monitors;
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {days} * 1440 * {checked} - 1)
        INSERT INTO check_results (at, monitor_id, latency_us, class)
        SELECT {start} + i / {checked} * 60000 + i % {checked} * 700 + ABS(random()) % 6, i % {checked} + 1,
               CAST(20000 * (0.8 + 0.4 * ABS(i / {checked} % 1440 - 720) / 720.0) * (1 + x + x * x / 2)
                   * CASE ABS(random()) % 100 WHEN 0 THEN 1 + ABS(random()) % 9 ELSE 1 END AS INTEGER),
               CASE WHEN i / {checked} % ({days} * 720) BETWEEN 5000 AND 5030 THEN 2 ELSE 0 END FROM (
            SELECT i, 0.00026 * (ABS(random()) % 1000 + ABS(random()) % 1000 + ABS(random()) % 1000 + ABS(random()) % 1000 - 2000) AS x
            FROM n);
        DELETE FROM status_spans;
        INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, created_at, 1 FROM monitors;
        INSERT INTO status_spans (monitor_id, began_at, status)
        SELECT m.id, m.created_at + (o.n * {days} * 720 + 5000 + o.length) * 60000, o.status FROM monitors m
        CROSS JOIN (SELECT 0 AS n, 0 AS length, 3 AS status UNION SELECT 0, 31, 1 UNION SELECT 1, 0, 3 UNION SELECT 1, 31, 1) o;
        INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, since, 4 FROM monitors;";
    write(folder, sql, size).await
}

/// A guild of endpoints that are checked each second, with an outage every third day, and the days of the endpoints in another
/// database.
pub async fn guild(folder: &Path, days: &Path, port: u16, size: Size) -> Result<()> {
    let days = format!(
        "ATTACH '{}' AS packed;
         INSERT INTO daily_stats SELECT m.id, d.day, d.online_ms, d.offline_ms, d.maintenance_ms, d.unknown_ms, d.paused_ms, d.outages,
             d.checks, d.failures, d.p50_us, d.p95_us, d.p99_us
         FROM monitors m JOIN packed.daily_stats d ON d.monitor_id = 1 + m.id % {{checked}};
         INSERT INTO latency_sketches SELECT m.id, d.day, d.sketch
         FROM monitors m JOIN packed.latency_sketches d ON d.monitor_id = 1 + m.id % {{checked}};
         DETACH packed;",
        database(days).display()
    );
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {{monitors}})
        INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
        SELECT i, 1, 'endpoint', 'bench ' || i, 'online', {{start}}, {{start}} FROM n;
        INSERT INTO endpoint_targets (monitor_id, guild_id, target, host, port, interval_ms)
        SELECT id, 1, 'http://127.0.0.' || (1 + id % 16) || ':{port}/' || id, '127.0.0.' || (1 + id % 16), {port}, 1000 FROM monitors;
        INSERT INTO monitor_state (monitor_id, last_check_at, last_seen_at, consecutive_failures, latency_us)
        SELECT id, since, since, 0, 500 FROM monitors;
        DELETE FROM status_spans;
        INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, created_at, 1 FROM monitors;
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {{days}} / 3 * 2 - 1)
        INSERT INTO status_spans (monitor_id, began_at, status)
        SELECT m.id, m.created_at + n.i / 2 * 259200000 + 86400000 + m.id * 1000 + n.i % 2 * 300000,
               CASE n.i % 2 WHEN 0 THEN 3 ELSE 1 END FROM n, monitors m;
        {days}"
    );
    write(folder, &sql, size).await
}

/// Rollcall has run all the time, and was started again every day.
const WINDOWS: &str = "DELETE FROM observation_windows;
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {days} - 1)
    INSERT INTO observation_windows (started_at, confirmed_at)
    SELECT {start} + i * 86400000, {start} + (i + 1) * 86400000 - 10000 FROM n;";

async fn write(folder: &Path, sql: &str, size: Size) -> Result<()> {
    let mut connection = connect(folder).await?;
    for sql in [sql, WINDOWS] {
        let sql = filled(sql, size);
        connection.execute(sqlx::AssertSqlSafe(sql)).await?;
    }
    Ok(connection.close().await?)
}
