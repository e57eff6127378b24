//! What can be made to go wrong, and until when.

use std::collections::VecDeque;

/// How a gateway connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseWith {
    /// A close frame with this code.
    Code(u16),
    /// A close frame with nothing in it.
    Empty,
    /// The socket is dropped without a word.
    Drop,
    /// TCP is reset.
    Reset,
}

/// Switches of the gateway. All off by default; each holds until it is switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Accept the connection and never answer the upgrade.
    pub never_upgrade: bool,
    /// Accept the connection and drop it.
    pub refuse: bool,
    pub never_hello: bool,
    /// As `never_hello`, but only at the address that READY gives for resuming.
    pub never_hello_to_resume: bool,
    /// Take heartbeats and never acknowledge them.
    pub never_ack: bool,
    pub never_ready: bool,
    /// Send a READY that lacks what it must have.
    pub broken_ready: bool,
    /// Take RESUME and never answer it.
    pub never_resume: bool,
    /// Answer every RESUME with op 9, not resumable.
    pub refuse_resume: bool,
    /// Keep every connection open, and neither read nor say anything on it any more.
    pub silent: bool,
}

/// What a REST request is answered instead of what it deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestFault {
    /// This status with an empty body.
    Status(u16),
    /// This status, and Discord's number for what is wrong.
    Error { status: u16, code: u32 },
    /// 429 for this route, to be retried after so many milliseconds.
    RouteLimit { retry_after_ms: u64 },
    /// 429 for everything.
    GlobalLimit { retry_after_ms: u64 },
    /// What was asked for is done, and the answer never comes.
    NoAnswer,
}

/// A planned fault: for the next requests whose path contains a text.
#[derive(Clone, Debug)]
struct Planned {
    fault: RestFault,
    path_contains: String,
    left: usize,
}

/// The plan of REST faults.
#[derive(Debug, Default)]
pub(crate) struct RestPlan(VecDeque<Planned>);

impl RestPlan {
    pub(crate) fn add(&mut self, fault: RestFault, path_contains: &str, count: usize) {
        self.0.push_back(Planned {
            fault,
            path_contains: path_contains.to_owned(),
            left: count,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault for a request to `path`, used up by asking.
    pub(crate) fn take(&mut self, path: &str) -> Option<RestFault> {
        let index = self
            .0
            .iter()
            .position(|planned| path.contains(&planned.path_contains))?;
        let planned = self.0.get_mut(index)?;
        planned.left -= 1;
        let fault = planned.fault;
        if planned.left == 0 {
            self.0.remove(index);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_fault_hits_its_path_so_many_times() {
        let mut plan = RestPlan::default();
        plan.add(RestFault::Status(500), "/commands", 2);
        assert_eq!(plan.take("/api/v10/gateway"), None);
        assert_eq!(plan.take("/x/commands"), Some(RestFault::Status(500)));
        assert_eq!(plan.take("/x/commands"), Some(RestFault::Status(500)));
        assert_eq!(plan.take("/x/commands"), None);
    }
}
