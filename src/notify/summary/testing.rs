//! Summaries for tests.

use std::time::Duration;

use super::SummaryDocument;
use crate::domain::Timestamp;
use crate::domain::history::objective::budget::ErrorBudget;
use crate::domain::history::objective::{Objective, ObjectivePercent, ObjectiveWindow};
use crate::domain::history::range::HistoryRange;
use crate::domain::history::summary::{
    ExpiringSoon, RangeSummary, ResponseTimes, SummarizedMonitor, SummarizedObjective,
};
use crate::domain::history::uptime::{ClassTimes, UptimeSummary};
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::silences::maintenance::Tz;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// November 2026 in Berlin.
const FROM: Timestamp = Timestamp::from_millis(1_793_487_600_000);
const TO: Timestamp = Timestamp::from_millis(1_796_079_600_000);

/// An endpoint that was offline for some seconds of the range, in one outage, and online otherwise.
pub fn monitor(name: &str, offline: u64) -> SummarizedMonitor {
    let offline = Duration::from_secs(offline);
    let outages = u32::from(!offline.is_zero());
    SummarizedMonitor {
        id: MonitorId(7),
        kind: MonitorKind::Endpoint,
        name: name.to_owned(),
        group: None,
        is_removed: false,
        figures: UptimeSummary {
            times: ClassTimes {
                online: DAY - offline,
                offline,
                ..ClassTimes::default()
            },
            outages,
            longest_outage: offline,
            mean_time_to_recovery: (outages > 0).then_some(offline),
            blips: 0,
        },
    }
}

/// A summary of these monitors, and of nothing else.
pub fn document(monitors: Vec<SummarizedMonitor>) -> SummaryDocument {
    let summary = RangeSummary {
        range: HistoryRange { from: FROM, to: TO },
        monitors,
        expiring: Vec::new(),
        objectives: Vec::new(),
        responses: ResponseTimes::default(),
    };
    SummaryDocument {
        summary: summary.sorted(),
        zone: Tz::Europe__Berlin,
    }
}

/// A summary in which much happened.
pub fn eventful() -> SummaryDocument {
    let mut old = monitor("old", 60);
    old.is_removed = true;
    let mut shop = monitor("web *shop*", 1296);
    shop.group = Some("web".to_owned());
    shop.figures.outages = 3;
    let mut all = vec![
        monitor("blog", 0),
        shop,
        old,
        monitor("api", 90),
        monitor("mail", 91),
        monitor("dns", 92),
        monitor("ntp", 1),
    ];
    let mut new = monitor("new", 0);
    new.figures.times = ClassTimes {
        unknown: DAY,
        ..ClassTimes::default()
    };
    all.push(new);
    let mut document = document(all);
    let summary = &mut document.summary;
    summary.expiring = vec![
        ExpiringSoon {
            name: "web *shop*".to_owned(),
            host: None,
            expires_at: TO.plus(DAY * 3),
        },
        ExpiringSoon {
            name: "blog".to_owned(),
            host: Some("login.example.org".to_owned()),
            expires_at: TO.plus(DAY * 20),
        },
    ];
    summary.objectives = [(3000, false), (1500, true), (60, false)]
        .map(|(used, is_of_group)| objective(used, is_of_group))
        .to_vec();
    summary.responses = ResponseTimes {
        incidents: 4,
        never_acknowledged: 1,
        median: Some(Duration::from_secs(180)),
        slowest: Some(Duration::from_secs(720)),
    };
    document
}

/// An objective of 99.9 % over 30 days, with this many seconds of downtime used.
fn objective(used: u64, is_of_group: bool) -> SummarizedObjective {
    let objective = Objective {
        percent: ObjectivePercent::from_thousandths(99_900).unwrap(),
        window: ObjectiveWindow::from_days(30).unwrap(),
    };
    SummarizedObjective {
        name: if is_of_group { "web" } else { "shop" }.to_owned(),
        is_of_group,
        objective,
        budget: ErrorBudget {
            allowed: objective.allowed(),
            used: Duration::from_secs(used),
            exhausted_at: None,
        },
    }
}
