//! The texts of the history of monitors in Discord.

use std::time::Duration;

use crate::actions::history::recent_uptime::RecentUptime;
use crate::actions::history::uptime::MonitorUptime;
use crate::discord::ui::embed::{bold, date_and_time};
use crate::discord::ui::error::CommandError;
use crate::domain::Timestamp;
use crate::domain::history::latency::sketch::LatencySketch;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::uptime::{ClassTimes, Uptime, UptimeSummary};
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::silences::maintenance::Tz;
use crate::domain::status::transition::OutageEnd;
use crate::domain::text;
use crate::notify::wording;
use crate::store::incidents::outage_history::ListedOutage;

/// Maximum characters of a name before it is escaped: half an escape would show.
const NAME: usize = 64;

/// Maximum characters of the reason of an outage.
const REASON: usize = 120;

/// In place of a figure that there is not.
const NO_FIGURE: &str = "–";

pub(super) const NO_MONITORS: &str = "There are no monitors in this range.";

pub(super) const NOT_IN_RANGE: &str = "There was no such monitor in this range.";

pub(super) fn monitor_and_group() -> CommandError {
    CommandError::Refused("Choose either `monitor` or `group`, not both.".to_owned())
}

/// No monitor has the name, and several that were removed had it.
pub(super) fn several_removed_monitors(name: &str, latest: MonitorId) -> CommandError {
    CommandError::Refused(format!(
        "Several monitors with the name {} were removed. Use `#` and its ID, such as `#{latest}` for the latest one.",
        text::code(&text::cut(name, NAME))
    ))
}

/// A range in the time zone of the guild.
pub(super) fn range(range: HistoryRange, zone: Tz) -> String {
    let (from, to) = (
        text::local_minute(range.from, zone),
        text::local_minute(range.to, zone),
    );
    format!("{from} to {to} ({})", text::escape(zone.name()))
}

/// A group in front of the range.
pub(super) fn of_group(group: &str, range: &str) -> String {
    format!("Group {} · {range}", name(group))
}

/// A monitor in front of the range.
pub(super) fn of_monitor(monitor: &str, range: &str) -> String {
    format!("{} · {range}", name(monitor))
}

fn name(name: &str) -> String {
    bold(&text::cut(name, NAME))
}

/// The title of a list of monitors.
pub(super) fn with_downtime(number: usize, total: u64) -> String {
    let monitors = text::count(total, "monitor");
    format!("{number} of {monitors} had downtime")
}

/// One line about a monitor in a range.
pub(super) fn uptime(one: &MonitorUptime, range: HistoryRange) -> String {
    let (monitor, summary) = (&one.monitor, &one.summary);
    let times = summary.times;
    let has_downtime = !times.offline.is_zero();
    let figure = times.uptime();
    let mark = match figure {
        _ if has_downtime => "🔴",
        Some(_) => "🟢",
        None => "⚪",
    };
    let mut parts = vec![format!(
        "{mark} {} {}",
        name(&monitor.name),
        self::figure(times)
    )];
    if has_downtime {
        parts.push(downtime_in_outages(times, summary.outages));
    }
    if times.watched() < times.total() {
        parts.push(format!("watched {}", watched(times)));
    }
    if !times.maintenance.is_zero() {
        let length = text::duration(times.maintenance);
        parts.push(format!("{length} of maintenance"));
    }
    if let Some(exact_from) = one.exact_from(range) {
        let exact_from = date_and_time(exact_from);
        parts.push(format!("figures of whole days (UTC) before {exact_from}"));
    }
    if let Some(at) = monitor.removed_at {
        parts.push(format!("removed {}", date_and_time(at)));
    }
    parts.join(" · ")
}

/// The uptime, or in its place that there is not enough data.
fn figure(times: ClassTimes) -> String {
    let uptime = times.uptime();
    uptime.map_or_else(|| "not enough data".to_owned(), |uptime| uptime.to_string())
}

fn downtime_in_outages(times: ClassTimes, outages: u32) -> String {
    let (length, outages) = (
        text::duration(times.offline),
        text::count(u64::from(outages), "outage"),
    );
    format!("{length} of downtime in {outages}")
}

/// The share of the range that Rollcall observed, cut, so that 100 % means all of it.
fn watched(times: ClassTimes) -> String {
    let total = times.total().as_millis().max(1);
    let thousandths = times.watched().as_millis() * 1000 / total;
    match thousandths {
        1000 => "100 %".to_owned(),
        cut => format!("{}.{} %", cut / 10, cut % 10),
    }
}

// The figures of one monitor.

pub(super) const UPTIME: &str = "Uptime";

/// What the percentiles are of.
pub(super) fn latency_title(kind: MonitorKind) -> &'static str {
    match kind {
        MonitorKind::Device => "Runs that succeeded",
        MonitorKind::Endpoint | MonitorKind::Server => "Checks that passed",
    }
}

