//! Notices that many endpoints begin to fail at once, because then the cause may be Rollcall's own network. Every check
//! result is recorded here, of scheduled checks, rechecks and checks that people start.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::monitor::MonitorId;
use crate::timestamp::Timestamp;

/// Failures that began within this time of each other count together.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The minimum number of failing endpoints, and their minimum share of the checked endpoints (in percent), for a suspicion.
const MIN_FAILING: usize = 5;
const MIN_PERCENT: usize = 60;

/// What a check showed, as far as connectivity is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    Passed,
    Failed,
    /// The endpoint was offline already, so nothing begins.
    StillFailing,
}

/// Recent failures and passes.
#[derive(Debug, Default)]
pub struct FailureTracker {
    /// Failing endpoints, and since when each one fails.
    failing: HashMap<MonitorId, Timestamp>,
    /// The endpoints that passed in each second of the window, the newest second last.
    passes: VecDeque<(i64, Vec<MonitorId>)>,
}

/// Many endpoints began to fail within the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// When the first of them began to fail.
    pub began: Timestamp,
    /// Those that began to fail since then, in no particular order.
    pub failing: Vec<MonitorId>,
}

impl FailureTracker {
    /// Records a check result.
    pub fn record(&mut self, id: MonitorId, sighting: Sighting, at: Timestamp) {
        match sighting {
            Sighting::StillFailing => return,
            Sighting::Failed => {
                self.failing.entry(id).or_insert(at);
                return;
            }
            Sighting::Passed => self.failing.remove(&id),
        };
        match self.passes.back_mut() {
            Some((second, ids)) if *second >= at.seconds() => ids.push(id),
            _ => self.passes.push_back((at.seconds(), vec![id])),
        }
        let oldest = at.minus(WINDOW).seconds();
        while self
            .passes
            .front()
            .is_some_and(|(second, _)| *second < oldest)
        {
            self.passes.pop_front();
        }
    }

    /// Drops an endpoint that is no longer checked.
    pub fn forget(&mut self, id: MonitorId) {
        self.failing.remove(&id);
    }

    /// Returns a suspicion if there is a time since which at least 5 endpoints began to fail, and those are at least 60 %
    /// of the endpoints that were checked since then. Of several such times, it is the earliest.
    pub fn suspicion(&self, now: Timestamp) -> Option<Suspicion> {
        let mut starts: Vec<Timestamp> = self
            .failing
            .values()
            .copied()
            .filter(|since| now.since(*since) <= WINDOW)
            .collect();
        if starts.len() < MIN_FAILING {
            return None;
        }
        starts.sort_unstable_by(|one, other| other.cmp(one));
        let mut began = None;
        let mut passed: HashSet<MonitorId> = HashSet::new();
        let mut passes = self.passes.iter().rev().peekable();
        for (index, start) in starts.iter().enumerate() {
            while let Some((_, ids)) = passes.next_if(|(second, _)| *second > start.seconds()) {
                passed.extend(ids.iter().filter(|id| !self.failing.contains_key(id)));
            }
            let failing = index + 1;
            let is_most = failing * 100 >= (failing + passed.len()) * MIN_PERCENT;
            if failing >= MIN_FAILING && is_most {
                began = Some(*start);
            }
        }
        began.map(|began| self.suspicion_since(began))
    }

    fn suspicion_since(&self, began: Timestamp) -> Suspicion {
        let since = self.failing.iter().filter(|(_, since)| **since >= began);
        Suspicion {
            began,
            failing: since.map(|(id, _)| *id).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    /// 50 endpoints pass at second 90. `failed` of them fail one second apart, starting at second 100; then `passed`
    /// other endpoints pass.
    fn tracker_with(failed: i64, passed: i64) -> FailureTracker {
        let mut tracker = FailureTracker::default();
        for number in 0..50 {
            tracker.record(MonitorId(number), Sighting::Passed, at(90));
        }
        for number in 0..failed {
            tracker.record(MonitorId(number), Sighting::Failed, at(100 + number));
            tracker.record(MonitorId(number), Sighting::Failed, at(110 + number));
        }
        for number in 0..passed {
            tracker.record(MonitorId(1_000 + number), Sighting::Passed, at(120));
        }
        tracker
    }

    fn found(tracker: &FailureTracker, now: i64) -> Option<(usize, Timestamp)> {
        let suspicion = tracker.suspicion(at(now))?;
        Some((suspicion.failing.len(), suspicion.began))
    }

    #[test]
    fn many_simultaneous_failures_raise_a_suspicion() {
        for (failed, passed, now, expected, why) in [
            (4, 0, 120, None, "too few"),
            (5, 0, 120, Some((5, at(100))), "five, and no other check"),
            (6, 4, 120, Some((6, at(100))), "sixty percent"),
            (6, 5, 120, None, "less than that"),
            (5, 0, 160, Some((5, at(100))), "after a minute"),
            (5, 0, 161, None, "one of them has failed for longer"),
            (50, 0, 400, None, "all have failed for longer"),
        ] {
            assert_eq!(found(&tracker_with(failed, passed), now), expected, "{why}");
        }
    }

    #[test]
    fn an_earlier_failure_of_one_endpoint_does_not_hide_that_many_fail() {
        let mut tracker = FailureTracker::default();
        tracker.record(MonitorId(1), Sighting::Failed, at(100));
        for second in 101..108 {
            for number in 2..90 {
                tracker.record(MonitorId(number), Sighting::Passed, at(second));
            }
        }
        assert_eq!(found(&tracker, 108), None);
        for number in 2..6 {
            tracker.record(MonitorId(number), Sighting::Failed, at(108));
        }
        assert_eq!(found(&tracker, 108), None, "four since then");
        tracker.record(MonitorId(6), Sighting::Failed, at(109));
        assert_eq!(found(&tracker, 109), Some((5, at(108))));
    }

    #[test]
    fn an_endpoint_that_passes_often_counts_once() {
        let mut tracker = tracker_with(5, 0);
        for second in 110..120 {
            tracker.record(MonitorId(1_000), Sighting::Passed, at(second));
        }
        assert_eq!(found(&tracker, 120), Some((5, at(100))));
    }

    #[test]
    fn a_passing_check_withdraws_the_suspicion() {
        let mut tracker = tracker_with(5, 0);
        tracker.record(MonitorId(0), Sighting::Passed, at(121));
        assert_eq!(found(&tracker, 121), None);
    }

    #[test]
    fn endpoints_that_are_removed_or_were_offline_before_raise_no_suspicion() {
        let mut tracker = tracker_with(5, 0);
        tracker.forget(MonitorId(0));
        assert_eq!(found(&tracker, 120), None);
        tracker.record(MonitorId(9), Sighting::StillFailing, at(120));
        assert_eq!(found(&tracker, 120), None);
        tracker.record(MonitorId(9), Sighting::Failed, at(120));
        assert_eq!(found(&tracker, 120), Some((5, at(101))));
    }
}
