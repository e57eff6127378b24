//! What a summary of a range says about the monitors of a guild: how many were offline, the worst ones, what expires soon, how
//! objectives stand, and how fast people acknowledged incidents.

pub mod schedule;

use std::time::Duration;

use super::objective::Objective;
use super::objective::budget::{BudgetState, ErrorBudget};
use super::range::HistoryRange;
use super::uptime::UptimeSummary;
use crate::monitor::{MonitorId, MonitorKind};
use crate::timestamp::Timestamp;

/// How many monitors a summary names as the worst.
pub const WORST: usize = 5;

/// How many certificates and objectives a text of a summary names; files have all of them.
pub const NAMED: usize = 5;

/// What expires within this time of the summary expires soon.
pub const EXPIRES_SOON: Duration = Duration::from_secs(30 * 24 * 3600);

/// A monitor in a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummarizedMonitor {
    pub id: MonitorId,
    pub kind: MonitorKind,
    pub name: String,
    pub group: Option<String>,
    /// Whether it was removed since the range began.
    pub is_removed: bool,
    pub figures: UptimeSummary,
}

impl SummarizedMonitor {
    /// Whether it was offline in the range, for however short a time, and not in maintenance.
    pub fn was_offline(&self) -> bool {
        !self.figures.times.offline.is_zero()
    }
}

/// A certificate that expires soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringSoon {
    /// Of its endpoint.
    pub name: String,
    /// Where redirects led to it; `None`: the target itself.
    pub host: Option<String>,
    pub expires_at: Timestamp,
}

/// An objective as it stood at the end of the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummarizedObjective {
    /// Of its monitor, or of its group.
    pub name: String,
    pub is_of_group: bool,
    pub objective: Objective,
    pub budget: ErrorBudget,
}

/// When people learned of an incident, and when one of them acknowledged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentResponse {
    pub created_at: Timestamp,
    /// `None`: it was not acknowledged, or monitors that joined later took that back.
    pub acknowledged_at: Option<Timestamp>,
}

/// How fast people acknowledged the incidents that were opened in a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseTimes {
    pub incidents: u64,
    pub never_acknowledged: u64,
    /// Of those that were acknowledged; the mean of the two in the middle for an even number of them.
    pub median: Option<Duration>,
    pub slowest: Option<Duration>,
}

impl ResponseTimes {
    pub fn of(incidents: &[IncidentResponse]) -> Self {
        let waits = incidents.iter().filter_map(|one| {
            let acknowledged = one.acknowledged_at?;
            Some(acknowledged.since(one.created_at))
        });
        let mut waits: Vec<Duration> = waits.collect();
        waits.sort_unstable();
        let middle = |back: usize| waits.get(waits.len().checked_sub(back)? / 2).copied();
        Self {
            incidents: incidents.len() as u64,
            never_acknowledged: (incidents.len() - waits.len()) as u64,
            median: middle(1)
                .zip(middle(0))
                .map(|(lower, upper)| (lower + upper) / 2),
            slowest: waits.last().copied(),
        }
    }
}

/// A summary of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeSummary {
    pub range: HistoryRange,
    /// All that existed in the range, the worst first.
    pub monitors: Vec<SummarizedMonitor>,
    /// Those that expire soon, the next one first.
    pub expiring: Vec<ExpiringSoon>,
    /// The one of whose error budget most is used first.
    pub objectives: Vec<SummarizedObjective>,
    pub responses: ResponseTimes,
}

impl RangeSummary {
    /// Brings the monitors into their order.
    pub fn sorted(mut self) -> Self {
        self.monitors.sort_by(|one, other| {
            // One without a figure that was offline for a moment is worse than one that was not offline at all.
            (other.was_offline().cmp(&one.was_offline()))
                .then_with(|| one.figures.worst_first(&other.figures))
                .then_with(|| one.name.cmp(&other.name))
                .then_with(|| one.id.cmp(&other.id))
        });
        self
    }

    /// How many monitors were offline in the range.
    pub fn offline(&self) -> u64 {
        self.monitors.iter().filter(|one| one.was_offline()).count() as u64
    }

    /// The monitors that were offline, the worst first, at most `WORST`.
    pub fn worst(&self) -> impl Iterator<Item = &SummarizedMonitor> {
        let offline = self.monitors.iter().filter(|one| one.was_offline());
        offline.take(WORST)
    }

    /// How many monitors have no figure of uptime: they are new, or paused, or Rollcall did not observe them.
    pub fn without_figure(&self) -> u64 {
        let without = |one: &&SummarizedMonitor| one.figures.times.uptime().is_none();
        self.monitors.iter().filter(without).count() as u64
    }

    /// Whether nothing is known of any of the monitors.
    pub fn is_unknown(&self) -> bool {
        let total = self.monitors.len() as u64;
        total > 0 && self.offline() == 0 && self.without_figure() == total
    }

    /// The objectives that are at risk or missed.
    pub fn used_objectives(&self) -> impl Iterator<Item = &SummarizedObjective> {
        let is_used = |one: &&SummarizedObjective| one.budget.state() != BudgetState::Met;
        self.objectives.iter().filter(is_used)
    }

