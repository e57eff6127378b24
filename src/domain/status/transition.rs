//! The change of a monitor from one status to another. The status rules of endpoints, devices and servers return it, people
//! cause it, and its consequences are here as tables: the event and the outage. `actions/transition` carries them out.

use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::endpoints::check_result::Failure;
use crate::event::EventKind;
use crate::incidents::outage_reason::OutageReason;
use crate::monitor::{MonitorKind, MonitorRef};
use crate::status::Status;
use crate::timestamp::Timestamp;

/// The change of a monitor from one status to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub monitor: MonitorRef,
    pub kind: MonitorKind,
    pub from: Status,
    /// When the previous status began.
    pub since: Timestamp,
    pub to: Status,
    /// When the new status began; for an endpoint that fails, the time of the first failure.
    pub at: Timestamp,
    pub reason: TransitionReason,
}

/// Why a monitor changed its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransitionReason {
    /// A check passed, or a heartbeat or a report arrived.
    Seen,
    /// A report arrived of a server that was not late: only a limit on what it reports may keep it from being online.
    Reported,
    /// A limit on what a server reports was exceeded or met, or was changed. `since`: when the reports began to show it.
    LimitsChanged {
        since: Timestamp,
    },
    CheckFailed(Failure),
    /// Rollcall could not run the check.
    CheckNotRun,
    /// A run of a device's job failed, for this reason.
    RunFailed(String),
    MissedHeartbeat {
        last_seen: Timestamp,
        threshold: Duration,
    },
    /// A server sent no report for longer than one of its thresholds.
    NoReport {
        last_seen: Timestamp,
    },
    /// A server sent no report for longer than its report interval explains, or it is offline and no interval is known. Its
    /// status stays the same, and people are notified.
    Overdue {
        last_seen: Timestamp,
    },
    /// Rollcall had lost connectivity, so the failures before prove nothing.
    ConnectivityLost,
    Paused,
    Resumed,
    /// The target of an endpoint was changed.
    Retargeted,
    Removed,
    /// The bot was removed from the guild.
    GuildLeft,
}

/// What a transition does to the outage of its monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutageChange {
    Nothing,
    /// Opens an outage, and notifies about it if `notify` is set. An outage that is open already stays as it is.
    Open {
        reason: OutageReason,
        notify: bool,
    },
    Close(OutageEnd),
    /// Deletes the outage: the monitor was not offline.
    Retract,
}

/// How an outage ended. Its name is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum OutageEnd {
    Recovered,
    /// The checks were paused, or reports are no longer expected.
    Paused,
    Retargeted,
    /// The limit that was exceeded was changed or removed.
    LimitChanged,
    /// The monitor was removed.
    Removed,
}

impl OutageEnd {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

impl Transition {
    /// When the new status begins in the history: with the outage, or with the failures that are retracted.
    pub fn span_began_at(&self) -> Timestamp {
        match (&self.reason, self.from, self.to) {
            (TransitionReason::ConnectivityLost, Status::Warning | Status::Offline, _) => {
                self.since.min(self.at)
            }
            (TransitionReason::LimitsChanged { since }, _, Status::Offline) => *since,
            (_, _, Status::Offline) => self.outage_started_at(),
            _ => self.at,
        }
    }

    /// When the outage began that this transition opens: with the last sign of a monitor that sends by itself.
    pub fn outage_started_at(&self) -> Timestamp {
        match &self.reason {
            TransitionReason::MissedHeartbeat { last_seen, .. }
            | TransitionReason::NoReport { last_seen, .. }
            | TransitionReason::Overdue { last_seen } => *last_seen,
            _ => self.at,
        }
    }

    /// The length of the outage that this transition ends by a recovery.
    pub fn recovered_after(&self) -> Option<Duration> {
        let was_down = match self.kind {
            MonitorKind::Endpoint | MonitorKind::Device => self.from == Status::Offline,
            MonitorKind::Server => matches!(self.from, Status::Warning | Status::Offline),
        };
        let is_recovery = was_down && self.reason == TransitionReason::Seen;
        is_recovery.then(|| self.at.since(self.since))
    }

