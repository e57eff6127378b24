//! Days of monitors for tests of pictures.

use std::time::Duration;

use super::day_grid::DayRow;
use crate::history::range::HistoryRange;
use crate::history::uptime::ClassTimes;
use crate::timestamp::Timestamp;

pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// October 2026.
pub(super) const OCTOBER: HistoryRange = HistoryRange {
    from: Timestamp::from_millis(1_790_812_800_000),
    to: Timestamp::from_millis(1_793_491_200_000),
};

/// A day with this many hours in a class; the rest is unknown.
pub(super) fn day(online: u32, offline: u32, maintenance: u32) -> ClassTimes {
    ClassTimes {
        online: HOUR * online,
        offline: HOUR * offline,
        maintenance: HOUR * maintenance,
        unknown: HOUR * (24 - online - offline - maintenance),
        paused: Duration::ZERO,
    }
}

/// A monitor that was online in October, but for an hour on some days.
pub(super) fn row(name: &str, with_downtime: &[usize]) -> DayRow {
    let days = (0..31).map(|number| match with_downtime.contains(&number) {
        true => day(23, 1, 0),
        false => day(24, 0, 0),
    });
    let days: Vec<ClassTimes> = days.collect();
    let mut times = ClassTimes::default();
    days.iter().for_each(|day| times.add(*day));
    DayRow {
        name: name.to_owned(),
        times,
        days,
    }
}
