//! What all checks share about Rollcall's own connectivity: which endpoints began to fail, and whether results count at
//! the moment. The job `connectivity` tests the reference hosts and names in the background and sets the state.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{CheckResult, NotChecked, Verdict};
use crate::domain::endpoints::connectivity::{Connectivity, Loss};
use crate::domain::endpoints::failure_tracker::{FailureTracker, Suspicion, TrackedResult};
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;

/// The shortest time between two tests while nothing is lost.
const TEST_EVERY: Duration = Duration::from_secs(1);

/// The longest wait for a test, whose own time-outs end it earlier: results must not wait forever for a job that has ended.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// The longest time that a check can take. Checks that began while something was lost may end after that.
const LONGEST_CHECK: Duration = Duration::from_secs(130);

/// Whether check results count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectivityView {
    pub connectivity: Connectivity,
    /// Many endpoints began to fail, and the reference hosts and names are being tested.
    pub is_being_tested: bool,
}

/// Shared by the checks, the recorder of their results and the job.
#[derive(Debug)]
pub struct ConnectivityState {
    /// Whether there is anything to test connectivity with.
    is_testable: bool,
    failures: Mutex<FailureTracker>,
    tested: Mutex<Option<Stopwatch>>,
    restored: Mutex<Option<Restored>>,
    view: watch::Sender<ConnectivityView>,
}

/// The end of the last loss.
#[derive(Clone, Copy, Debug)]
struct Restored {
    loss: Loss,
    at: Timestamp,
    since: Stopwatch,
}

impl ConnectivityState {
    pub fn new(is_testable: bool) -> Self {
        Self {
            is_testable,
            failures: Mutex::default(),
            tested: Mutex::default(),
            restored: Mutex::default(),
            view: watch::Sender::new(ConnectivityView {
                connectivity: Connectivity::Up,
                is_being_tested: false,
            }),
        }
    }

    /// Records check results and the status that their endpoints had before; requests a test if many began to fail.
    pub fn record<'a>(
        &self,
        results: impl IntoIterator<Item = (MonitorId, Status, &'a CheckResult)>,
        now: Timestamp,
    ) {
        if !self.is_testable {
            return;
        }
        let mut has_failure = false;
        let mut failures = self.failures();
        for (id, status, result) in results {
            let Some(tracked) = tracked(&result.verdict, status) else {
                continue;
            };
            has_failure |= tracked == TrackedResult::Failed;
            failures.record(id, tracked, result.at);
        }
        if has_failure && self.may_test() && failures.suspicion(now).is_some() {
            self.view.send_if_modified(|view| {
                // In other states, tests run anyway.
                let may_begin = view.connectivity == Connectivity::Up && !view.is_being_tested;
                view.is_being_tested |= may_begin;
                may_begin
            });
        }
    }

    fn may_test(&self) -> bool {
        let tested = self.tested.lock().unwrap_or_else(PoisonError::into_inner);
        tested.is_none_or(|since| since.elapsed() >= TEST_EVERY)
    }

    /// Drops endpoints that are no longer checked.
    pub fn forget(&self, ids: &[MonitorId]) {
        let mut failures = self.failures();
        for id in ids {
            failures.forget(*id);
        }
    }

    /// Whether many endpoints began to fail.
    pub fn suspicion(&self, now: Timestamp) -> Option<Suspicion> {
        self.failures().suspicion(now)
    }

    /// Which endpoints fail that began to do so at this time or later.
    pub fn failing_since(&self, began: Timestamp) -> Vec<MonitorId> {
        self.failures().failing_since(began)
    }

    /// Forgets all failures so far, because Rollcall's own connectivity has caused them.
    pub fn forget_failures(&self) {
        *self.failures() = FailureTracker::default();
    }

    /// Records the end of a loss. Failures of checks that began before it do not count.
    pub fn restore(&self, loss: Loss, now: Timestamp) {
        let mut restored = self.restored.lock().unwrap_or_else(PoisonError::into_inner);
        *restored = Some(Restored {
            loss,
            at: now,
            since: Stopwatch::start(),
        });
    }

    /// What was lost when a check began that ends now.
    fn loss_at(&self, began: Timestamp) -> Option<Loss> {
        let current = self.view().connectivity.loss();
        let restored = *self.restored.lock().unwrap_or_else(PoisonError::into_inner);
        // Not for longer, because the clock may have been set back since.
        let restored = restored
            .filter(|restored| began < restored.at && restored.since.elapsed() < LONGEST_CHECK);
        current.or(restored.map(|restored| restored.loss))
    }

    /// Ends a test.
    pub fn settle(&self, connectivity: Connectivity) {
        let mut tested = self.tested.lock().unwrap_or_else(PoisonError::into_inner);
        *tested = Some(Stopwatch::start());
        self.view.send_replace(ConnectivityView {
            connectivity,
            is_being_tested: false,
        });
    }

    pub fn view(&self) -> ConnectivityView {
        *self.view.borrow()
    }

    /// Waits until a test is requested.
    pub async fn test_is_requested(&self) {
        let mut view = self.view.subscribe();
        // The sender lives as long as this value, so this is no error.
        let _ = view.wait_for(|view| view.is_being_tested).await;
    }

    /// Waits until no test is running, so that failures can be judged; `since`: the start of this wait, which may be continued.
    pub async fn is_settled(&self, since: Stopwatch) {
        let mut view = self.view.subscribe();
        let settled = view.wait_for(|view| !view.is_being_tested);
        // Either way the failures are judged now.
        let _ = tokio::time::timeout_at(since.after(LONGEST_WAIT), settled).await;
    }

