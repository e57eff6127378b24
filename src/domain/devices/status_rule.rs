//! The status rule for devices: any heartbeat brings a device online, a failed run or a missed heartbeat takes it offline.
//! Pure, and the only code that implements it.

use std::time::Duration;

use super::ping::Ping;
use crate::history::observation_windows::Absence;
use crate::monitor::{MonitorKind, MonitorRef};
use crate::patch::Patch;
use crate::status::Status;
use crate::status::transition::{Transition, TransitionReason};
use crate::timestamp::Timestamp;

/// A device's state between two heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceStanding {
    pub status: Status,
    /// When the status began.
    pub since: Timestamp,
    /// Whether its last run failed.
    pub has_failed: bool,
}

/// What follows from a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatDecision {
    pub state: DeviceStanding,
    /// Why the last run failed; `Clear` if a run has succeeded since.
    pub failure: Patch<String>,
    pub transition: Option<Transition>,
}

/// Applies the rule to a heartbeat that arrived `now`; `ping` reports the progress of a run.
///
/// After a failed run, pings that start a run or log a message leave the device offline: they do not show that the job
/// succeeds again.
pub fn on_heartbeat(
    monitor: MonitorRef,
    state: DeviceStanding,
    ping: Option<&Ping>,
    now: Timestamp,
) -> HeartbeatDecision {
    let failure = ping.and_then(Ping::failure);
    let is_progress_only = state.has_failed && ping.is_some_and(|ping| !ping.signal.ends_run());
    let (after, failure, reason) = match failure {
        Some(failure) => (
            Status::Offline,
            Patch::Set(failure.clone()),
            TransitionReason::RunFailed(failure),
        ),
        None if is_progress_only => (state.status, Patch::Keep, TransitionReason::Seen),
        None if state.has_failed => (Status::Online, Patch::Clear, TransitionReason::Seen),
        None => (Status::Online, Patch::Keep, TransitionReason::Seen),
    };
    let has_failed = match failure {
        Patch::Keep => state.has_failed,
        Patch::Clear => false,
        Patch::Set(_) => true,
    };
    let transition = (after != state.status).then_some(Transition {
        monitor,
        kind: MonitorKind::Device,
        from: state.status,
        since: state.since,
        to: after,
        at: now,
        reason,
    });
    let since = if transition.is_some() {
        now
    } else {
        state.since
    };
    HeartbeatDecision {
        state: DeviceStanding {
            status: after,
            since,
            has_failed,
        },
        failure,
        transition,
    }
}

/// A device that has sent no heartbeat since `last_seen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissedHeartbeats {
    pub last_seen: Timestamp,
    pub threshold: Duration,
    pub absence: Absence,
}

/// Applies the rule to an online device without a recent heartbeat; `None` if it is not overdue yet.
pub fn on_absence(
    monitor: MonitorRef,
    state: DeviceStanding,
    missed: MissedHeartbeats,
    now: Timestamp,
) -> Option<Transition> {
    missed
        .absence
        .exceeds(missed.threshold)
        .then_some(Transition {
            monitor,
            kind: MonitorKind::Device,
            from: state.status,
            since: state.since,
            to: Status::Offline,
            at: now,
            reason: TransitionReason::MissedHeartbeat {
                last_seen: missed.last_seen,
                threshold: missed.threshold,
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::ping::Signal;
    use crate::discord_id::GuildId;
    use crate::monitor::MonitorId;

    const MONITOR: MonitorRef = MonitorRef {
        guild: GuildId(1),
        id: MonitorId(7),
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn ping(signal: Signal) -> Ping {
        Ping {
            signal,
            run: String::new(),
            message: "disk full".into(),
            last_line: None,
            run_time: None,
        }
    }

    #[test]
    fn heartbeats_bring_a_device_online_and_failed_runs_take_it_offline() {
        use Signal::{Fail, Log, Start, Success};
        use Status::{Offline, Online, Unknown};
        let failed = || Patch::Set("disk full".to_owned());
        for (status, has_failed, signal, after, failure, changes) in [
            (Online, false, None, Online, Patch::Keep, false),
            (Unknown, false, None, Online, Patch::Keep, true),
            (Unknown, false, Some(Start), Online, Patch::Keep, true),
            (Unknown, false, Some(Fail(None)), Offline, failed(), true),
            (Offline, false, None, Online, Patch::Keep, true),
            (Offline, true, None, Online, Patch::Clear, true),
            (Online, false, Some(Start), Online, Patch::Keep, false),
            (Offline, false, Some(Start), Online, Patch::Keep, true),
            (Offline, true, Some(Start), Offline, Patch::Keep, false),
            (Offline, true, Some(Log), Offline, Patch::Keep, false),
            (Offline, true, Some(Success), Online, Patch::Clear, true),
            (Online, false, Some(Fail(None)), Offline, failed(), true),
            (Offline, false, Some(Fail(None)), Offline, failed(), false),
            (Offline, true, Some(Fail(None)), Offline, failed(), false),
        ] {
            let state = DeviceStanding {
                status,
                since: at(10),
                has_failed,
            };
            let case = format!("{state:?} {signal:?}");
            let decision = on_heartbeat(MONITOR, state, signal.map(ping).as_ref(), at(70));
            let since = if changes { 70 } else { 10 };
            let has_failed = match failure {
                Patch::Keep => has_failed,
                Patch::Clear => false,
                Patch::Set(_) => true,
            };
            let expected = DeviceStanding {
                status: after,
                since: at(since),
                has_failed,
            };
            assert_eq!(
                (decision.state, decision.failure),
                (expected, failure),
                "{case}"
            );
            assert_eq!(decision.transition.is_some(), changes, "{case}");
        }
    }

    #[test]
    fn a_device_is_offline_once_its_absence_exceeds_its_threshold() {
        let state = DeviceStanding {
            status: Status::Online,
            since: at(0),
            has_failed: false,
        };
        for (observed, is_offline) in [(299, false), (300, false), (301, true)] {
            let missed = MissedHeartbeats {
                last_seen: at(10),
                threshold: Duration::from_secs(300),
                absence: Absence {
                    observed: Duration::from_secs(observed),
                    present: Duration::from_secs(9_999),
                },
            };
            let found = on_absence(MONITOR, state, missed, at(400));
            assert_eq!(found.is_some(), is_offline, "{observed}");
        }
    }
}
