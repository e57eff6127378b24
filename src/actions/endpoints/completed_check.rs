//! A check between its end and the answer to those who wait for it: finished, then recorded.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::CheckResult;
use crate::domain::endpoints::status_rule::State;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::domain::status::transition::Transition;

/// A finished check, and the waiters for its recorded result.
#[derive(Debug)]
pub struct CompletedCheck {
    pub monitor_id: MonitorId,
    /// Revision of the endpoint that was checked.
    pub revision: u32,
    /// Whether the target has a name, and no IP address.
    pub has_name: bool,
    pub result: CheckResult,
    pub waiters: Vec<Waiter>,
}

/// A recorded check result, with the status that follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub monitor_id: MonitorId,
    pub result: CheckResult,
    pub status_before: Status,
    pub state: State,
    pub transition: Option<Transition>,
    /// `None`: the scheduler does not check it; the recheck job does.
    pub next_check_at: Option<Timestamp>,
}

/// A requester that waits for the result of a check that another requester runs.
#[derive(Debug)]
pub struct Waiter(pub(in crate::actions) oneshot::Sender<Arc<Recorded>>);

impl Waiter {
    /// Sends the result. A receiver that has stopped waiting is ignored.
    pub fn send(self, result: Arc<Recorded>) {
        let _ = self.0.send(result);
    }
}
