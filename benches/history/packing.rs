//! Packs a log of many checks, and compares that with reading its rows.

use std::path::Path;
use std::time::Duration;

use sqlx::Connection;

use crate::product::{Product, keys};
use crate::table::{Goal, Row};
use crate::{Result, Size, clock, process, seed};

/// What packing costs.
pub struct Packing {
    pub rows: Vec<Row>,
    /// CPU time for each check, in microseconds.
    pub per_check: f64,
}

pub async fn measure(folder: &Path, size: Size) -> Result<Packing> {
    keys(folder, 1)?;
    seed::checks(folder, size).await?;
    let checks = f64::from(size.checked) * f64::from(size.days) * 1440.0;
    let fetched = fetch(folder).await?.as_secs_f64() * 1e6 / checks;
    let packed = pack(folder).await?.as_secs_f64() * 1e6 / checks;
    let bytes = bytes(folder).await? / checks;
    let rows = vec![
        Row::new(
            "packing and archiving, per check",
            "CPU us",
            (Some(fetched), packed),
            Goal::Ratio(3.0),
        ),
        Row::new(
            "check kept, with days, on disk",
            "bytes",
            (None, bytes),
            Goal::AtMost(1.4),
        ),
    ];
    let per_check = packed;
    Ok(Packing { rows, per_check })
}

/// The CPU time of reading the rows that are packed, as the product reads them.
async fn fetch(folder: &Path) -> Result<Duration> {
    let mut connection = seed::connect(folder).await?;
    let before = process::cpu(std::process::id())?;
    let (mut after, mut count) = (0_i64, 0_usize);
    loop {
        let rows: Vec<(i64, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT id, monitor_id, at, latency_us, class FROM check_results WHERE id > $1 ORDER BY id LIMIT 100000",
        )
        .bind(after)
        .fetch_all(&mut connection)
        .await?;
        let Some(last) = rows.last() else { break };
        after = last.0;
        count += rows.len();
    }
    let spent = process::cpu(std::process::id())? - before;
    connection.close().await?;
    match count {
        0 => Err("the log is empty".into()),
        _ => Ok(spent),
    }
}

/// The CPU time that packing and archiving take the product, beyond what it takes without a log.
async fn pack(folder: &Path) -> Result<Duration> {
    let started = clock::now();
    let product = Product::start(folder)?;
    let mut connection = seed::connect(folder).await?;
    loop {
        let done: Option<i64> = sqlx::query_scalar(
            "SELECT packed_row FROM packing WHERE pass_end IS NULL AND archived_day IS NOT NULL
             AND packed_row >= (SELECT MAX(id) FROM check_results)",
        )
        .fetch_optional(&mut connection)
        .await?;
        if done.is_some() {
            break;
        }
        if started.elapsed() > Duration::from_secs(900) {
            return Err("the log was not packed".into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (busy, length) = (product.cpu()?, started.elapsed());
    drop(product);
    let product = Product::start(folder)?;
    tokio::time::sleep(length.min(Duration::from_secs(20))).await;
    let calm = product.cpu()?;
    connection.close().await?;
    Ok(busy.saturating_sub(calm))
}

/// The pages of what is kept of checks and days.
async fn bytes(folder: &Path) -> Result<f64> {
    let mut connection = seed::connect(folder).await?;
    let bytes: i64 = sqlx::query_scalar(
        "SELECT SUM(pgsize) FROM dbstat WHERE name IN ('check_archive', 'idx_check_archive', 'idx_check_archive_week',
             'check_archive_pieces', 'daily_stats', 'idx_daily_stats_day', 'latency_sketches')",
    )
    .fetch_one(&mut connection)
    .await?;
    connection.close().await?;
    Ok(f64::from(u32::try_from(bytes)?))
}