/// The percentiles; `None` without any check.
pub(super) fn latencies(sketch: &LatencySketch) -> Option<String> {
    let quantile = |quantile| sketch.quantile(quantile).map(text::latency);
    let (p50, p95, p99) = (quantile(0.5)?, quantile(0.95)?, quantile(0.99)?);
    Some(format!("p50 {p50} · p95 {p95} · p99 {p99}"))
}

/// The titles and values of all figures that are times or counts.
pub(super) fn figures(summary: &UptimeSummary) -> [(&'static str, String); 9] {
    let times = summary.times;
    let length =
        |length: Option<Duration>| length.map_or_else(|| NO_FIGURE.to_owned(), text::duration);
    [
        (UPTIME, figure(times)),
        ("Downtime", text::duration(times.offline)),
        ("Outages", summary.outages.to_string()),
        ("Longest outage", text::duration(summary.longest_outage)),
        (
            "Mean time to recovery",
            length(summary.mean_time_to_recovery),
        ),
        (
            "Mean time between outages",
            length(summary.mean_time_between_outages()),
        ),
        ("Blips", summary.blips.to_string()),
        ("Watched", watched(times)),
        ("Maintenance", text::duration(times.maintenance)),
    ]
}

pub(super) const EXACT: &str = "Exact";

pub(super) fn exact_from(at: Timestamp) -> String {
    format!("Before {}, figures of whole days (UTC)", date_and_time(at))
}

pub(super) const REMOVED: &str = "Removed";

// The card of a monitor.

/// The uptime of three ranges, `–` where there is not enough data.
pub(super) fn recent_uptime(recent: &RecentUptime) -> String {
    let figure = |uptime: Option<Uptime>| {
        uptime.map_or_else(|| NO_FIGURE.to_owned(), |uptime| uptime.to_string())
    };
    let [day, week, month] = [recent.day, recent.week, recent.month].map(figure);
    format!("{day} · {week} · {month} (24 h · 7 d · 30 d)")
}

// Outages.

pub(super) const NO_OUTAGES: &str = "There were no outages.";

pub(super) fn outage_count(number: u64) -> String {
    text::count(number, "outage")
}

/// One line about an outage, with the name of its monitor if the list is about several.
pub(super) fn outage(outage: &ListedOutage, has_name: bool, now: Timestamp) -> String {
    let mark = match outage.ended {
        None => "🔴",
        Some((_, OutageEnd::Recovered)) => "🟢",
        Some((_, OutageEnd::Paused)) => "⏸️",
        Some((_, OutageEnd::Retargeted | OutageEnd::LimitChanged | OutageEnd::Removed)) => "⚪",
    };
    let began = date_and_time(outage.started_at);
    let monitor = outage.name.as_deref().unwrap_or("a removed monitor");
    let reason = wording::reason_with(outage.reason, outage.detail.as_deref(), text::escape);
    let mut parts = vec![
        match has_name {
            true => format!("{mark} {} {began}", name(monitor)),
            false => format!("{mark} {began}"),
        },
        outage_length(outage, now),
        text::cut(&reason, REASON),
    ];
    if outage.is_in_maintenance {
        parts.push("in maintenance".to_owned());
    }
    if let Some(incident) = outage.incident {
        parts.push(format!("incident #{}", incident.0));
    }
    parts.join(" · ")
}

/// How long an outage was, or has been up to now.
fn outage_length(outage: &ListedOutage, now: Timestamp) -> String {
    let Some((ended, end)) = outage.ended else {
        let length = text::duration(now.since(outage.started_at));
        return format!("{length} so far");
    };
    let length = text::duration(ended.since(outage.started_at));
    match end {
        OutageEnd::Recovered => length,
        OutageEnd::Paused => format!("{length}, then paused"),
        OutageEnd::Retargeted => format!("{length}, then a new target"),
        OutageEnd::LimitChanged => format!("{length}, then another limit"),
        OutageEnd::Removed => format!("{length}, then removed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::monitors::history::testing::figures;

    #[test]
    fn recent_uptime_has_a_figure_for_each_range() {
        let uptime = |offline| figures("shop", offline).summary.times.uptime();
        let recent = RecentUptime {
            day: uptime(0),
            week: uptime(400),
            month: uptime(1296),
        };
        let shown = recent_uptime(&recent);
        assert_eq!(shown, "100 % · 99.98 % · 99.95 % (24 h · 7 d · 30 d)");
        let nothing = recent_uptime(&RecentUptime::default());
        assert_eq!(nothing, "– · – · – (24 h · 7 d · 30 d)");
    }

    #[test]
    fn the_watched_share_is_cut() {
        let times = |watched, unknown| ClassTimes {
            online: Duration::from_secs(watched),
            unknown: Duration::from_secs(unknown),
            ..ClassTimes::default()
        };
        assert_eq!(watched(times(1000, 0)), "100 %");
        assert_eq!(watched(times(99_999, 1)), "99.9 %");
        assert_eq!(watched(times(0, 1)), "0.0 %");
        assert_eq!(watched(ClassTimes::default()), "0.0 %");
    }
}
