//! Packs the log of checks: each check into the archive, and into the figures of its day. The log itself is kept for two days only.
//!
//! A pass packs the rows up to its end. It writes the monitors in batches, each in a transaction of a few milliseconds that also
//! records that they are done; a pass that was interrupted is continued with the others.

use std::collections::{HashMap, HashSet};

use crate::domain::history::check_archive::{self, ArchivedCheck};
use crate::domain::monitor::MonitorId;
use crate::store::history::daily_stats::{self, DayStats};
use crate::store::history::packing::{self, LogRow, PackedMonitor};
use crate::store::{Reader, Store, StoreError};

/// Rows of one pass, which are in memory together: 48 bytes each.
const ROWS_AT_ONCE: i64 = 100_000;

/// Monitors of one transaction.
const MONITORS_AT_ONCE: usize = 64;

/// Packs the whole log; returns how many checks were packed.
pub async fn pack(store: &Store) -> Result<u64, StoreError> {
    let mut packed = 0;
    loop {
        let state = packing::state(&store.reader).await?;
        let end = match state.pass_end {
            Some(end) => end,
            None if state.packed_row >= state.last_row => return Ok(packed),
            None => state.last_row.min(state.packed_row + ROWS_AT_ONCE),
        };
        if state.pass_end.is_none() {
            let from = state.packed_row;
            let begin = store.writer.transact::<_, StoreError>(move |tx| {
                Box::pin(async move { packing::begin(tx, from, end).await })
            });
            begin.await?;
        }
        let done = match state.pass_end {
            Some(_) => packing::done(&store.reader, end).await?,
            None => HashSet::new(),
        };
        packed += pass(store, state.packed_row, end, &done).await?;
        let finish = store.writer.transact::<_, StoreError>(move |tx| {
            Box::pin(async move { packing::finish(tx, end).await })
        });
        finish.await?;
    }
}

/// Packs the rows after `from` up to `end`, but for the monitors that are done.
async fn pass(
    store: &Store,
    from: i64,
    end: i64,
    done: &HashSet<MonitorId>,
) -> Result<u64, StoreError> {
    let mut rows = packing::rows(&store.reader, from, end).await?;
    rows.retain(|row| !done.contains(&row.monitor));
    // Stable: the rows of a monitor stay in their order.
    rows.sort_by_key(|row| row.monitor);
    let of_monitors: Vec<&[LogRow]> = rows
        .chunk_by(|one, next| one.monitor == next.monitor)
        .collect();
    let mut packed = 0;
    for batch in of_monitors.chunks(MONITORS_AT_ONCE) {
        let monitors = pack_monitors(&store.reader, batch).await?;
        packed += batch.iter().map(|rows| rows.len() as u64).sum::<u64>();
        let save = store.writer.transact::<_, StoreError>(move |tx| {
            Box::pin(async move { packing::save(tx, &monitors, end).await })
        });
        save.await?;
    }
    Ok(packed)
}

/// Packs rows, a slice for each monitor. Skips those of monitors that no longer exist.
async fn pack_monitors(
    reader: &Reader,
    batch: &[&[LogRow]],
) -> Result<Vec<PackedMonitor>, StoreError> {
    let ids: Vec<MonitorId> = batch
        .iter()
        .filter_map(|rows| rows.first())
        .map(|row| row.monitor)
        .collect();
    let known = packing::known_among(reader, &ids).await?;
    let days = batch.iter().flat_map(|rows| rows.iter());
    let days = days.map(|row| row.at.day());
    let (first, last) = (days.clone().min(), days.max());
    let stored = match (first, last) {
        (Some(first), Some(last)) => daily_stats::load(reader, &ids, first, last).await?,
        _ => HashMap::new(),
    };
    let packed = batch
        .iter()
        .filter(|rows| rows.first().is_some_and(|row| known.contains(&row.monitor)));
    packed
        .filter_map(|rows| pack_monitor(rows, &stored).transpose())
        .collect()
}

/// `None` without rows.
fn pack_monitor(
    rows: &[LogRow],
    stored: &HashMap<(MonitorId, i64), DayStats>,
) -> Result<Option<PackedMonitor>, StoreError> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let checks: Vec<ArchivedCheck> = rows
        .iter()
        .map(|row| ArchivedCheck {
            at: row.at,
            latency: row.latency,
            class: row.class,
        })
        .collect();
    let piece = check_archive::encode(&checks)
        .map_err(|error| StoreError::Damaged(format!("the log of checks: {error}")))?;
    Ok(Some(PackedMonitor {
        monitor: first.monitor,
        first_row: first.row,
        piece,
        days: add_to_days(first.monitor, &checks, stored),
    }))
}

/// The days of some checks, with what is stored of them.
fn add_to_days(
    monitor: MonitorId,
    checks: &[ArchivedCheck],
    stored: &HashMap<(MonitorId, i64), DayStats>,
) -> Vec<DayStats> {
    let mut days: Vec<DayStats> = Vec::new();
    for of_day in checks.chunk_by(|one, next| one.at.day() == next.at.day()) {
        let Some(day) = of_day.first().map(|check| check.at.day()) else {
            continue;
        };
        // A clock that was set back returns to a day.
        let known = days.iter().position(|one| one.day == day);
        let index = known.unwrap_or_else(|| {
            let stored = stored.get(&(monitor, day)).cloned();
            days.push(stored.unwrap_or_else(|| DayStats::new(monitor, day)));
            days.len() - 1
        });
        if let Some(stats) = days.get_mut(index) {
            of_day.iter().for_each(|check| add(stats, *check));
        }
    }
    days
}

/// A check that could not be run says nothing.
fn add(stats: &mut DayStats, check: ArchivedCheck) {
    if check.class.is_up() {
        stats.checks += 1;
        stats.latencies.record(check.latency);
    } else if check.class.is_down() {
        stats.checks += 1;
        stats.failures += 1;
    }
}

#[cfg(test)]
#[path = "pack_tests.rs"]
mod tests;
