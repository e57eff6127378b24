//! Makes summaries of what servers reported, of each hour and each day, before the reports are deleted.
//!
//! A summary is always made of all samples of its hour or day, so one that is made again is the same. The summaries of some servers
//! and how far those are now are one transaction; whatever interrupts it, the next pass continues there.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::actions::servers::figures;
use crate::domain::Timestamp;
use crate::domain::history::server_rollup::{
    ReportCollector, ReportSummary, RollupStep, report_times,
};
use crate::domain::monitor::MonitorId;
use crate::store::history::server_rollups::{self, RolledUp, StoredBlock};
use crate::store::servers::server;
use crate::store::{Reader, Store, StoreError};

/// How long after its end an hour is summarized: a report has the time at which it arrived, and may be stored later.
const STORED_WITHIN: Duration = Duration::from_secs(5 * 60);

/// Servers of one transaction, which takes some milliseconds: each has two blocks, usually of 5 KiB.
const SERVERS_AT_ONCE: u32 = 8;

/// Hours of a day.
const HOURS: i64 = 24;

/// Summarizes the hours and days of all servers that are over; returns how many hours.
pub async fn update(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let end = RollupStep::Hour.of(now.minus(STORED_WITHIN));
    let (mut hours, mut after) = (0, MonitorId(0));
    loop {
        let servers = server_rollups::servers(&store.reader, after, SERVERS_AT_ONCE).await?;
        let Some(last) = servers.last() else {
            return Ok(hours);
        };
        after = *last;
        hours += update_servers(store, &servers, end).await?;
    }
}

/// A day of each server at a time, so that no transaction is long after an update or a long absence.
async fn update_servers(store: &Store, servers: &[MonitorId], end: i64) -> Result<u64, StoreError> {
    let mut hours = 0;
    loop {
        let progress = server_rollups::progress(&store.reader, servers).await?;
        let mut parts = Vec::new();
        for server in servers {
            let before = progress.get(server).copied();
            if let Some(hours) = next_hours(&store.reader, *server, before, end).await? {
                parts.push(summarize(&store.reader, *server, before, hours).await?);
            }
        }
        if parts.is_empty() {
            return Ok(hours);
        }
        hours += parts.iter().map(|one| one.times.len() as u64).sum::<u64>();
        let save = store.writer.transact::<_, StoreError>(move |tx| {
            Box::pin(async move { server_rollups::save(tx, &parts).await })
        });
        save.await?;
    }
}

/// Hours of one day that are to be summarized, and whether the day ends with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HoursOfDay {
    day: i64,
    first: i64,
    end: i64,
}

impl HoursOfDay {
    /// The hours of the day of `first`, from there to before `end`.
    fn from(first: i64, end: i64) -> Self {
        let day = first.div_euclid(HOURS);
        Self {
            day,
            first,
            end: end.min((day + 1) * HOURS),
        }
    }

    const fn is_day_over(self) -> bool {
        self.end == (self.day + 1) * HOURS
    }

    /// The samples that are needed: those of the whole day, once it is over.
    const fn reads_from(self) -> Timestamp {
        match self.is_day_over() {
            true => RollupStep::Day.starts_at(self.day),
            false => RollupStep::Hour.starts_at(self.first),
        }
    }
}

/// The next hours of a server before `end`. Hours without samples are skipped, but a day that has begun is ended.
async fn next_hours(
    reader: &Reader,
    server: MonitorId,
    before: Option<i64>,
    end: i64,
) -> Result<Option<HoursOfDay>, StoreError> {
    let first = before.unwrap_or(0);
    if first >= end {
        return Ok(None);
    }
    let begun = HoursOfDay::from(first, end);
    if first.rem_euclid(HOURS) != 0 && begun.is_day_over() {
        return Ok(Some(begun));
    }
    let from = RollupStep::Hour.starts_at(first);
    let sample = server_rollups::next_sample(reader, server, from).await?;
    let hour = sample.map(|at| RollupStep::Hour.of(at));
    Ok(hour
        .filter(|hour| *hour < end)
        .map(|hour| HoursOfDay::from(hour, end)))
}

/// Summarizes hours of a server, and their day once it is over.
async fn summarize(
    reader: &Reader,
    server: MonitorId,
    before: Option<i64>,
    hours: HoursOfDay,
) -> Result<RolledUp, StoreError> {
    let (from, to) = (hours.reads_from(), RollupStep::Hour.starts_at(hours.end));
    let count = server_rollups::sample_count(reader, server, from, to).await?;
    let mut pass = SamplePass::new(count, hours.first);
    let mut visit = |at: Timestamp, stats: &str| {
        pass.add(at, &figures::of(stats));
        ControlFlow::<Infallible>::Continue(())
    };
    let ControlFlow::Continue(()) =
        server::each_sample(reader, server, from, to, &mut visit).await?;
    pass.end_hour();
    let mut of_hours = server_rollups::block(reader, server, RollupStep::Hour, hours.day).await?;
    for (hour, summary) in &pass.hours {
        of_hours.set(RollupStep::Hour.slot(*hour), summary);
    }
    let mut blocks = Vec::new();
    if !pass.hours.is_empty() {
        blocks.push(StoredBlock {
            step: RollupStep::Hour,
            block: hours.day,
            metrics: of_hours.encode(),
        });
    }
    let day = pass.day.summary();
    if hours.is_day_over() && day.reports > 0 {
        let (step, number) = (RollupStep::Day, RollupStep::Day.block(hours.day));
        let mut of_days = server_rollups::block(reader, server, step, number).await?;
        of_days.set(step.slot(hours.day), &day);
        blocks.push(StoredBlock {
            step,
            block: number,
            metrics: of_days.encode(),
        });
    }
    Ok(RolledUp {
        monitor: server,
        before,
        hour: hours.end,
        blocks,
        times: pass.times,
    })
}

/// One pass over the samples of a day, in order.
struct SamplePass {
    /// The most samples that there may be.
    count: u64,
    /// The first hour to be summarized. Earlier samples count for the day only.
    first: i64,
    day: ReportCollector,
    hour: Option<OpenHour>,
    hours: Vec<(i64, ReportSummary)>,
    times: Vec<(i64, Vec<u8>)>,
}

/// The hour of the samples that are being read.
struct OpenHour {
    number: i64,
    reports: ReportCollector,
    times: Vec<Timestamp>,
}

impl SamplePass {
    fn new(count: u64, first: i64) -> Self {
        Self {
            count,
            first,
            day: ReportCollector::new(count),
            hour: None,
            hours: Vec::new(),
            times: Vec::new(),
        }
    }

    fn add(&mut self, at: Timestamp, numbers: &[(String, f64)]) {
        self.day.add(numbers);
        let number = RollupStep::Hour.of(at);
        if number < self.first {
            return;
        }
        if self.hour.as_ref().is_none_or(|open| open.number != number) {
            self.end_hour();
        }
        let open = self.hour.get_or_insert_with(|| OpenHour {
            number,
            reports: ReportCollector::new(self.count),
            times: Vec::new(),
        });
        open.reports.add(numbers);
        open.times.push(at);
    }

    fn end_hour(&mut self) {
        let Some(open) = self.hour.take() else { return };
        self.hours.push((open.number, open.reports.summary()));
        let start = RollupStep::Hour.starts_at(open.number);
        self.times
            .push((open.number, report_times::encode(start, &open.times)));
    }
}

#[cfg(test)]
mod tests;
