//! A guild whose monitors are checked every second: how long its history takes to answer meanwhile, and what share of the checks'
//! CPU time packing is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Connection;

use crate::product::{Product, keys};
use crate::ranges::millis;
use crate::table::{Goal, Row};
use crate::{Result, Size, clock, seed, target};

/// The share of the CPU time of a check that packing may take, in percent: what is kept must not slow down checks.
const SHARE: f64 = 5.0;

/// How long checks are counted.
const WINDOW: Duration = Duration::from_secs(5);

pub struct CheckedGuild {
    folder: PathBuf,
    key: String,
    product: Product,
}

impl CheckedGuild {
    /// `days` is the folder of a database with packed days.
    pub async fn start(folder: &Path, days: &Path, size: Size) -> Result<Self> {
        let port = target::start().await?;
        let key = keys(folder, 1)?.pop().ok_or("a key is missing")?;
        seed::guild(folder, days, port, size).await?;
        let product = Product::start(folder)?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(Self {
            folder: folder.to_owned(),
            key,
            product,
        })
    }

    /// What packing takes (in microseconds of CPU time) for each check, compared with what else is done for it.
    pub async fn share_of_a_check(&self, packing: f64) -> Result<Row> {
        let (before, cpu) = (self.checks().await?, self.product.cpu()?);
        tokio::time::sleep(WINDOW).await;
        let (after, spent) = (self.checks().await?, self.product.cpu()? - cpu);
        let checks = after - before;
        if checks < 100.0 {
            return Err(format!("only {checks} checks in {WINDOW:?}").into());
        }
        let per_check = spent.as_secs_f64() * 1e6 / checks;
        Ok(Row::new(
            "packing, of the CPU time of a check",
            "percent",
            (None, packing / per_check * 100.0),
            Goal::AtMost(SHARE),
        ))
    }

    async fn checks(&self) -> Result<f64> {
        let mut connection = seed::connect(&self.folder).await?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM check_results")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(f64::from(u32::try_from(count)?))
    }

    /// The uptime of all monitors, compared with reading the rows that this needs.
    pub async fn uptime(&self, size: Size) -> Result<Row> {
        let mut floors = Vec::new();
        for _ in 0..5 {
            floors.push(select(&self.folder).await?);
        }
        floors.sort_unstable();
        let floor = floors.get(2).copied().unwrap_or_default();
        let path = format!("/uptime?range={}d", size.days);
        let asked = tokio::task::block_in_place(|| self.product.ask(&self.key, &path));
        let (time, length) = asked?;
        if length < 100 * size.monitors as usize {
            return Err(format!("the answer has only {length} bytes").into());
        }
        Ok(Row::new(
            &format!("uptime, outages, percentiles of {} monitors", size.monitors),
            "ms",
            (Some(millis(floor)), millis(time)),
            Goal::Ratio(2.0),
        ))
    }
}

/// Reads the spans and the latencies of all monitors.
async fn select(folder: &Path) -> Result<Duration> {
    let mut connection = seed::connect(folder).await?;
    let started = clock::now();
    let spans: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT monitor_id, began_at, status FROM status_spans ORDER BY monitor_id, began_at",
    )
    .fetch_all(&mut connection)
    .await?;
    let sketches: Vec<(i64, i64, Vec<u8>)> =
        sqlx::query_as("SELECT monitor_id, day, sketch FROM latency_sketches")
            .fetch_all(&mut connection)
            .await?;
    let time = started.elapsed();
    connection.close().await?;
    match spans.is_empty() || sketches.is_empty() {
        true => Err("there is no history".into()),
        false => Ok(time),
    }
}
