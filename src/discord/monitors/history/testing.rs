//! Figures of monitors for the tests of the history.

use std::time::Duration;

use crate::actions::history::uptime::MonitorUptime;
use crate::discord::ui::embed_testing::NOW;
use crate::domain::history::latency::sketch::LatencySketch;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::uptime::{ClassTimes, UptimeSummary};
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::store::history::monitor_history::MonitorHistory;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The 30 days up to now.
pub(super) const MONTH: HistoryRange = HistoryRange {
    from: crate::domain::Timestamp::from_millis(NOW.millis() - 30 * 86_400_000),
    to: NOW,
};

/// A monitor that was offline for some seconds of 30 days, in one outage, and online otherwise.
pub(super) fn figures(name: &str, offline: u64) -> MonitorUptime {
    let offline = Duration::from_secs(offline);
    let times = ClassTimes {
        online: DAY * 30 - offline,
        offline,
        ..ClassTimes::default()
    };
    with_times(name, times)
}

/// A monitor that was observed for so short a time that there is no figure: for some seconds, in which it was offline.
pub(super) fn without_figure(name: &str, offline: u64) -> MonitorUptime {
    let offline = Duration::from_secs(offline);
    let times = ClassTimes {
        offline,
        unknown: DAY * 30 - offline,
        ..ClassTimes::default()
    };
    with_times(name, times)
}

pub(super) fn with_times(name: &str, times: ClassTimes) -> MonitorUptime {
    let outages = u32::from(!times.offline.is_zero());
    MonitorUptime {
        monitor: MonitorHistory {
            id: MonitorId(7),
            kind: MonitorKind::Endpoint,
            name: name.to_owned(),
            group: None,
            removed_at: None,
            exact_from: None,
            spans: Vec::new(),
            maintenance: Vec::new(),
        },
        summary: UptimeSummary {
            times,
            outages,
            longest_outage: times.offline,
            mean_time_to_recovery: (outages > 0).then_some(times.offline),
            blips: 0,
        },
        latencies: LatencySketch::default(),
    }
}
