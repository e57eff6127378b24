//! What all checks share about Rollcall's own connectivity: which endpoints began to fail, and whether results count at
//! the moment. The job `connectivity` tests the reference hosts and names beside the checks and says what is lost.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{CheckResult, NotChecked, Verdict};
use crate::domain::endpoints::connectivity::{Connectivity, Loss};
use crate::domain::endpoints::failure_tracker::{FailureTracker, Sighting, Suspicion};
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;

/// The shortest time between two tests while nothing is lost.
const TEST_EVERY: Duration = Duration::from_secs(1);

/// The longest wait for a test. Its own time-outs end it earlier.
const TEST_TAKES: Duration = Duration::from_secs(8);

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
    view: watch::Sender<ConnectivityView>,
}

impl ConnectivityState {
    pub fn new(is_testable: bool) -> Self {
        Self {
            is_testable,
            failures: Mutex::default(),
            tested: Mutex::default(),
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
            let Some(sighting) = sighting(&result.verdict, status) else {
                continue;
            };
            has_failure |= sighting == Sighting::Failed;
            failures.record(id, sighting, result.at);
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

    /// Forgets all failures so far, because Rollcall's own connectivity has caused them.
    pub fn forget_failures(&self) {
        *self.failures() = FailureTracker::default();
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

    /// Waits until no test is running, so that failures can be judged.
    pub async fn is_settled(&self) {
        let mut view = self.view.subscribe();
        let settled = view.wait_for(|view| !view.is_being_tested);
        // Results must not wait forever for a job that has ended.
        let _ = tokio::time::timeout(TEST_TAKES, settled).await;
    }

    /// Turns a failure into `Unknown` if what is lost can have caused it; leaves other results as they are.
    pub fn trusted(&self, mut result: CheckResult) -> CheckResult {
        if !matches!(result.verdict, Verdict::Down(_)) {
            return result;
        }
        let has_name = result.timings.resolve.is_some();
        match self.view().connectivity.loss() {
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
fn sighting(verdict: &Verdict, status: Status) -> Option<Sighting> {
    match verdict {
        Verdict::Up => Some(Sighting::Passed),
        Verdict::Down(_) if status == Status::Offline => Some(Sighting::StillFailing),
        Verdict::Down(_)
        | Verdict::Unknown(
            NotChecked::Resolver | NotChecked::NameResolution | NotChecked::Connectivity,
        ) => Some(Sighting::Failed),
        Verdict::Unknown(NotChecked::Machine(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoints::check_result::{Failure, FailureClass, Timings};

    fn down(is_named: bool) -> CheckResult {
        CheckResult {
            at: Timestamp::from_millis(0),
            verdict: Verdict::Down(Failure::new(FailureClass::Refused)),
            timings: Timings {
                resolve: is_named.then_some(Duration::ZERO),
                ..Timings::default()
            },
            certificate_expires_at: None,
        }
    }

    fn record(state: &ConnectivityState, ids: std::ops::Range<i64>, status: Status) {
        let result = down(false);
        let results = ids.map(|id| (MonitorId(id), status, &result));
        state.record(results, Timestamp::from_millis(0));
    }

    #[test]
    fn a_failure_counts_unless_what_is_lost_can_have_caused_it() {
        let (network, names) = (Some(Loss::Network), Some(Loss::NameResolution));
        for (loss, is_named, expected) in [
            (None, true, None),
            (network, false, Some(NotChecked::Connectivity)),
            (network, true, Some(NotChecked::Connectivity)),
            (names, false, None),
            (names, true, Some(NotChecked::NameResolution)),
        ] {
            let state = ConnectivityState::new(true);
            let since = Timestamp::from_millis(0);
            state.settle(loss.map_or(Connectivity::Up, |loss| Connectivity::Down { loss, since }));
            let verdict = state.trusted(down(is_named)).verdict;
            let unknown = match verdict {
                Verdict::Unknown(why) => Some(why),
                Verdict::Up | Verdict::Down(_) => None,
            };
            assert_eq!(unknown, expected, "{loss:?}, {is_named}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_new_failures_request_a_test_and_results_wait_for_its_end() {
        let state = ConnectivityState::new(true);
        record(&state, 0..9, Status::Offline);
        record(&state, 10..14, Status::Online);
        state.forget(&[MonitorId(10)]);
        record(&state, 14..15, Status::Online);
        assert!(!state.view().is_being_tested, "four of them");
        state.is_settled().await;
        record(&state, 15..16, Status::Warning);
        state.test_is_requested().await;
        let mut settled = Box::pin(state.is_settled());
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
        state.is_settled().await;
        assert!(state.view().is_being_tested);
    }
}
