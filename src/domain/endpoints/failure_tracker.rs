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

/// Twice the longest time-out of a check.
const LONGEST_CHECK: Duration = Duration::from_secs(240);

/// A check result, reduced to what connectivity needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackedResult {
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
    /// The passes in each second of the window, the newest second last.
    passes: VecDeque<(i64, Vec<Pass>)>,
}

#[derive(Clone, Copy, Debug)]
struct Pass {
    at: Timestamp,
    id: MonitorId,
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
    /// Records a check result, dated at the start of the check.
    pub fn record(&mut self, id: MonitorId, result: TrackedResult, at: Timestamp) {
        match result {
            TrackedResult::StillFailing => return,
            TrackedResult::Failed => {
                self.failing.entry(id).or_insert(at);
                return;
            }
            TrackedResult::Passed => self.failing.remove(&id),
        };
        if self.is_set_back(at) {
            self.passes.clear();
            self.failing
                .values_mut()
                .for_each(|since| *since = (*since).min(at));
        }
        self.push(Pass { at, id });
        let newest = self.passes.back().map_or(0, |(second, _)| *second);
        let oldest = newest.saturating_sub_unsigned(WINDOW.as_secs());
        while self
            .passes
            .front()
            .is_some_and(|(second, _)| *second < oldest)
        {
            self.passes.pop_front();
        }
    }

    /// Adds a pass to its second. A check that took long is later than others that began after it.
    fn push(&mut self, pass: Pass) {
        let wanted = pass.at.seconds();
        let index = self.passes.partition_point(|(second, _)| *second < wanted);
        match self.passes.get_mut(index) {
            Some((second, passes)) if *second == wanted => passes.push(pass),
            _ => self.passes.insert(index, (wanted, vec![pass])),
        }
    }

    /// Whether the clock was set back. Results arrive out of order, but never later than the longest check takes.
    fn is_set_back(&self, at: Timestamp) -> bool {
        let newest = self.passes.back().map(|(second, _)| *second);
        let oldest = at.plus(LONGEST_CHECK).seconds();
        newest.is_some_and(|newest| newest > oldest)
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
        // With more endpoints than this, no number of failures is enough.
        let most_passed = starts.len() * (100 - MIN_PERCENT) / MIN_PERCENT;
        let mut began = None;
        let mut passed: HashSet<MonitorId> = HashSet::new();
        let mut passes = self.newest_passes().peekable();
        for (index, start) in starts.iter().enumerate() {
            while passed.len() <= most_passed
                && let Some(pass) = passes.next_if(|pass| pass.at > *start)
            {
                // Also if it fails now: what many have in common had not begun when it passed.
                passed.insert(pass.id);
            }
            if passed.len() > most_passed {
                break;
            }
            let failing = index + 1;
            let is_most = failing * 100 >= (failing + passed.len()) * MIN_PERCENT;
            if failing >= MIN_FAILING && is_most {
                began = Some(*start);
            }
        }
        began.map(|began| Suspicion {
            began,
            failing: self.failing_since(began),
        })
    }

    /// The endpoints that fail and began to do so at this time or later, in no particular order.
    pub fn failing_since(&self, began: Timestamp) -> Vec<MonitorId> {
        let since = self.failing.iter().filter(|(_, since)| **since >= began);
        since.map(|(id, _)| *id).collect()
    }

