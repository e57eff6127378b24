//! The status rule of an endpoint: state + outcome + policy → decision. Pure, and the only place where it is written.
//!
//! A pass makes an endpoint online. A failure makes it `warning`, dated at that first failure; the n-th failure in a row
//! makes it `offline`, still dated at the first. While it is offline the gap between looks doubles from its interval up
//! to the recheck interval; from then on the recheck job has it. A look that could not be taken says nothing about the
//! endpoint: it is never counted as a failure.

use std::time::Duration;

use strum::VariantArray;

use super::check_result::{CheckResult, Failure, Verdict};
use super::timestamp::Timestamp;

/// Where a monitor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum Status {
    /// Not looked at yet, or we could not look.
    Unknown,
    Online,
    /// Failing, but not for long enough to say that it is down.
    Warning,
    Offline,
    /// A person asked us not to look.
    Paused,
}

impl Status {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The word in storage, JSON and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Online => "online",
            Self::Warning => "warning",
            Self::Offline => "offline",
            Self::Paused => "paused",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.word() == word)
    }
}

/// What is known of an endpoint between two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub status: Status,
    /// When the status began. Of `warning` and `offline`: the first failure.
    pub since: Timestamp,
    /// Failures in a row.
    pub consecutive_failures: u32,
    /// The latest failure; `None` while it passes.
    pub failure: Option<Failure>,
}

impl State {
    /// An endpoint that has just been added.
    pub fn new(now: Timestamp) -> Self {
        Self {
            status: Status::Unknown,
            since: now,
            consecutive_failures: 0,
            failure: None,
        }
    }

    /// Active while it answers: everything but `offline`.
    pub fn is_active(&self) -> bool {
        self.status != Status::Offline
    }
}

/// The lengths and counts that the rule works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The endpoint's own interval between looks.
    pub interval: Duration,
    /// The gap after a failure that has not made it offline yet.
    pub retry_interval: Duration,
    /// The longest gap; from here on the recheck job looks.
    pub recheck_interval: Duration,
    /// Failures in a row that make an endpoint offline; at least 1.
    pub failures_to_offline: u32,
}

/// A change of status, as it goes into the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The first pass ever, or the first after we could not look.
    Found,
    Warned,
    /// A warning that passed again before it became an outage.
    Recovered,
    WentOffline,
    /// It was offline and answers again; the length of the outage.
    CameBack {
        down_for: Duration,
    },
    /// It was online, and we can no longer look.
    BecameUnknown,
}

/// When the endpoint is looked at next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCheck {
    /// At its own slot of its interval.
    Slot,
    /// This long after the look that was just judged.
    After(Duration),
    /// Not by the scheduler: the recheck job has it.
    Recheck,
}

/// What the rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub state: State,
    pub change: Option<Change>,
    pub next: NextCheck,
}

/// Judges one outcome. The outcome's own instant dates what follows from it.
pub fn decide(state: &State, result: &CheckResult, policy: &Policy) -> Decision {
    if state.status == Status::Paused {
        return Decision {
            state: state.clone(),
            change: None,
            next: NextCheck::Recheck,
        };
    }
    match &result.verdict {
        Verdict::Up => passed(state, result.at),
        Verdict::Down(failure) => failed(state, failure, result.at, policy),
        Verdict::Unknown(_) => not_checked(state, result.at, policy),
    }
}

fn passed(state: &State, at: Timestamp) -> Decision {
    let change = match state.status {
        Status::Online | Status::Paused => None,
        Status::Unknown => Some(Change::Found),
        Status::Warning => Some(Change::Recovered),
        Status::Offline => Some(Change::CameBack {
            down_for: at.since(state.since),
        }),
    };
    let since = if change.is_some() { at } else { state.since };
    Decision {
        state: State {
            status: Status::Online,
            since,
            consecutive_failures: 0,
            failure: None,
        },
        change,
        next: NextCheck::Slot,
    }
}

fn failed(state: &State, failure: &Failure, at: Timestamp, policy: &Policy) -> Decision {
    let consecutive_failures = state.consecutive_failures.saturating_add(1);
    let was_failing = matches!(state.status, Status::Warning | Status::Offline);
    let status =
        if state.status == Status::Offline || consecutive_failures >= policy.failures_to_offline {
            Status::Offline
        } else {
            Status::Warning
        };
    let change = match (state.status, status) {
        (before, after) if before == after => None,
        (_, Status::Offline) => Some(Change::WentOffline),
        _ => Some(Change::Warned),
    };
    let next = match status {
        Status::Offline => next_while_inactive(consecutive_failures, policy),
        _ => NextCheck::After(policy.retry_interval.min(policy.interval)),
    };
    let since = if was_failing { state.since } else { at };
    Decision {
        state: State {
            status,
            since,
            consecutive_failures,
            failure: Some(failure.clone()),
        },
        change,
        next,
    }
}

fn not_checked(state: &State, at: Timestamp, policy: &Policy) -> Decision {
    let next = match state.status {
        Status::Offline => next_while_inactive(state.consecutive_failures, policy),
        _ => NextCheck::After(policy.retry_interval.min(policy.interval)),
    };
    // Only "online" would be a lie now; a failure that was seen stays seen.
    if state.status == Status::Online {
        let state = State {
            status: Status::Unknown,
            since: at,
            consecutive_failures: 0,
            failure: None,
        };
        return Decision {
            state,
            change: Some(Change::BecameUnknown),
            next,
        };
    }
    Decision {
        state: state.clone(),
        change: None,
        next,
    }
}

/// The gap doubles with every failure past the one that made it offline.
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
#[path = "status_tests.rs"]
mod tests;
