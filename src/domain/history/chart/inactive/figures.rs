//! How many endpoints were inactive at a time, the reasons, and how many were reactivated on each day.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono_tz::Tz;

use crate::history::range::HistoryRange;
use crate::incidents::outage_reason::OutageReason;
use crate::timestamp::Timestamp;

/// How many parts of a range have a number of their own: one for each two pixels.
const STEPS: u32 = 330;

/// An outage of an endpoint, as far as these figures need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InactivePeriod {
    pub from: Timestamp,
    /// `None`: it is inactive.
    pub to: Option<Timestamp>,
    pub reason: OutageReason,
    /// Whether it ended because a check passed again, and not by a person.
    pub is_reactivated: bool,
}

/// The figures of a guild in a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InactiveFigures {
    pub range: HistoryRange,
    /// The most endpoints that were inactive at once in each step of the range, all of them equally long.
    pub steps: Vec<u64>,
    /// How many were inactive at the end of the range.
    pub at_end: u64,
    /// How many outages there were in the range by reason, the most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// Each part of `HistoryRange::local_days`.
    pub days: Vec<ReactivationDay>,
}

/// How many outages had a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    pub reason: OutageReason,
    pub outages: u64,
}

impl ReasonCount {
    /// The reason in words.
    pub fn name(&self) -> String {
        match self.reason.failure_class() {
            Some(class) => class.text().to_owned(),
            None => self.reason.as_str().replace('_', " "),
        }
    }
}

/// How many endpoints were reactivated on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReactivationDay {
    pub range: HistoryRange,
    pub reactivated: u64,
}

impl InactiveFigures {
    /// Of periods in any order. Those outside the range do not count.
    pub fn of(periods: &[InactivePeriod], range: HistoryRange, zone: Tz) -> Self {
        let touches =
            |one: &&InactivePeriod| one.from < range.to && one.to.is_none_or(|to| to > range.from);
        let periods: Vec<&InactivePeriod> = periods.iter().filter(touches).collect();
        let mut figures = Self {
            range,
            steps: Vec::new(),
            at_end: 0,
            reasons: reasons(&periods),
            days: days(&periods, range, zone),
        };
        figures.count(&periods);
        figures
    }

    pub fn most(&self) -> u64 {
        self.steps.iter().max().copied().unwrap_or(0)
    }

    pub fn outages(&self) -> u64 {
        self.reasons.iter().map(|one| one.outages).sum()
    }

    pub fn reactivated(&self) -> u64 {
        self.days.iter().map(|day| day.reactivated).sum()
    }

    /// The length of a step.
    pub fn step(&self) -> Duration {
        self.range.length() / STEPS
    }

    /// Counts the periods that are open, from one change to the next.
    fn count(&mut self, periods: &[&InactivePeriod]) {
        let mut changes: Vec<(Timestamp, bool)> = Vec::with_capacity(2 * periods.len());
        for one in periods {
            changes.push((one.from.max(self.range.from), true));
            changes.extend(
                one.to
                    .filter(|to| *to < self.range.to)
                    .map(|to| (to, false)),
            );
        }
        // An end comes before a beginning at the same moment.
        changes.sort_unstable();
        let mut changes = changes.into_iter().peekable();
        let mut open = 0_u64;
        for step in 1..=STEPS {
            let ends_at = match step {
                STEPS => self.range.to,
                step => self.range.from.plus(self.step() * step),
            };
            let mut most = open;
            while let Some((_, begins)) = changes.next_if(|(at, _)| *at < ends_at) {
                open = match begins {
                    true => open + 1,
                    false => open.saturating_sub(1),
                };
                most = most.max(open);
            }
            self.steps.push(most);
        }
        self.at_end = open;
    }
}

fn reasons(periods: &[&InactivePeriod]) -> Vec<ReasonCount> {
    let mut counts: BTreeMap<&str, ReasonCount> = BTreeMap::new();
    for one in periods {
        let reason = one.reason;
        let count = counts.entry(reason.as_str());
        let outages = 0;
        count.or_insert(ReasonCount { reason, outages }).outages += 1;
    }
    let mut counts: Vec<ReasonCount> = counts.into_values().collect();
    counts.sort_by_key(|one| std::cmp::Reverse(one.outages));
    counts
}