    /// Whether nothing happened that people should read: no monitor was offline, no incident was opened, nothing expires soon and
    /// no objective is at risk. If nothing is known of the monitors, that is not so.
    pub fn is_uneventful(&self) -> bool {
        self.offline() == 0
            && !self.is_unknown()
            && self.responses.incidents == 0
            && self.expiring.is_empty()
            && self.used_objectives().next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::objective::{ObjectivePercent, ObjectiveWindow};
    use crate::history::uptime::ClassTimes;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn monitor(id: i64, name: &str, offline: u64, online: u64) -> SummarizedMonitor {
        let times = ClassTimes {
            online: seconds(online),
            offline: seconds(offline),
            unknown: seconds(86_400 - offline - online),
            ..ClassTimes::default()
        };
        SummarizedMonitor {
            id: MonitorId(id),
            kind: MonitorKind::Endpoint,
            name: name.to_owned(),
            group: None,
            is_removed: false,
            figures: UptimeSummary {
                times,
                ..UptimeSummary::default()
            },
        }
    }

    fn summary(monitors: Vec<SummarizedMonitor>) -> RangeSummary {
        let summary = RangeSummary {
            range: HistoryRange {
                from: at(0),
                to: at(86_400),
            },
            monitors,
            expiring: Vec::new(),
            objectives: Vec::new(),
            responses: ResponseTimes::default(),
        };
        summary.sorted()
    }

    #[test]
    fn the_worst_five_that_were_offline_are_named() {
        let mut monitors: Vec<_> = (1..=6)
            .map(|id| monitor(id, &format!("m{id}"), id.unsigned_abs() * 10, 80_000))
            .collect();
        monitors.extend([
            monitor(7, "steady", 0, 80_000),
            monitor(8, "brief", 5, 0),
            monitor(9, "new", 0, 0),
        ]);
        let summary = summary(monitors);
        let names = |monitors: &[&SummarizedMonitor]| -> Vec<String> {
            monitors.iter().map(|one| one.name.clone()).collect()
        };
        let worst: Vec<&SummarizedMonitor> = summary.worst().collect();
        assert_eq!(names(&worst), ["m6", "m5", "m4", "m3", "m2"]);
        let all: Vec<&SummarizedMonitor> = summary.monitors.iter().collect();
        assert_eq!(names(&all)[5..], ["m1", "brief", "steady", "new"]);
        assert_eq!(summary.offline(), 7);
        assert!(!summary.is_uneventful());
    }

    /// Seconds after which each incident was acknowledged; `-`: never. Then the median and the slowest.
    const RESPONSES: &str = "
                  | -   | -   | none were opened
        -         | -   | -   | none was acknowledged
        30        | 30  | 30  | one
        30 -      | 30  | 30  | one of two
        10 50     | 30  | 50  | the mean of two
        90 10 20  | 20  | 90  | the middle of three
        1 9 5 3 - | 4   | 9   | the mean of the two in the middle
    ";

    #[test]
    fn response_times_are_those_of_acknowledged_incidents() {
        for line in RESPONSES.lines().filter(|line| line.contains('|')) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [waits, median, slowest, why] = cells[..] else {
                panic!("{line}");
            };
            let incidents: Vec<IncidentResponse> = waits
                .split_whitespace()
                .map(|wait| IncidentResponse {
                    created_at: at(1000),
                    acknowledged_at: wait.parse().ok().map(|wait: i64| at(1000 + wait)),
                })
                .collect();
            let times = ResponseTimes::of(&incidents);
            let expected = [median, slowest].map(|cell| cell.parse().ok().map(seconds));
            assert_eq!([times.median, times.slowest], expected, "{why}");
            assert_eq!(times.incidents, incidents.len() as u64, "{why}");
            assert_eq!(
                times.never_acknowledged,
                waits.matches('-').count() as u64,
                "{why}"
            );
        }
    }

    #[test]
    fn a_clock_that_was_set_back_yields_no_negative_wait() {
        let times = ResponseTimes::of(&[IncidentResponse {
            created_at: at(9),
            acknowledged_at: Some(at(1)),
        }]);
        assert_eq!(times.median, Some(Duration::ZERO));
    }

    #[test]
    fn anything_worth_reading_makes_a_summary_eventful() {
        let steady = || summary(vec![monitor(1, "steady", 0, 80_000)]);
        assert!(steady().is_uneventful());
        assert!(summary(Vec::new()).is_uneventful());
        let partly = summary(vec![
            monitor(1, "steady", 0, 80_000),
            monitor(2, "new", 0, 0),
        ]);
        assert!(partly.is_uneventful());
        assert_eq!(partly.without_figure(), 1);
        let unknown = summary(vec![monitor(1, "new", 0, 863), monitor(2, "new", 0, 0)]);
        assert!(unknown.is_unknown() && !unknown.is_uneventful());
        let barely = summary(vec![monitor(1, "new", 0, 864), monitor(2, "new", 0, 0)]);
        assert!(!barely.is_unknown() && barely.is_uneventful());
        let mut opened = steady();
        opened.responses.incidents = 1;
        let mut expires = steady();
        expires.expiring.push(ExpiringSoon {
            name: "shop".into(),
            host: None,
            expires_at: at(1),
        });
        let with_budget = |used| {
            let objective = Objective {
                percent: ObjectivePercent::from_thousandths(99_900).unwrap(),
                window: ObjectiveWindow::from_days(30).unwrap(),
            };
            let mut summary = steady();
            summary.objectives.push(SummarizedObjective {
                name: "shop".into(),
                is_of_group: false,
                objective,
                budget: ErrorBudget {
                    allowed: seconds(100),
                    used: seconds(used),
                    exhausted_at: None,
                },
            });
            summary
        };
        assert!(with_budget(49).is_uneventful());
        for eventful in [opened, expires, with_budget(50), with_budget(101)] {
            assert!(!eventful.is_uneventful(), "{eventful:?}");
        }
    }
}
