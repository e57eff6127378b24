//! Packs the runs of devices into the figures of their days, like the checks of endpoints: how many ended and how many of them failed,
//! and how long those took that succeeded. The log of a device keeps the latest lines only, but each run until it is packed.

use std::collections::{HashMap, HashSet};

use crate::domain::history::latency::bucket::LatencyBucket;
use crate::domain::monitor::MonitorId;
use crate::store::history::daily_stats::{self, DayStats};
use crate::store::history::packing;
use crate::store::history::run_packing::{self, EndedRun, LogPart};
use crate::store::{Reader, Store, StoreError};

/// Rows of the logs that are read at once.
const ROWS_AT_ONCE: i64 = 10_000;

/// Days of devices that are written in one transaction, which takes some milliseconds.
const DAYS_AT_ONCE: usize = 256;

/// Packs all runs that have ended; returns how many.
pub async fn pack_runs(store: &Store) -> Result<u64, StoreError> {
    let mut packed = 0;
    while let Some(part) = run_packing::next(&store.reader, ROWS_AT_ONCE).await? {
        for LogPart { runs, end } in batches(part) {
            let days = add_to_days(&store.reader, &runs).await?;
            let save = store.writer.transact::<_, StoreError>(move |tx| {
                Box::pin(async move { run_packing::save(tx, &days, end).await })
            });
            save.await?;
            packed += runs.len() as u64;
        }
    }
    Ok(packed)
}

/// Cuts a part of the logs so that each piece has at most `DAYS_AT_ONCE` days of devices.
fn batches(part: LogPart) -> Vec<LogPart> {
    let mut batches = Vec::new();
    let (mut runs, mut days) = (Vec::new(), HashSet::new());
    for run in part.runs {
        let day = (run.monitor, run.at.day());
        if days.len() == DAYS_AT_ONCE && !days.contains(&day) {
            let end = run.row - 1;
            let runs = std::mem::take(&mut runs);
            batches.push(LogPart { runs, end });
            days.clear();
        }
        days.insert(day);
        runs.push(run);
    }
    let end = part.end;
    batches.push(LogPart { runs, end });
    batches
}

/// The days of some runs, with what is stored of them. Runs of devices that no longer exist are skipped.
async fn add_to_days(reader: &Reader, runs: &[EndedRun]) -> Result<Vec<DayStats>, StoreError> {
    let days = runs.iter().map(|run| run.at.day());
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
        return Ok(Vec::new());
    };
    let ids: HashSet<MonitorId> = runs.iter().map(|run| run.monitor).collect();
    let ids: Vec<MonitorId> = ids.into_iter().collect();
    let known = packing::known_among(reader, &ids).await?;
    let mut stored = daily_stats::load(reader, &ids, first, last).await?;
    let mut changed: HashMap<(MonitorId, i64), DayStats> = HashMap::new();
    for run in runs.iter().filter(|run| known.contains(&run.monitor)) {
        let day = (run.monitor, run.at.day());
        let stats = changed.entry(day).or_insert_with(|| {
            let stored = stored.remove(&day);
            stored.unwrap_or_else(|| DayStats::new(run.monitor, run.at.day()))
        });
        stats.checks += 1;
        stats.failures += u64::from(!run.is_success);
        if let Some(length) = run.run_time.filter(|_| run.is_success) {
            stats.latencies.record(LatencyBucket::of(length));
        }
    }
    Ok(changed.into_values().collect())
}

#[cfg(test)]
#[path = "pack_runs_tests.rs"]
mod tests;
