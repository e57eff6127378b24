//! The one definition of uptime. Every millisecond of a range is in exactly one class; uptime is online ÷ (online + offline), by
//! time and never by count. Time that Rollcall did not observe, maintenance and pauses are in neither.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use crate::history::range::HistoryRange;
use crate::history::status_span::{SpanStatus, StatusSpan};
use crate::history::time_set::TimeSet;
use crate::silences::maintenance::TimeWindow;
use crate::status::Status;

/// There is no figure of uptime if less than this part of the range was online or offline.
const SMALLEST_SHARE: u32 = 100;

/// How long a monitor was in each class. They add up to the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassTimes {
    /// Online, or in warning: failing, but not for long enough to count as offline.
    pub online: Duration,
    pub offline: Duration,
    pub maintenance: Duration,
    /// Not added yet, never checked, removed, or not observed by Rollcall.
    pub unknown: Duration,
    pub paused: Duration,
}

impl ClassTimes {
    /// Online, offline and in maintenance: what Rollcall observed.
    pub fn watched(&self) -> Duration {
        self.online + self.offline + self.maintenance
    }

    pub fn total(&self) -> Duration {
        self.watched() + self.unknown + self.paused
    }

    /// `None` if it was online or offline for less than 1 % of the time.
    pub fn uptime(&self) -> Option<Uptime> {
        let judged = self.online + self.offline;
        let is_enough = judged > Duration::ZERO && judged * SMALLEST_SHARE >= self.total();
        is_enough.then_some(Uptime {
            online: self.online,
            offline: self.offline,
        })
    }

    pub fn add(&mut self, other: Self) {
        self.online += other.online;
        self.offline += other.offline;
        self.maintenance += other.maintenance;
        self.unknown += other.unknown;
        self.paused += other.paused;
    }
}

/// A figure of uptime. `Display` cuts it after two decimals and never rounds: `100 %` means that there was no downtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uptime {
    online: Duration,
    offline: Duration,
}

impl Uptime {
    /// From 0 to 1.
    pub fn fraction(self) -> f64 {
        self.online.as_secs_f64() / (self.online + self.offline).as_secs_f64()
    }

    /// In hundredths of a percent, cut: 10,000 only without any downtime.
    pub fn basis_points(self) -> u32 {
        let judged = (self.online + self.offline).as_millis().max(1);
        u32::try_from(self.online.as_millis() * 10_000 / judged).unwrap_or(10_000)
    }
}

impl fmt::Display for Uptime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.basis_points() {
            10_000 => out.write_str("100 %"),
            points => write!(out, "{}.{:02} %", points / 100, points % 100),
        }
    }
}

/// What is known of one monitor.
#[derive(Clone, Copy, Debug)]
pub struct StatusTimeline<'history> {
    /// In order; the first one may begin before the range.
    pub spans: &'history [StatusSpan],
    /// When Rollcall observed.
    pub observed: &'history TimeSet,
    /// When the monitor was in maintenance, as far as Rollcall observed.
    pub maintenance: &'history TimeSet,
}

/// The figures of one monitor in a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UptimeSummary {
    pub times: ClassTimes,
    /// Outages with any downtime in the range; one that began before it counts.
    pub outages: u32,
    /// The longest downtime of one outage in the range.
    pub longest_outage: Duration,
    /// The mean downtime of the outages that ended by recovery in the range.
    pub mean_time_to_recovery: Option<Duration>,
    /// Warnings that began in the range and passed without an outage.
    pub blips: u32,
}

impl UptimeSummary {
    /// Online time for each outage; `None` without outages.
    pub fn mean_time_between_outages(&self) -> Option<Duration> {
        (self.outages > 0).then(|| self.times.online / self.outages)
    }

    /// The order of lists that begin with the worst. Those without a figure are last, those with more downtime before the others.
    pub fn worst_first(&self, other: &Self) -> Ordering {
        let by_figure = match (self.times.uptime(), other.times.uptime()) {
            (Some(one), Some(other)) => one.fraction().total_cmp(&other.fraction()),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        by_figure.then_with(|| other.times.offline.cmp(&self.times.offline))
    }
}

/// One status, within the range.
struct Segment {
    window: TimeWindow,
    status: SpanStatus,
    /// The status that follows within the range.
    next: Option<SpanStatus>,
    /// Whether the status began in the range.
    begins_here: bool,
}

impl StatusTimeline<'_> {
    /// The figures of a range.
    pub fn summarize(&self, range: HistoryRange) -> UptimeSummary {
        let mut counter = OutageCounter::default();
        let mut summary = UptimeSummary::default();
        for segment in self.segments(range) {
            let times = self.classes(&segment);
            summary.times.add(times);
            counter.follow(&segment, times.offline);
            let is_blip = segment.begins_here
                && segment.status == SpanStatus::Was(Status::Warning)
                && segment.next == Some(SpanStatus::Was(Status::Online));
            summary.blips += u32::from(is_blip);
        }
        counter.add_to(summary)
    }

