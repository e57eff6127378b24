//! Creates a database with endpoints. The product creates the file and its tables; one statement per table writes the
//! rows, because importing a hundred thousand endpoints takes longer than measuring them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::command::{self, database};
use crate::{ADDRESSES, Result, certificate, process};

/// A group of similar endpoints.
#[derive(Clone, Copy, Debug)]
pub struct Seed {
    pub scheme: &'static str,
    pub port: u16,
    pub count: u64,
    /// Checked before and online; otherwise not checked yet.
    pub is_known: bool,
    pub interval: Option<Duration>,
    /// Delay until the first checks are due, spread over ten seconds; `None`: they are due at their slots.
    pub due_after: Option<Duration>,
}

impl Seed {
    pub fn known(scheme: &'static str, port: u16, count: u64) -> Self {
        Self {
            scheme,
            port,
            count,
            is_known: true,
            interval: None,
            due_after: None,
        }
    }
}

/// Creates a new database in `folder`.
pub fn fill(folder: &Path, seeds: &[Seed]) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = database(folder).into_os_string();
        file.push(suffix);
        let _ = std::fs::remove_file(file);
    }
    // A command that only reads does not create it.
    let made = command::program(folder)
        .args(["key", "create", "--kind", "read"])
        .stdout(Stdio::null())
        .status()?;
    if !made.success() {
        return Err("the product did not create its database".into());
    }
    with_database(folder, async |connection| {
        for seed in seeds {
            insert(connection, *seed).await?;
        }
        Ok(())
    })
}

async fn insert(connection: &mut SqliteConnection, seed: Seed) -> Result<()> {
    let mut transaction = connection.begin().await?;
    let first: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) + 1 FROM monitors")
        .fetch_one(&mut *transaction)
        .await?;
    let last = first + i64::try_from(seed.count)? - 1;
    let (status, separator) = (
        if seed.is_known { "online" } else { "unknown" },
        if seed.scheme == "tcp" { "" } else { "/" },
    );
    let now = "CAST(strftime('%s', 'now') AS INTEGER) * 1000";
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
    );
    // TCP targets have no path to distinguish endpoints, so each endpoint gets its own address.
    let host = match seed.scheme {
        "tcp" => "'127.' || (1 + i / 64516) || '.' || (1 + i / 254 % 254) || '.' || (1 + i % 254)"
            .to_owned(),
        _ => format!("'127.0.0.' || (1 + i % {ADDRESSES})"),
    };
    let interval = seed.interval.map_or("NULL".to_owned(), |interval| {
        interval.as_millis().to_string()
    });
    let certificate = match seed.scheme {
        "https" if seed.is_known => certificate::EXPIRES_AT.to_string(),
        _ => "NULL".to_owned(),
    };
    let starts = match seed.scheme {
        "https" if seed.is_known => certificate::STARTS_AT.to_string(),
        _ => "NULL".to_owned(),
    };
    let (scheme, port) = (seed.scheme, seed.port);
    let mut statements = vec![
        format!(
            "{numbers} INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
             SELECT i, 1, 'endpoint', 'bench-' || i, '{status}', {now}, {now} FROM n"
        ),
        format!(
            "{numbers} INSERT INTO endpoint_targets (monitor_id, guild_id, target, host, port, interval_ms, certificate_starts_at, certificate_expires_at)
             SELECT i, 1, '{scheme}://' || {host} || ':{port}' || CASE '{separator}' WHEN '' THEN '' ELSE '/' || i END,
                    {host}, {port}, {interval}, {starts}, {certificate} FROM n"
        ),
    ];
    let due = seed.due_after.map_or("NULL".to_owned(), |after| {
        format!("{now} + {} + i * 7 % 10000", after.as_millis())
    });
    if seed.is_known {
        statements.push(format!(
            "{numbers} INSERT INTO monitor_state (monitor_id, last_check_at, last_seen_at, next_check_at, consecutive_failures, latency_us)
             SELECT i, {now}, {now}, {due}, 0, 500 FROM n"
        ));
    }
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// Runs a query on the product's database that returns one row of two numbers.
pub fn ask(folder: &Path, query: &'static str) -> Result<(i64, i64)> {
    with_database(folder, async |connection| {
        Ok(sqlx::query_as(query).fetch_one(connection).await?)
    })
}

/// Moves the write-ahead log into the file, from this process, and returns how many bytes that wrote.
pub fn checkpoint(folder: &Path) -> Result<u64> {
    let pid = std::process::id();
    let before = process::written(pid)?;
    with_database(folder, async |connection| {
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(connection)
            .await?;
        Ok(())
    })?;
    Ok(process::written(pid)? - before)
}

fn with_database<T>(
    folder: &Path,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(database(folder))
            .busy_timeout(Duration::from_secs(10));
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let result = work(&mut connection).await?;
        connection.close().await?;
        Ok(result)
    })
}
