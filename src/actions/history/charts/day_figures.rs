//! What monitors were on each day of a range, for pictures with a cell for each day.

use std::collections::BTreeMap;

use crate::actions::Error;
use crate::actions::history::charts::day_range;
use crate::actions::history::uptime::{self, MonitorUptime};
use crate::domain::Timestamp;
use crate::domain::history::chart::days::offline_days::OfflineDays;
use crate::domain::history::chart::days::strip::{DayRow, MOST_ROWS, UptimeStrip};
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::time_set::TimeSet;
use crate::domain::history::uptime::ClassTimes;
use crate::domain::monitor::MonitorId;
use crate::domain::silences::maintenance::Tz;
use crate::store::history::day_times;
use crate::store::history::monitor_history::{self, MonitorHistory};
use crate::store::{Reader, StoreError};

/// The days of the first monitors of a list.
#[derive(Clone, Debug)]
pub struct DayFigures {
    pub range: HistoryRange,
    pub zone: Tz,
    pub rows: Vec<DayRow>,
    /// How many monitors the list has.
    pub monitors: u64,
}

impl DayFigures {
    /// The picture of what the monitors were. `name`: the range as people call it.
    pub fn strip(&self, name: &str) -> Scene {
        let strip = UptimeStrip {
            range_name: name,
            range: self.range,
            zone: self.zone,
            rows: &self.rows,
            monitors: self.monitors,
        };
        strip.scene()
    }

    /// The picture of how long the monitors were offline. `name`: the range as people call it.
    pub fn offline(&self, name: &str) -> Scene {
        let map = OfflineDays {
            range_name: name,
            range: self.range,
            zone: self.zone,
            rows: &self.rows,
            monitors: self.monitors,
        };
        map.scene()
    }
}

/// The days of the first 40 of some monitors of a guild, in their order: their figures, as `uptime::list` returns them. Reads the
/// spans of these 40 alone: at most 20,000 each, 32 monitors at a time.
///
/// # Errors
/// `Invalid` for more than 92 days.
pub async fn of(
    reader: &Reader,
    monitors: &[MonitorUptime],
    range: HistoryRange,
    zone: Tz,
    now: Timestamp,
) -> Result<DayFigures, Error> {
    let shown = monitors.iter().take(MOST_ROWS);
    let times: Vec<ClassTimes> = shown.clone().map(|one| one.summary.times).collect();
    let shown = shown.map(|one| one.monitor.clone()).collect();
    let shown = each(reader, shown, range, zone, now).await?;
    let rows = shown.into_iter().zip(times).map(|(one, times)| DayRow {
        days: one.days,
        name: one.monitor.name,
        times,
    });
    Ok(DayFigures {
        range,
        zone,
        rows: rows.collect(),
        monitors: u64::try_from(monitors.len()).unwrap_or(u64::MAX),
    })
}

/// What a monitor was on each local day of a range.
#[derive(Clone, Debug)]
pub struct MonitorDays {
    pub monitor: MonitorHistory,
    pub days: Vec<ClassTimes>,
}

/// The days of some monitors, in their order. Reads the spans of 32 monitors at a time.
///
/// # Errors
/// `Invalid` for more than 92 days.
pub async fn each(
    reader: &Reader,
    monitors: Vec<MonitorHistory>,
    range: HistoryRange,
    zone: Tz,
    now: Timestamp,
) -> Result<Vec<MonitorDays>, Error> {
    day_range::check(range)?;
    let days: Vec<HistoryRange> = range.local_days(zone).collect();
    let observed = uptime::observed(reader, range, now).await?;
    let exact = monitor_history::each(reader, monitors, range, |mut monitor| {
        let days = exact_days(&monitor, &observed, &days);
        monitor.spans = Vec::new();
        monitor.maintenance = Vec::new();
        (monitor, days)
    });
    let mut all = Vec::new();
    for (monitor, exact) in exact.await? {
        let recorded = recorded_days(reader, &monitor, range).await?;
        let each = days.iter().zip(exact);
        let days = each.map(|(day, exact)| match exact {
            Some(times) => times,
            None => recorded
                .get(&middle(*day).day())
                .copied()
                .unwrap_or_default(),
        });
        let days = days.collect();
        all.push(MonitorDays { monitor, days });
    }
    Ok(all)
}

/// The days of which the spans are known; `None` for those before.
fn exact_days(
    monitor: &MonitorHistory,
    observed: &TimeSet,
    days: &[HistoryRange],
) -> Vec<Option<ClassTimes>> {
    let days = days.iter().map(|day| {
        let exact_from = monitor.exact_from.unwrap_or(day.from);
        let is_known = exact_from < day.to;
        is_known.then(|| uptime::summarize(monitor, observed, *day).times)
    });
    days.collect()
}

/// The recorded days (UTC) before the spans of a monitor begin. One that was not recorded was unknown.
async fn recorded_days(
    reader: &Reader,
    monitor: &MonitorHistory,
    range: HistoryRange,
) -> Result<BTreeMap<i64, ClassTimes>, StoreError> {
    let Some(exact_from) = monitor.exact_from.filter(|from| *from > range.from) else {
        return Ok(BTreeMap::new());
    };
    let id: MonitorId = monitor.id;
    day_times::load(reader, id, range.from.day(), exact_from.min(range.to).day()).await
}

/// A moment on the day (UTC) that most of a local day belongs to.
fn middle(day: HistoryRange) -> Timestamp {
    day.from.plus(day.length() / 2)
}
