//! The status rule for servers: a report brings a server online, its thresholds take it to warning and offline, and its own
//! report interval decides when people are notified. Pure, and the only code that implements it.

use std::time::Duration;

use super::report_interval;
use super::threshold::{self, Reports, Thresholds};
use crate::monitor::{MonitorKind, MonitorRef};
use crate::observation_windows::ObservationWindows;
use crate::status::Status;
use crate::timestamp::Timestamp;
use crate::transition::{Transition, TransitionReason};

/// A server's state between two reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerState {
    pub monitor: MonitorRef,
    /// `Unknown` until the first report: the server is not set up yet.
    pub status: Status,
    /// When the status began.
    pub since: Timestamp,
    pub is_active: bool,
    pub last_seen: Option<Timestamp>,
}

/// The thresholds of a server, and the interval at which it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectations {
    pub thresholds: Thresholds,
    /// The interval learned from its reports; `None` if there are too few.
    pub interval: Option<Duration>,
}

impl ServerState {
    fn to(self, status: Status, now: Timestamp, reason: TransitionReason) -> Transition {
        Transition {
            monitor: self.monitor,
            kind: MonitorKind::Server,
            from: self.status,
            since: self.since,
            to: status,
            at: now,
            reason,
        }
    }

    fn reports(self) -> Reports {
        Reports {
            last_seen: self.last_seen,
            is_active: self.is_active,
        }
    }
}

/// Applies the rule to a report. An online server may have an outage because it was overdue, so a report always has a
/// transition, unless no reports are expected.
pub fn on_report(state: ServerState, now: Timestamp) -> Option<Transition> {
    state
        .is_active
        .then(|| state.to(Status::Online, now, TransitionReason::Seen))
}

/// Applies the thresholds to a server that has not reported since `last_seen`; `None` if its status stays the same.
/// When people are notified is up to `on_interval`.
pub fn on_thresholds(
    state: ServerState,
    expected: &Expectations,
    windows: &ObservationWindows,
    now: Timestamp,
) -> Option<Transition> {
    let last_seen = state.last_seen.filter(|_| state.is_active)?;
    let thresholds = &expected.thresholds;
    // Only observed time counts.
    let observed = observed(last_seen, thresholds.online(), windows, now);
    let status = threshold::judge(state.reports(), thresholds, observed.until).status;
    let is_worse = matches!(
        (state.status, status),
        (Status::Online, Status::Warning | Status::Offline) | (Status::Warning, Status::Offline)
    );
    if !is_worse || !observed.is_grace_over {
        return None;
    }
    Some(state.to(status, now, TransitionReason::NoReport { last_seen }))
}

/// Applies the server's own report interval; `None` if it is not overdue. Without a known interval, because it has sent too
/// few reports or none for a day, it is overdue once its thresholds have made it offline.
pub fn on_interval(
    state: ServerState,
    expected: &Expectations,
    windows: &ObservationWindows,
    now: Timestamp,
) -> Option<Transition> {
    let last_seen = state.last_seen.filter(|_| state.is_active)?;
    let is_overdue = match expected.interval {
        None => state.status == Status::Offline,
        Some(interval) => {
            let observed = observed(last_seen, interval, windows, now);
            observed.is_grace_over
                && report_interval::should_alert(state.reports(), interval, observed.until)
        }
    };
    is_overdue.then(|| state.to(state.status, now, TransitionReason::Overdue { last_seen }))
}

/// Applies the rule when a person pauses or resumes a server. A resumed server counts as online if it has ever reported,
/// until it is found overdue.
pub fn on_switch(state: ServerState, is_active: bool, now: Timestamp) -> Transition {
    match (is_active, state.last_seen) {
        (false, _) => state.to(Status::Paused, now, TransitionReason::Paused),
        (true, Some(_)) => state.to(Status::Online, now, TransitionReason::Resumed),
        (true, None) => state.to(Status::Unknown, now, TransitionReason::Resumed),
    }
}

struct Observed {
    /// The last report plus the time observed since.
    until: Timestamp,
    /// Whether Rollcall has observed for long enough to judge.
    is_grace_over: bool,
}

fn observed(
    last_seen: Timestamp,
    grace: Duration,
    windows: &ObservationWindows,
    now: Timestamp,
) -> Observed {
    let absence = windows.absence(last_seen, now);
    Observed {
        until: last_seen.plus(absence.observed),
        is_grace_over: absence.is_judged(grace),
    }
}

#[cfg(test)]
#[path = "status_rule_tests.rs"]
mod tests;