    /// The statuses in the range, in order, each with its part of the range.
    pub fn statuses(&self, range: HistoryRange) -> impl Iterator<Item = (TimeWindow, SpanStatus)> {
        let segments = self.segments(range);
        segments.map(|segment| (segment.window, segment.status))
    }

    /// The parts of the range with one status each.
    fn segments(&self, range: HistoryRange) -> impl Iterator<Item = Segment> {
        let begun = self
            .spans
            .partition_point(|span| span.began_at <= range.from);
        let first = begun.checked_sub(1);
        let spans = self.spans.get(first.unwrap_or(0)..).unwrap_or_default();
        let unknown = StatusSpan {
            began_at: range.from,
            status: SpanStatus::Was(Status::Unknown),
        };
        let before = first.is_none().then_some(unknown);
        let begins = before.into_iter().chain(spans.iter().copied());
        let ends = spans.iter().skip(usize::from(first.is_some())).copied();
        let ends = ends.map(Some).chain(std::iter::once(None));
        begins
            .zip(ends)
            .take_while(move |(span, _)| span.began_at < range.to)
            .map(move |(span, next)| {
                let next = next.filter(|next| next.began_at < range.to);
                Segment {
                    window: TimeWindow {
                        starts_at: span.began_at.max(range.from),
                        ends_at: next.map_or(range.to, |next| next.began_at),
                    },
                    status: span.status,
                    next: next.map(|next| next.status),
                    begins_here: span.began_at >= range.from,
                }
            })
    }

    /// Paused comes before unknown, unknown before maintenance, maintenance before offline and online.
    fn classes(&self, segment: &Segment) -> ClassTimes {
        let TimeWindow { starts_at, ends_at } = segment.window;
        let length = ends_at.since(starts_at);
        let mut times = ClassTimes::default();
        let status = match segment.status {
            SpanStatus::Was(Status::Paused) => {
                times.paused = length;
                return times;
            }
            SpanStatus::Removed | SpanStatus::Was(Status::Unknown) => {
                times.unknown = length;
                return times;
            }
            SpanStatus::Was(status) => status,
        };
        let observed = self.observed.between(starts_at, ends_at);
        times.unknown = length.saturating_sub(observed);
        times.maintenance = self.maintenance.between(starts_at, ends_at);
        let judged = observed.saturating_sub(times.maintenance);
        match status {
            Status::Offline => times.offline = judged,
            _ => times.online = judged,
        }
        times
    }
}

/// Counts outages: segments in a row in which the monitor is offline.
#[derive(Default)]
struct OutageCounter {
    /// Downtime of the outage that goes on.
    current: Duration,
    outages: u32,
    longest: Duration,
    recovered: u32,
    recovered_time: Duration,
}

impl OutageCounter {
    fn follow(&mut self, segment: &Segment, offline: Duration) {
        if segment.status != SpanStatus::Was(Status::Offline) {
            return;
        }
        self.current += offline;
        if segment.next == Some(segment.status) {
            return;
        }
        let downtime = std::mem::take(&mut self.current);
        if downtime.is_zero() {
            return;
        }
        self.outages += 1;
        self.longest = self.longest.max(downtime);
        let back = [Status::Online, Status::Warning].map(SpanStatus::Was);
        if segment.next.is_some_and(|next| back.contains(&next)) {
            self.recovered += 1;
            self.recovered_time += downtime;
        }
    }

    fn add_to(self, summary: UptimeSummary) -> UptimeSummary {
        let mean = || self.recovered_time / self.recovered;
        UptimeSummary {
            outages: self.outages,
            longest_outage: self.longest,
            mean_time_to_recovery: (self.recovered > 0).then(mean),
            ..summary
        }
    }
}

#[cfg(test)]
mod tests;