    /// Turns a failure into `Unknown` if a current or recent loss can have caused it; leaves other results as they are.
    /// `has_name`: the target has a name, and no IP address.
    pub fn trusted(&self, mut result: CheckResult, has_name: bool) -> CheckResult {
        if !matches!(result.verdict, Verdict::Down(_)) {
            return result;
        }
        // A redirect may have led to a name.
        let has_name = has_name || result.timings.resolve.is_some();
        match self.loss_at(result.at) {
            Some(Loss::Network) => result.verdict = Verdict::Unknown(NotChecked::Connectivity),
            Some(Loss::NameResolution) if has_name => {
                result.verdict = Verdict::Unknown(NotChecked::NameResolution);
            }
            Some(Loss::NameResolution) | None => {}
        }
        result
    }

    fn failures(&self) -> MutexGuard<'_, FailureTracker> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a check result means for connectivity; `None` if it says nothing.
fn tracked(verdict: &Verdict, status: Status) -> Option<TrackedResult> {
    match verdict {
        Verdict::Up => Some(TrackedResult::Passed),
        Verdict::Down(_) if status == Status::Offline => Some(TrackedResult::StillFailing),
        Verdict::Down(_)
        | Verdict::Unknown(
            NotChecked::Resolver | NotChecked::NameResolution | NotChecked::Connectivity,
        ) => Some(TrackedResult::Failed),
        Verdict::Unknown(NotChecked::Machine(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoints::check_result::{Failure, FailureClass, Timings};

    fn down(second: i64) -> CheckResult {
        CheckResult {
            at: Timestamp::from_millis(second * 1000),
            verdict: Verdict::Down(Failure::new(FailureClass::Refused)),
            timings: Timings::default(),
            certificate: None,
        }
    }

    /// Why the result of a check that began at this second is unknown; `None` if it counts.
    fn unknown(state: &ConnectivityState, second: i64, has_name: bool) -> Option<NotChecked> {
        match state.trusted(down(second), has_name).verdict {
            Verdict::Unknown(why) => Some(why),
            Verdict::Up | Verdict::Down(_) => None,
        }
    }

    fn record(state: &ConnectivityState, ids: std::ops::Range<i64>, status: Status) {
        let result = down(0);
        let results = ids.map(|id| (MonitorId(id), status, &result));
        state.record(results, Timestamp::from_millis(0));
    }

    #[test]
    fn a_failure_counts_unless_what_is_lost_can_have_caused_it() {
        let (network, names) = (Some(Loss::Network), Some(Loss::NameResolution));
        for (loss, has_name, expected) in [
            (None, true, None),
            (network, false, Some(NotChecked::Connectivity)),
            (network, true, Some(NotChecked::Connectivity)),
            (names, false, None),
            (names, true, Some(NotChecked::NameResolution)),
        ] {
            let state = ConnectivityState::new(true);
            let since = Timestamp::from_millis(0);
            state.settle(loss.map_or(Connectivity::Up, |loss| Connectivity::Down { loss, since }));
            let unknown = unknown(&state, 0, has_name);
            assert_eq!(unknown, expected, "{loss:?}, {has_name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn checks_that_began_during_a_loss_do_not_count_after_it() {
        let state = ConnectivityState::new(true);
        state.restore(Loss::Network, Timestamp::from_millis(100_000));
        assert_eq!(unknown(&state, 99, false), Some(NotChecked::Connectivity));
        assert_eq!(unknown(&state, 100, false), None);
        // The clock may have been set back since.
        tokio::time::advance(LONGEST_CHECK).await;
        assert_eq!(unknown(&state, 99, false), None);
        state.restore(Loss::NameResolution, Timestamp::from_millis(200_000));
        assert_eq!(unknown(&state, 199, false), None);
        assert_eq!(unknown(&state, 199, true), Some(NotChecked::NameResolution));
    }

    #[tokio::test(start_paused = true)]
    async fn many_new_failures_request_a_test_and_results_wait_for_its_end() {
        let state = ConnectivityState::new(true);
        record(&state, 0..9, Status::Offline);
        record(&state, 10..14, Status::Online);
        state.forget(&[MonitorId(10)]);
        record(&state, 14..15, Status::Online);
        assert!(!state.view().is_being_tested, "four of them");
        state.is_settled(Stopwatch::start()).await;
        record(&state, 15..16, Status::Warning);
        state.test_is_requested().await;
        let mut settled = Box::pin(state.is_settled(Stopwatch::start()));
        assert!(futures_util::poll!(&mut settled).is_pending());
        state.settle(Connectivity::Up);
        settled.await;
        // The next test is a moment later at the earliest.
        record(&state, 16..17, Status::Online);
        assert!(!state.view().is_being_tested);
        tokio::time::advance(TEST_EVERY).await;
        record(&state, 17..18, Status::Online);
        assert!(state.view().is_being_tested);
        // Tests run anyway while reference hosts are not trusted, and results do not wait for them.
        state.settle(Connectivity::Unverified(Loss::Network));
        tokio::time::advance(TEST_EVERY).await;
        record(&state, 18..19, Status::Online);
        assert!(!state.view().is_being_tested);
        // Without anything to test with, nothing waits.
        let state = ConnectivityState::new(false);
        record(&state, 0..9, Status::Online);
        assert!(!state.view().is_being_tested);
    }

    #[tokio::test(start_paused = true)]
    async fn results_do_not_wait_forever_for_a_test() {
        let state = ConnectivityState::new(true);
        record(&state, 0..9, Status::Online);
        state.is_settled(Stopwatch::start()).await;
        assert!(state.view().is_being_tested);
    }
}
