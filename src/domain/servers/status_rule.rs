//! The status rule for servers: a report brings a server online, its thresholds take it to warning and offline, and its own
//! report interval decides when people are notified. While a limit on what it reports is exceeded, it is at best in warning, or
//! offline. Pure, and the only code that implements it.

use std::time::Duration;

use super::metric_limit::Severity;
use super::report_interval;
use super::threshold::{self, Reports, Thresholds};
use crate::history::observation_windows::ObservationWindows;
use crate::monitor::{MonitorKind, MonitorRef};
use crate::status::Status;
use crate::status::transition::{Transition, TransitionReason};
use crate::timestamp::Timestamp;

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
    /// The worst of its limits that are exceeded.
    pub exceeded: Option<Severity>,
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

    /// The status that its reports alone give it. Where they and a limit give the same one, the limit counts.
    fn by_reports(self) -> Status {
        match self.exceeded {
            Some(exceeded) if exceeded.status() == self.status => Status::Online,
            _ => self.status,
        }
    }

    fn reports(self) -> Reports {
        Reports {
            last_seen: self.last_seen,
            is_active: self.is_active,
        }
    }
}

/// Applies the rule to a report, before its numbers are compared with the limits. An online server may have an outage because
/// it was overdue, so a report always has a transition, unless no reports are expected.
pub fn on_report(state: ServerState, now: Timestamp) -> Option<Transition> {
    let reason = match (state.by_reports(), state.status) {
        (Status::Online, Status::Warning | Status::Offline) => TransitionReason::Reported,
        _ => TransitionReason::Seen,
    };
    let status = with_limits(Status::Online, state.exceeded);
    state.is_active.then(|| state.to(status, now, reason))
}

/// Applies the rule after a limit was exceeded or met, or removed; `exceeded` is the worst of those that are exceeded now, `since`
/// the first report that showed it. `None` if the status stays the same.
pub fn on_limits(
    state: ServerState,
    exceeded: Option<Severity>,
    since: Timestamp,
    now: Timestamp,
) -> Option<Transition> {
    let status = with_limits(state.by_reports(), exceeded);
    (status != state.status)
        .then(|| state.to(status, now, TransitionReason::LimitsChanged { since }))
}

/// The status of a server whose reports give it `status`.
pub fn with_limits(status: Status, exceeded: Option<Severity>) -> Status {
    match (status, exceeded) {
        (Status::Online, Some(exceeded)) => exceeded.status(),
        (Status::Warning, Some(Severity::Outage)) => Status::Offline,
        _ => status,
    }
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
        (state.by_reports(), status),
        (Status::Online, Status::Warning | Status::Offline) | (Status::Warning, Status::Offline)
    );
    let status = with_limits(status, state.exceeded);
    if !is_worse || !observed.is_grace_over || status == state.status {
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
        None if state.exceeded == Some(Severity::Outage) => {
            // Its status says nothing about its reports.
            let observed = observed(last_seen, expected.thresholds.online(), windows, now);
            let judged = threshold::judge(state.reports(), &expected.thresholds, observed.until);
            observed.is_grace_over && judged.status == Status::Offline
        }
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
