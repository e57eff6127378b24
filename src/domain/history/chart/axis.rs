//! Axes: round values, and times that people expect to read.

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike};
use chrono_tz::Tz;

use crate::history::range::HistoryRange;
use crate::timestamp::Timestamp;
use crate::timestamp::local_time::{first_at, local_date};

/// A place on the axis of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeTick {
    pub at: Timestamp,
    pub label: String,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// Steps between places on the axis of time, in seconds: those that divide the next longer unit.
const STEPS: [u64; 15] = [
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
];

/// Steps in months, for longer ranges.
const MONTHS: [u32; 5] = [1, 2, 3, 6, 12];

/// At most `most` places in the range, at round local times. The label of a local midnight is its date.
pub(super) fn time_ticks(range: HistoryRange, zone: Tz, most: u32) -> Vec<TimeTick> {
    let seconds = range.length().as_secs();
    let fits = |step: &&u64| seconds / **step <= u64::from(most);
    let Some(step) = STEPS.iter().find(fits).copied() else {
        return month_ticks(range, zone, most);
    };
    let Some(mut local) = local_time(range.from, zone).map(|local| floor(local, step)) else {
        return Vec::new();
    };
    let mut ticks = Vec::new();
    // One more before the range, and two for hours that clocks skip.
    for _ in 0..most + 3 {
        let tick = first_at(local, zone).filter(|at| range.from <= *at && *at < range.to);
        // Where the clocks skip the time, another one is shown.
        let shown = tick.and_then(|at| Some((at, local_time(at, zone)?)));
        if let Some((at, shown)) = shown {
            let label = label(shown);
            ticks.push(TimeTick { at, label });
        }
        let next = TimeDelta::try_seconds(i64::try_from(step).unwrap_or(i64::MAX));
        match next.and_then(|step| local.checked_add_signed(step)) {
            Some(next) => local = next,
            None => break,
        }
    }
    ticks.dedup_by_key(|tick| tick.at);
    ticks
}

fn local_time(at: Timestamp, zone: Tz) -> Option<NaiveDateTime> {
    let utc = DateTime::from_timestamp_millis(at.millis())?;
    Some(utc.with_timezone(&zone).naive_local())
}

/// The latest multiple of the step since midnight; of days, midnight.
fn floor(local: NaiveDateTime, step: u64) -> NaiveDateTime {
    let since_midnight = u64::from(local.num_seconds_from_midnight());
    let kept = match step < DAY {
        true => since_midnight / step * step,
        false => 0,
    };
    let midnight = local.date().and_time(chrono::NaiveTime::MIN);
    midnight + TimeDelta::seconds(i64::try_from(kept).unwrap_or(0))
}

fn label(local: NaiveDateTime) -> String {
    let format = match local.num_seconds_from_midnight() {
        0 => "%b %-d",
        _ => "%H:%M",
    };
    local.format(format).to_string()
}

/// The starts of months in the range.
fn month_ticks(range: HistoryRange, zone: Tz, most: u32) -> Vec<TimeTick> {
    let starts: Vec<HistoryRange> = range.local_months(zone).skip(1).collect();
    let count = u32::try_from(starts.len()).unwrap_or(u32::MAX);
    let fits = |step: &&u32| count / **step <= most;
    let step = MONTHS.iter().find(fits).copied().unwrap_or(12);
    let named = starts.into_iter().filter_map(|month| {
        let date = local_date(month.from, zone)?;
        let label = date.format("%b %Y").to_string();
        let is_shown = date.month0().is_multiple_of(step);
        let at = month.from;
        is_shown.then_some(TimeTick { at, label })
    });
    named.collect()
}

/// The largest value of an axis from 0, and the step between its lines: 1, 2 or 5 times a power of ten, so that there are two to
/// five lines.
pub(super) fn round_scale(largest: Duration) -> (Duration, Duration) {
    let micros = u64::try_from(largest.as_micros())
        .unwrap_or(u64::MAX / 16)
        .clamp(10, u64::MAX / 16);
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = factor * power;
            if micros.div_ceil(step) <= 5 {
                let top = micros.div_ceil(step) * step;
                return (Duration::from_micros(top), Duration::from_micros(step));
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::parse_timestamp;

    fn ticks(from: &str, to: &str, zone: &str) -> String {
        let range = HistoryRange {
            from: parse_timestamp(from).unwrap(),
            to: parse_timestamp(to).unwrap(),
        };
        let ticks = time_ticks(range, zone.parse().unwrap(), 8);
        let labels: Vec<String> = ticks.into_iter().map(|tick| tick.label).collect();
        labels.join(" ")
    }

    #[test]
    fn times_are_round_in_the_zone() {
        for (from, to, zone, expected) in [
            (
                "2026-11-30T12:10:00Z",
                "2026-12-01T12:10:00Z",
                "UTC",
                "15:00 18:00 21:00 Dec 1 03:00 06:00 09:00 12:00",
            ),
            (
                "2026-11-30T12:10:00Z",
                "2026-12-01T12:10:00Z",
                "Europe/Berlin",
                "15:00 18:00 21:00 Dec 1 03:00 06:00 09:00 12:00",
            ),
            (
                "2026-12-01T12:00:00Z",
                "2026-12-01T13:00:00Z",
                "Asia/Kolkata",
                "17:30 17:40 17:50 18:00 18:10 18:20",
            ),
            (
                "2026-12-01T12:00:00Z",
                "2026-12-01T12:05:00Z",
                "UTC",
                "12:00 12:01 12:02 12:03 12:04",
            ),
            (
                "2026-11-24T10:00:00Z",
                "2026-12-01T10:00:00Z",
                "UTC",
                "Nov 25 Nov 26 Nov 27 Nov 28 Nov 29 Nov 30 Dec 1",
            ),
            (
                "2026-11-01T00:00:00Z",
                "2026-12-01T00:00:00Z",
                "UTC",
                "Nov 1 Nov 8 Nov 15 Nov 22 Nov 29",
            ),
            (
                "2025-12-01T00:00:00Z",
                "2026-12-01T00:00:00Z",
                "UTC",
                "Jan 2026 Mar 2026 May 2026 Jul 2026 Sep 2026 Nov 2026",
            ),
            // Clocks go from 02:00 to 03:00.
            (
                "2026-03-29T00:00:00Z",
                "2026-03-29T04:00:00Z",
                "Europe/Berlin",
                "01:00 01:30 03:00 03:30 04:00 04:30 05:00 05:30",
            ),
        ] {
            assert_eq!(ticks(from, to, zone), expected, "{from} {to} {zone}");
        }
    }

    #[test]
    fn values_end_at_a_round_one() {
        for (largest, top, step) in [
            (0, 10, 2),
            (10, 10, 2),
            (11, 15, 5),
            (99_000, 100_000, 20_000),
            (100_001, 150_000, 50_000),
            (250_000, 250_000, 50_000),
            (250_001, 300_000, 100_000),
            (30_000_000, 30_000_000, 10_000_000),
        ] {
            let micros = Duration::from_micros;
            assert_eq!(
                round_scale(micros(largest)),
                (micros(top), micros(step)),
                "{largest}"
            );
        }
        let (top, step) = round_scale(Duration::MAX);
        assert!(top >= step * 2);
    }
}