    /// What it does to the monitor's outage.
    pub fn outage(&self) -> OutageChange {
        let open = |reason| OutageChange::Open {
            reason,
            notify: true,
        };
        match &self.reason {
            TransitionReason::CheckFailed(failure) if self.to == Status::Offline => {
                open(failure.class.into())
            }
            TransitionReason::CheckFailed(_)
            | TransitionReason::CheckNotRun
            | TransitionReason::LimitsChanged { .. }
            | TransitionReason::Resumed => OutageChange::Nothing,
            TransitionReason::Seen | TransitionReason::Reported => self.outage_when_seen(),
            TransitionReason::RunFailed(_) => open(OutageReason::RunFailed),
            TransitionReason::MissedHeartbeat { .. } => open(OutageReason::MissedHeartbeat),
            // `Overdue` decides when to notify.
            TransitionReason::NoReport { .. } => OutageChange::Open {
                reason: OutageReason::Overdue,
                notify: false,
            },
            TransitionReason::Overdue { .. } => open(OutageReason::Overdue),
            TransitionReason::ConnectivityLost => OutageChange::Retract,
            TransitionReason::Paused | TransitionReason::GuildLeft => {
                OutageChange::Close(OutageEnd::Paused)
            }
            TransitionReason::Retargeted => OutageChange::Close(OutageEnd::Retargeted),
            TransitionReason::Removed => OutageChange::Close(OutageEnd::Removed),
        }
    }

    /// An overdue server has an outage while its status is online. Endpoints and devices have one only while offline.
    fn outage_when_seen(&self) -> OutageChange {
        match (self.kind, self.from) {
            (MonitorKind::Server, _) | (_, Status::Offline) => {
                OutageChange::Close(OutageEnd::Recovered)
            }
            _ => OutageChange::Nothing,
        }
    }

    /// The event that records it; `None` if another event does, such as that of an edit.
    pub fn event(&self) -> Option<EventKind> {
        match self.kind {
            MonitorKind::Endpoint => self.endpoint_event(),
            MonitorKind::Device => self.device_event(),
            MonitorKind::Server => self.server_event(),
        }
    }

    fn endpoint_event(&self) -> Option<EventKind> {
        match (&self.reason, self.from, self.to) {
            (TransitionReason::Seen, Status::Offline, _) => Some(EventKind::EndpointOnline),
            (TransitionReason::Seen, Status::Warning, _) => Some(EventKind::EndpointWarningCleared),
            (TransitionReason::Seen, ..) => Some(EventKind::EndpointUp),
            (TransitionReason::CheckFailed(_), _, Status::Offline) => {
                Some(EventKind::EndpointOffline)
            }
            (TransitionReason::CheckFailed(_), ..) => Some(EventKind::EndpointWarning),
            (TransitionReason::CheckNotRun | TransitionReason::ConnectivityLost, ..) => {
                Some(EventKind::EndpointUnknown)
            }
            (TransitionReason::Paused, ..) => Some(EventKind::EndpointPaused),
            (TransitionReason::Resumed, ..) => Some(EventKind::EndpointResumed),
            (TransitionReason::Removed, ..) => Some(EventKind::EndpointRemoved),
            _ => None,
        }
    }

    fn device_event(&self) -> Option<EventKind> {
        match self.reason {
            TransitionReason::Seen => Some(EventKind::DeviceOnline),
            TransitionReason::RunFailed(_) | TransitionReason::MissedHeartbeat { .. } => {
                Some(EventKind::DeviceOffline)
            }
            TransitionReason::Removed => Some(EventKind::DeviceRemoved),
            _ => None,
        }
    }