    /// The passes, the newest first. Each second is sorted when it is needed: mostly, one is enough.
    fn newest_passes(&self) -> impl Iterator<Item = Pass> {
        self.passes.iter().rev().flat_map(|(_, passes)| {
            let mut passes = passes.clone();
            passes.sort_unstable_by_key(|pass| std::cmp::Reverse(pass.at));
            passes
        })
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
            tracker.record(MonitorId(number), TrackedResult::Passed, at(90));
        }
        for number in 0..failed {
            tracker.record(MonitorId(number), TrackedResult::Failed, at(100 + number));
            tracker.record(MonitorId(number), TrackedResult::Failed, at(110 + number));
        }
        for number in 0..passed {
            tracker.record(MonitorId(1_000 + number), TrackedResult::Passed, at(120));
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
        tracker.record(MonitorId(1), TrackedResult::Failed, at(100));
        for second in 101..108 {
            for number in 2..90 {
                tracker.record(MonitorId(number), TrackedResult::Passed, at(second));
            }
        }
        assert_eq!(found(&tracker, 108), None);
        for number in 2..6 {
            tracker.record(MonitorId(number), TrackedResult::Failed, at(108));
        }
        assert_eq!(found(&tracker, 108), None, "four since then");
        tracker.record(MonitorId(6), TrackedResult::Failed, at(109));
        assert_eq!(found(&tracker, 109), Some((5, at(108))));
        // Not even when all of them fail.
        for number in 7..90 {
            tracker.record(MonitorId(number), TrackedResult::Failed, at(110));
        }
        assert_eq!(found(&tracker, 110), Some((88, at(108))));
    }

    #[test]
    fn passes_within_the_same_second_count_from_the_first_failure_on() {
        let milliseconds =
            |second: i64, millis: i64| Timestamp::from_millis(second * 1000 + millis);
        for (passes_at, expected) in [(499, Some(5)), (500, Some(5)), (501, None)] {
            let mut tracker = FailureTracker::default();
            for number in 0..5 {
                let at = milliseconds(100, 500);
                tracker.record(MonitorId(number), TrackedResult::Failed, at);
            }
            for number in 10..14 {
                let at = milliseconds(100, passes_at);
                tracker.record(MonitorId(number), TrackedResult::Passed, at);
            }
            let found = tracker.suspicion(at(101)).map(|found| found.failing.len());
            assert_eq!(found, expected, "{passes_at}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_begins_a_new_window() {
        let mut tracker = FailureTracker::default();
        tracker.record(MonitorId(1), TrackedResult::Failed, at(9_000));
        for number in 10..1_000 {
            tracker.record(MonitorId(number), TrackedResult::Passed, at(10_000));
        }
        tracker.record(MonitorId(10), TrackedResult::Passed, at(9_950));
        assert_eq!(tracker.passes.len(), 2, "out of order, as results are");
        tracker.record(MonitorId(10), TrackedResult::Passed, at(9_760));
        assert_eq!(tracker.passes.len(), 2, "older than the window");
        tracker.record(MonitorId(10), TrackedResult::Passed, at(100));
        assert_eq!(tracker.passes.len(), 1);
        assert_eq!(tracker.failing_since(at(100)), [MonitorId(1)]);
        for number in 2..7 {
            tracker.record(MonitorId(number), TrackedResult::Failed, at(161));
        }
        assert_eq!(found(&tracker, 161), Some((5, at(161))));
        tracker.record(MonitorId(10), TrackedResult::Passed, at(162));
        assert_eq!(tracker.passes.len(), 1, "the first one is old");
    }

    #[test]
    fn an_endpoint_that_passes_often_counts_once() {
        let mut tracker = tracker_with(5, 0);
        for second in 110..120 {
            tracker.record(MonitorId(1_000), TrackedResult::Passed, at(second));
        }
        assert_eq!(found(&tracker, 120), Some((5, at(100))));
    }

    #[test]
    fn a_passing_check_withdraws_the_suspicion() {
        let mut tracker = tracker_with(5, 0);
        tracker.record(MonitorId(0), TrackedResult::Passed, at(121));
        assert_eq!(found(&tracker, 121), None);
    }

    #[test]
    fn endpoints_that_are_removed_or_were_offline_before_raise_no_suspicion() {
        let mut tracker = tracker_with(5, 0);
        tracker.forget(MonitorId(0));
        assert_eq!(found(&tracker, 120), None);
        tracker.record(MonitorId(9), TrackedResult::StillFailing, at(120));
        assert_eq!(found(&tracker, 120), None);
        tracker.record(MonitorId(9), TrackedResult::Failed, at(120));
        assert_eq!(found(&tracker, 120), Some((5, at(101))));
    }
}
