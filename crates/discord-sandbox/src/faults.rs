//! Faults of the gateway and the REST API, and how long they last.

use std::collections::VecDeque;

/// How a gateway connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseWith {
    /// A close frame with this code.
    Code(u16),
    /// An empty close frame.
    Empty,
    /// The socket is dropped without a close frame.
    Drop,
    /// TCP is reset.
    Reset,
}

/// Faults of the gateway. All are off by default; each lasts until it is switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Accept the connection and never answer the upgrade.
    pub never_upgrade: bool,
    /// Accept the connection and drop it.
    pub refuse: bool,
    pub never_hello: bool,
    /// Like `never_hello`, but only at the resume address in READY.
    pub never_hello_to_resume: bool,
    /// Accept heartbeats and never acknowledge them.
    pub never_ack: bool,
    pub never_ready: bool,
    /// Send a READY that lacks required fields.
    pub broken_ready: bool,
    /// Accept RESUME and never answer it.
    pub never_resume: bool,
    /// Answer every RESUME with op 9, not resumable.
    pub refuse_resume: bool,
    /// Keep every connection open, but stop reading and writing.
    pub unresponsive: bool,
}

/// How a REST request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestFault {
    /// This status with an empty body.
    Status(u16),
    /// This status, with Discord's error code.
    Error { status: u16, code: u32 },
    /// 429 for this route, to be retried after this many milliseconds.
    RouteLimit { retry_after_ms: u64 },
    /// 429 for everything.
    GlobalLimit { retry_after_ms: u64 },
    /// The request is carried out, but the response never comes.
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

    /// The fault for a request to `path`; uses it up.
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
    fn a_planned_fault_applies_to_its_path_for_its_count() {
        let mut plan = RestPlan::default();
        plan.add(RestFault::Status(500), "/commands", 2);
        assert_eq!(plan.take("/api/v10/gateway"), None);
        assert_eq!(plan.take("/x/commands"), Some(RestFault::Status(500)));
        assert_eq!(plan.take("/x/commands"), Some(RestFault::Status(500)));
        assert_eq!(plan.take("/x/commands"), None);
    }
}