fn days(periods: &[&InactivePeriod], range: HistoryRange, zone: Tz) -> Vec<ReactivationDay> {
    let mut days: Vec<ReactivationDay> = range
        .local_days(zone)
        .map(|range| ReactivationDay {
            range,
            reactivated: 0,
        })
        .collect();
    for one in periods.iter().filter(|one| one.is_reactivated) {
        let Some(at) = one.to else { continue };
        let day = days.partition_point(|day| day.range.to <= at);
        if let Some(day) = days.get_mut(day) {
            day.reactivated += 1;
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(hours: u32) -> Timestamp {
        Timestamp::start_of_day(20_000).plus(HOUR * hours)
    }

    /// Ten days.
    fn range() -> HistoryRange {
        HistoryRange {
            from: at(0),
            to: at(240),
        }
    }

    fn period(from: u32, to: Option<u32>, reason: OutageReason) -> InactivePeriod {
        InactivePeriod {
            from: at(from),
            to: to.map(at),
            reason,
            is_reactivated: to.is_some(),
        }
    }

    fn figures(periods: &[InactivePeriod]) -> InactiveFigures {
        InactiveFigures::of(periods, range(), chrono_tz::UTC)
    }

    #[test]
    fn without_outages_nothing_was_inactive() {
        let none = figures(&[]);
        assert_eq!(none.steps, [0; STEPS as usize]);
        assert_eq!((none.most(), none.at_end, none.outages()), (0, 0, 0));
        assert_eq!((none.days.len(), none.reactivated()), (10, 0));
        assert!(none.reasons.is_empty());
    }

    #[test]
    fn each_step_has_the_most_endpoints_at_once() {
        use OutageReason::{Refused, TimedOut};
        let found = figures(&[
            period(24, Some(48), Refused),
            // One ends when the other begins.
            period(48, Some(72), Refused),
            period(50, Some(51), TimedOut),
            // Shorter than a step.
            InactivePeriod {
                to: Some(at(120).plus(HOUR / 60)),
                ..period(120, None, TimedOut)
            },
            period(200, None, Refused),
        ]);
        let at_hour = |hour: usize| found.steps[hour * 330 / 240];
        let hours = [0, 23, 25, 47, 48, 50, 53, 71, 74, 120, 122, 199, 202, 239];
        let expected = [0, 0, 1, 1, 1, 2, 1, 1, 0, 1, 0, 0, 1, 1];
        assert_eq!(hours.map(at_hour), expected);
        assert_eq!((found.most(), found.at_end), (2, 1));
    }

    #[test]
    fn periods_count_as_far_as_they_are_in_the_range() {
        use OutageReason::Refused;
        let before = InactivePeriod {
            from: at(0).minus(HOUR),
            ..period(0, Some(0), Refused)
        };
        let reaches_in = InactivePeriod {
            from: at(0).minus(HOUR),
            ..period(0, Some(1), Refused)
        };
        let after = period(240, None, Refused);
        let reaches_out = period(239, Some(250), Refused);
        let found = figures(&[before, reaches_in, after, reaches_out]);
        assert_eq!(found.outages(), 2);
        assert_eq!((found.steps[0], found.at_end), (1, 1));
        assert_eq!(found.reactivated(), 1, "the other one after the range");
    }

    #[test]
    fn reasons_and_reactivations_are_counted() {
        use OutageReason::{Refused, TimedOut, TlsFailed};
        let paused = InactivePeriod {
            is_reactivated: false,
            ..period(30, Some(31), TlsFailed)
        };
        let found = figures(&[
            period(23, Some(24), TimedOut),
            period(30, Some(47), TimedOut),
            period(30, Some(48), Refused),
            paused,
            period(40, None, TimedOut),
        ]);
        let reasons: Vec<(OutageReason, u64)> = found
            .reasons
            .iter()
            .map(|one| (one.reason, one.outages))
            .collect();
        assert_eq!(reasons, [(TimedOut, 3), (Refused, 1), (TlsFailed, 1)]);
        let days: Vec<u64> = found.days.iter().map(|day| day.reactivated).collect();
        assert_eq!(days, [0, 2, 1, 0, 0, 0, 0, 0, 0, 0]);
    }
}