    fn server_event(&self) -> Option<EventKind> {
        match (&self.reason, self.to) {
            (TransitionReason::Seen, _) if self.from == Status::Online => None,
            (TransitionReason::Seen, _) => Some(EventKind::ServerOnline),
            (TransitionReason::NoReport { .. }, Status::Warning) => Some(EventKind::ServerWarning),
            (TransitionReason::NoReport { .. }, _) => Some(EventKind::ServerOffline),
            (TransitionReason::Overdue { .. }, _) => Some(EventKind::ServerOverdue),
            (TransitionReason::Removed, _) => Some(EventKind::ServerRemoved),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord_id::GuildId;
    use crate::endpoints::check_result::FailureClass;
    use crate::monitor::MonitorId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn transition(
        kind: MonitorKind,
        from: Status,
        to: Status,
        reason: TransitionReason,
    ) -> Transition {
        Transition {
            monitor: MonitorRef {
                guild: GuildId(1),
                id: MonitorId(7),
            },
            kind,
            from,
            since: at(10),
            to,
            at: at(70),
            reason,
        }
    }

    fn opens(reason: OutageReason, notify: bool) -> OutageChange {
        OutageChange::Open { reason, notify }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn consequences_for_endpoints() {
        use Status::{Offline, Online, Paused, Unknown, Warning};
        use TransitionReason as Reason;
        let failed = || Reason::CheckFailed(Failure::new(FailureClass::Refused));
        let nothing = OutageChange::Nothing;
        let closes = OutageChange::Close;
        for (from, to, reason, event, outage) in [
            (
                Unknown,
                Online,
                Reason::Seen,
                Some(EventKind::EndpointUp),
                nothing,
            ),
            (
                Warning,
                Online,
                Reason::Seen,
                Some(EventKind::EndpointWarningCleared),
                nothing,
            ),
            (
                Offline,
                Online,
                Reason::Seen,
                Some(EventKind::EndpointOnline),
                closes(OutageEnd::Recovered),
            ),
            (
                Online,
                Warning,
                failed(),
                Some(EventKind::EndpointWarning),
                nothing,
            ),
            (
                Warning,
                Offline,
                failed(),
                Some(EventKind::EndpointOffline),
                opens(OutageReason::Refused, true),
            ),
            (
                Online,
                Unknown,
                Reason::CheckNotRun,
                Some(EventKind::EndpointUnknown),
                nothing,
            ),
            (
                Offline,
                Unknown,
                Reason::ConnectivityLost,
                Some(EventKind::EndpointUnknown),
                OutageChange::Retract,
            ),
            (
                Offline,
                Paused,
                Reason::Paused,
                Some(EventKind::EndpointPaused),
                closes(OutageEnd::Paused),
            ),
            (
                Paused,
                Unknown,
                Reason::Resumed,
                Some(EventKind::EndpointResumed),
                nothing,
            ),
            (
                Offline,
                Unknown,
                Reason::Retargeted,
                None,
                closes(OutageEnd::Retargeted),
            ),
            (
                Offline,
                Offline,
                Reason::Removed,
                Some(EventKind::EndpointRemoved),
                closes(OutageEnd::Removed),
            ),
            (
                Offline,
                Unknown,
                Reason::GuildLeft,
                None,
                closes(OutageEnd::Paused),
            ),
        ] {
            let one = transition(MonitorKind::Endpoint, from, to, reason);
            assert_eq!((one.event(), one.outage()), (event, outage), "{one:?}");
            let recovered = (from, &one.reason) == (Offline, &Reason::Seen);
            let length = recovered.then_some(Duration::from_secs(60));
            assert_eq!(one.recovered_after(), length, "{one:?}");
        }
    }

    #[test]
    fn consequences_for_devices() {
        use Status::{Offline, Online, Unknown};
        use TransitionReason as Reason;
        let missed = Reason::MissedHeartbeat {
            last_seen: at(5),
            threshold: Duration::from_secs(60),
        };
        for (from, to, reason, event, outage, started) in [
            (
                Offline,
                Online,
                Reason::Seen,
                EventKind::DeviceOnline,
                OutageChange::Close(OutageEnd::Recovered),
                70,
            ),
            (
                Online,
                Offline,
                missed,
                EventKind::DeviceOffline,
                opens(OutageReason::MissedHeartbeat, true),
                5,
            ),
            (
                Online,
                Offline,
                Reason::RunFailed("x".into()),
                EventKind::DeviceOffline,
                opens(OutageReason::RunFailed, true),
                70,
            ),
            (
                Unknown,
                Online,
                Reason::Seen,
                EventKind::DeviceOnline,
                OutageChange::Nothing,
                70,
            ),
            (
                Online,
                Online,
                Reason::Removed,
                EventKind::DeviceRemoved,
                OutageChange::Close(OutageEnd::Removed),
                70,
            ),
        ] {
            let one = transition(MonitorKind::Device, from, to, reason);
            assert_eq!(
                (one.event(), one.outage()),
                (Some(event), outage),
                "{one:?}"
            );
            assert_eq!(one.outage_started_at(), at(started), "{one:?}");
        }
    }

    #[test]
    fn the_history_begins_with_the_outage() {
        use MonitorKind::{Device, Endpoint, Server};
        use Status::{Offline, Online, Unknown, Warning};
        use TransitionReason as Reason;
        let failed = || Reason::CheckFailed(Failure::new(FailureClass::Refused));
        let late = || Reason::NoReport { last_seen: at(5) };
        let missed = Reason::MissedHeartbeat {
            last_seen: at(5),
            threshold: Duration::from_secs(60),
        };
        for (kind, from, to, reason, second) in [
            (Endpoint, Online, Warning, failed(), 70),
            (Endpoint, Warning, Offline, failed(), 70),
            (Endpoint, Offline, Online, Reason::Seen, 70),
            (Endpoint, Offline, Unknown, Reason::ConnectivityLost, 10),
            (Endpoint, Online, Unknown, Reason::ConnectivityLost, 70),
            (Endpoint, Warning, Unknown, Reason::CheckNotRun, 70),
            (Device, Online, Offline, missed, 5),
            (Device, Online, Offline, Reason::RunFailed("x".into()), 70),
            (Server, Online, Warning, late(), 70),
            (Server, Warning, Offline, late(), 5),
            (
                Server,
                Online,
                Offline,
                Reason::LimitsChanged { since: at(40) },
                40,
            ),
            (
                Server,
                Offline,
                Online,
                Reason::LimitsChanged { since: at(40) },
                70,
            ),
            (
                Server,
                Online,
                Warning,
                Reason::LimitsChanged { since: at(40) },
                70,
            ),
        ] {
            let one = transition(kind, from, to, reason);
            assert_eq!(one.span_began_at(), at(second), "{one:?}");
        }
    }

    #[test]
    fn a_server_recovers_from_warning_and_offline_only() {
        use Status::{Offline, Online, Paused, Unknown, Warning};
        for (from, recovers) in [
            (Unknown, false),
            (Online, false),
            (Warning, true),
            (Offline, true),
            (Paused, false),
        ] {
            let seen = TransitionReason::Seen;
            let one = transition(MonitorKind::Server, from, Online, seen);
            assert_eq!(one.recovered_after().is_some(), recovers, "{from:?}");
        }
    }

    #[test]
    fn consequences_for_servers() {
        use Status::{Offline, Online, Paused, Unknown, Warning};
        use TransitionReason as Reason;
        let late = || Reason::NoReport { last_seen: at(5) };
        let overdue = Reason::Overdue { last_seen: at(5) };
        let recovers = OutageChange::Close(OutageEnd::Recovered);
        let pauses = OutageChange::Close(OutageEnd::Paused);
        for (from, to, reason, event, outage) in [
            (
                Unknown,
                Online,
                Reason::Seen,
                Some(EventKind::ServerOnline),
                recovers,
            ),
            (Online, Online, Reason::Seen, None, recovers),
            (
                Online,
                Warning,
                late(),
                Some(EventKind::ServerWarning),
                opens(OutageReason::Overdue, false),
            ),
            (
                Warning,
                Offline,
                late(),
                Some(EventKind::ServerOffline),
                opens(OutageReason::Overdue, false),
            ),
            (
                Online,
                Online,
                overdue,
                Some(EventKind::ServerOverdue),
                opens(OutageReason::Overdue, true),
            ),
            (Offline, Paused, Reason::Paused, None, pauses),
            (Paused, Online, Reason::Resumed, None, OutageChange::Nothing),
            (Warning, Warning, Reason::Reported, None, recovers),
            (
                Online,
                Warning,
                Reason::LimitsChanged { since: at(60) },
                None,
                OutageChange::Nothing,
            ),
            (
                Online,
                Online,
                Reason::Removed,
                Some(EventKind::ServerRemoved),
                OutageChange::Close(OutageEnd::Removed),
            ),
        ] {
            let one = transition(MonitorKind::Server, from, to, reason);
            assert_eq!((one.event(), one.outage()), (event, outage), "{one:?}");
            assert_eq!(one.recovered_after(), None, "{one:?}");
        }
    }
}
