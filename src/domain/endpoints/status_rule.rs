//! The status rule for endpoints: state + check result + policy → decision. Pure, and the only code that implements it.
//!
//! A passing check makes an endpoint `online`. The first failure makes it `warning`, and the n-th failure in a row makes it
//! `offline`; both are dated at the first failure. While the endpoint is offline, the gap between checks doubles from its
//! interval up to the recheck interval; from then on the recheck job checks it. A check that could not run says nothing
//! about the endpoint and never counts as a failure.
//!
//! People can request checks at any time. A failure counts only if it is not earlier than the schedule would have seen it:
//! n failures that count take at least n - 1 retry intervals. So pressing a button during a short hiccup makes an endpoint
//! `warning`, never `offline`, and does not lengthen the gaps of an endpoint that is offline.

use std::time::Duration;

use super::check_result::{CheckResult, Failure, Verdict};
use crate::Timestamp;
use crate::monitor::{MonitorKind, MonitorRef};
use crate::status::Status;
use crate::status::transition::{Transition, TransitionReason};

/// An endpoint's state between two checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub status: Status,
    /// When the status began; for `warning` and `offline`, the time of the first failure.
    pub since: Timestamp,
    /// Failures since the last passing check.
    pub consecutive_failures: u32,
    /// The latest failure; `None` while checks pass.
    pub failure: Option<Failure>,
}

impl State {
    /// The state of a new endpoint.
    pub fn new(now: Timestamp) -> Self {
        Self {
            status: Status::Unknown,
            since: now,
            consecutive_failures: 0,
            failure: None,
        }
    }

    /// Whether the endpoint is active: any status but `offline`.
    pub fn is_active(&self) -> bool {
        self.status != Status::Offline
    }
}

/// The intervals and the failure count that the rule uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The endpoint's own check interval.
    pub interval: Duration,
    /// The gap after a failure that has not made the endpoint offline yet.
    pub retry_interval: Duration,
    /// The longest gap; from this gap on, the recheck job checks the endpoint.
    pub recheck_interval: Duration,
    /// Consecutive failures that make an endpoint offline; at least 1.
    pub failures_to_offline: u32,
}

impl Policy {
    /// The gap after a failure that has not made the endpoint offline yet.
    fn spacing(&self) -> Duration {
        self.retry_interval.min(self.interval)
    }
}

/// The time of the next check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCheck {
    /// At the endpoint's own slot in its interval.
    Slot,
    /// This long after the check that was just evaluated.
    After(Duration),
    /// Not by the scheduler: the recheck job checks the endpoint.
    Recheck,
}

/// The rule's decision: the new state, the transition if the status changed, and the next check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub state: State,
    pub transition: Option<Transition>,
    pub next: NextCheck,
}

/// Whether a check result changes nothing but the time of the check: an online endpoint passes again. Most results do.
pub fn is_steady(status: Status, verdict: &Verdict) -> bool {
    status == Status::Online && *verdict == Verdict::Up
}

/// Applies the rule to one check result. All dates come from the result's own timestamp.
pub fn decide(
    monitor: MonitorRef,
    state: &State,
    result: &CheckResult,
    policy: &Policy,
) -> Decision {
    if state.status == Status::Paused {
        return Decision {
            state: state.clone(),
            transition: None,
            next: NextCheck::Recheck,
        };
    }
    let (after, next, reason) = match &result.verdict {
        Verdict::Up => passed(state, result.at),
        Verdict::Down(failure) => failed(state, failure, result.at, policy),
        Verdict::Unknown(_) => not_checked(state, result.at, policy),
    };
    let transition = (after.status != state.status).then_some(Transition {
        monitor,
        kind: MonitorKind::Endpoint,
        from: state.status,
        since: state.since,
        to: after.status,
        at: after.since,
        reason,
    });
    Decision {
        state: after,
        transition,
        next,
    }
}

fn passed(state: &State, at: Timestamp) -> (State, NextCheck, TransitionReason) {
    let since = match state.status {
        Status::Online => state.since,
        _ => at,
    };
    let state = State {
        status: Status::Online,
        since,
        consecutive_failures: 0,
        failure: None,
    };
    (state, NextCheck::Slot, TransitionReason::Seen)
}

fn failed(
    state: &State,
    failure: &Failure,
    at: Timestamp,
    policy: &Policy,
) -> (State, NextCheck, TransitionReason) {
    let was_failing = matches!(state.status, Status::Warning | Status::Offline);
    let too_early = if was_failing {
        too_early(state, at, policy)
    } else {
        Duration::ZERO
    };
    let counts = u32::from(too_early.is_zero());
    let consecutive_failures = state.consecutive_failures.saturating_add(counts);
    let status =
        if state.status == Status::Offline || consecutive_failures >= policy.failures_to_offline {
            Status::Offline
        } else {
            Status::Warning
        };
    let next = match status {
        Status::Offline => next_while_inactive(consecutive_failures, policy),
        _ => NextCheck::After(policy.spacing()),
    };
    let next = match next {
        NextCheck::After(gap) if !too_early.is_zero() => NextCheck::After(gap.min(too_early)),
        next => next,
    };
    let state = State {
        status,
        // Dated at the first failure, not at the one that reached the limit.
        since: if was_failing { state.since } else { at },
        consecutive_failures,
        failure: Some(failure.clone()),
    };
    let reason = TransitionReason::CheckFailed(failure.clone());
    (state, next, reason)
}

fn not_checked(
    state: &State,
    at: Timestamp,
    policy: &Policy,
) -> (State, NextCheck, TransitionReason) {
    let next = match state.status {
        Status::Offline => next_while_inactive(state.consecutive_failures, policy),
        _ => NextCheck::After(policy.spacing()),
    };
    // Only `online` would be wrong now; a failure that a check has shown stays valid.
    let state = match state.status {
        Status::Online => State::new(at),
        _ => state.clone(),
    };
    (state, next, TransitionReason::CheckNotRun)
}

/// How much too early a failure is to count: the time until the schedule would have checked after the failures that count so
/// far, as if every check had been on time. Zero if it counts.
fn too_early(state: &State, at: Timestamp, policy: &Policy) -> Duration {
    if at < state.since {
        // The clock was set back, so the times cannot be compared.
        return Duration::ZERO;
    }
    let needed = policy.failures_to_offline.max(1);
    let retries = state.consecutive_failures.min(needed - 1);
    let doublings = state.consecutive_failures.saturating_sub(needed - 1);
    // The gaps after an endpoint became offline: 1 + 2 + 4 + … intervals.
    let gaps = (1_u32 << doublings.min(31)) - 1;
    let retries = policy.spacing().saturating_mul(retries);
    let due = retries.saturating_add(policy.interval.saturating_mul(gaps));
    due.saturating_sub(at.since(state.since))
}

/// Doubles the gap with every failure after the one that made the endpoint offline.
fn next_while_inactive(consecutive_failures: u32, policy: &Policy) -> NextCheck {
    let doublings = consecutive_failures
        .saturating_sub(policy.failures_to_offline)
        .min(31);
    let gap = policy.interval.saturating_mul(1 << doublings);
    if gap >= policy.recheck_interval {
        NextCheck::Recheck
    } else {
        NextCheck::After(gap)
    }
}

#[cfg(test)]
#[path = "status_rule_tests.rs"]
mod tests;
