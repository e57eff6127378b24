//! Uptime of the monitors of a guild in a range, by the one definition of it in `domain/history/uptime`.

use std::time::Duration;

use crate::actions::Error;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::class_periods::ClassPeriods;
use crate::domain::history::latency::sketch::LatencySketch;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::recorded_days::{RangeParts, with_days};
use crate::domain::history::time_set::TimeSet;
use crate::domain::history::uptime::{StatusTimeline, UptimeSummary};
use crate::domain::monitor::MonitorId;
use crate::domain::silences::maintenance::TimeWindow;
use crate::store::history::daily_stats;
use crate::store::history::monitor_history::{self, HistoryScope, MonitorHistory};
use crate::store::history::observation_windows;
use crate::store::{Reader, StoreError};

/// How old the latest confirmation of the observation window that is open may be: it is confirmed every five seconds.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(15);

/// The figures of a monitor in a range.
#[derive(Clone, Debug)]
pub struct MonitorUptime {
    /// With its history only if it was asked for alone.
    pub monitor: MonitorHistory,
    pub summary: UptimeSummary,
    /// How long the checks took that passed, or the runs of a device, on the days (UTC) that the range touches.
    pub latencies: LatencySketch,
}

impl MonitorUptime {
    /// The moment in the range before which the figures are those of whole days (UTC); `None`: all of it is exact.
    pub fn exact_from(&self, range: HistoryRange) -> Option<Timestamp> {
        let from = self.monitor.exact_from.filter(|from| *from > range.from)?;
        Some(from.min(range.to))
    }
}

/// The figures of monitors of a guild, by name. Ones that were removed after the range began are among them.
///
/// Without monitors, the list is empty.
pub async fn list(
    reader: &Reader,
    guild: GuildId,
    scope: &HistoryScope,
    range: HistoryRange,
    now: Timestamp,
) -> Result<Vec<MonitorUptime>, StoreError> {
    let found = monitor_history::monitors(reader, guild, scope, range).await?;
    let observed = observed(reader, range, now).await?;
    let ids: Vec<MonitorId> = found.iter().map(|one| one.id).collect();
    let last = range.to.minus(Duration::from_millis(1));
    let days = (range.from.day(), last.day());
    let mut latencies = daily_stats::latencies(reader, &ids, days.0, days.1).await?;
    // The spans of all monitors together may be more than fits into memory.
    let keeps_spans = matches!(scope, HistoryScope::One(_));
    let figures = monitor_history::each(reader, found, range, |mut monitor| {
        let summary = summarize(&monitor, &observed, range);
        if !keeps_spans {
            monitor.spans = Vec::new();
            monitor.maintenance = Vec::new();
        }
        MonitorUptime {
            summary,
            latencies: latencies.remove(&monitor.id).unwrap_or_default(),
            monitor,
        }
    });
    let mut figures = figures.await?;
    for one in &mut figures {
        let exact_from = one.monitor.exact_from;
        one.summary =
            with_recorded_days(reader, one.monitor.id, exact_from, range, one.summary).await?;
    }
    Ok(figures)
}

/// The worst first. Monitors without a figure are last, those with more downtime before the others.
pub fn sort_by_uptime(all: &mut [MonitorUptime]) {
    all.sort_by(|one, other| {
        one.summary
            .worst_first(&other.summary)
            .then_with(|| one.monitor.name.cmp(&other.monitor.name))
            .then_with(|| one.monitor.id.cmp(&other.monitor.id))
    });
}

/// The figures of one monitor of a guild.
///
/// # Errors
/// `NotFound` if the guild has no such monitor, or it was removed before the range.
pub async fn one(
    reader: &Reader,
    guild: GuildId,
    id: MonitorId,
    range: HistoryRange,
    now: Timestamp,
) -> Result<MonitorUptime, Error> {
    let found = list(reader, guild, &HistoryScope::One(id), range, now).await?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| Error::NotFound("there is no such monitor in this range".into()))
}

/// The figures of a monitor, of the part of the range of which its spans are known; see `with_recorded_days` for the rest. `observed`
/// is when Rollcall observed in the range.
pub(super) fn summarize(
    monitor: &MonitorHistory,
    observed: &TimeSet,
    range: HistoryRange,
) -> UptimeSummary {
    let exact_from = monitor.exact_from.unwrap_or(range.from);
    let range = RangeParts::of(range, exact_from).exact;
    timeline(monitor, observed, &maintenance(monitor, observed)).summarize(range)
}

/// When the monitor was what in the range. Before its spans begin, that is unknown.
pub(super) fn periods(
    monitor: &MonitorHistory,
    observed: &TimeSet,
    range: HistoryRange,
) -> ClassPeriods {
    let maintenance = maintenance(monitor, observed);
    ClassPeriods::of(timeline(monitor, observed, &maintenance), range)
}

fn maintenance(monitor: &MonitorHistory, observed: &TimeSet) -> TimeSet {
    match monitor.maintenance.is_empty() {
        true => TimeSet::default(),
        false => TimeSet::of(monitor.maintenance.iter().copied()).intersection(observed),
    }
}

fn timeline<'history>(
    monitor: &'history MonitorHistory,
    observed: &'history TimeSet,
    maintenance: &'history TimeSet,
) -> StatusTimeline<'history> {
    StatusTimeline {
        spans: &monitor.spans,
        observed,
        maintenance,
    }
}

/// Adds to the figures of `summarize` the recorded days before the spans of the monitor begin, if they begin in the range or later.
pub(super) async fn with_recorded_days(
    reader: &Reader,
    monitor: MonitorId,
    exact_from: Option<Timestamp>,
    range: HistoryRange,
    exact: UptimeSummary,
) -> Result<UptimeSummary, StoreError> {
    let Some(exact_from) = exact_from.filter(|from| *from > range.from) else {
        return Ok(exact);
    };
    let days = match RangeParts::of(range, exact_from).days {
        Some((first, last)) => daily_stats::times(reader, monitor, first, last).await?,
        None => Vec::new(),
    };
    Ok(with_days(exact, &days, range))
}

/// When Rollcall observed in a range. The window that is open reaches to now.
pub async fn observed(
    reader: &Reader,
    range: HistoryRange,
    now: Timestamp,
) -> Result<TimeSet, StoreError> {
    // The open window may have been confirmed for the last time before the range.
    let from = range.from.minus(CONFIRMED_WITHIN);
    let mut windows = observation_windows::between(reader, from, range.to).await?;
    if let Some(last) = windows.0.last_mut()
        && now.since(last.confirmed_at) <= CONFIRMED_WITHIN
    {
        last.confirmed_at = last.confirmed_at.max(now);
    }
    Ok(TimeSet::of(windows.0.iter().map(|one| {
        TimeWindow {
            starts_at: one.started_at,
            // Of windows that were merged, how long they were together is all that is known.
            ends_at: one
                .observed
                .map_or(one.confirmed_at, |length| one.started_at.plus(length)),
        }
    })))
}
