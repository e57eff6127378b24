//! The reasons of outages: a failed check, a missed heartbeat, a failed run, an overdue report, or a number beyond a limit.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::endpoints::check_result::FailureClass;
use crate::servers::metric_limit::Severity;

/// The reason of an outage. Its name is stored, and sent to webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum OutageReason {
    Refused,
    TimedOut,
    Unreachable,
    NameFailed,
    TlsFailed,
    UnexpectedStatus,
    KeywordMissing,
    NotAllowed,
    ProtocolError,
    /// A device sent no heartbeat for longer than its threshold.
    MissedHeartbeat,
    /// A run of a device's job failed.
    RunFailed,
    /// A server sent no report for over twice its report interval, or longer than its threshold.
    Overdue,
    /// A number that a server reports is beyond a limit; a warning.
    LimitWarning,
    /// The same, and the server counts as offline.
    LimitOutage,
}

impl OutageReason {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage and in webhooks.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether a number that a server reports is beyond a limit.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::LimitWarning | Self::LimitOutage)
    }

    /// The failure class of the check; `None` if the reason is not a failed check.
    pub fn failure_class(self) -> Option<FailureClass> {
        self.as_str().parse().ok()
    }
}

impl From<Severity> for OutageReason {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Warning => Self::LimitWarning,
            Severity::Outage => Self::LimitOutage,
        }
    }
}

impl From<FailureClass> for OutageReason {
    fn from(class: FailureClass) -> Self {
        match class {
            FailureClass::Refused => Self::Refused,
            FailureClass::TimedOut => Self::TimedOut,
            FailureClass::Unreachable => Self::Unreachable,
            FailureClass::NameFailed => Self::NameFailed,
            FailureClass::TlsFailed => Self::TlsFailed,
            FailureClass::UnexpectedStatus => Self::UnexpectedStatus,
            FailureClass::KeywordMissing => Self::KeywordMissing,
            FailureClass::NotAllowed => Self::NotAllowed,
            FailureClass::ProtocolError => Self::ProtocolError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_round_trip_and_include_every_failure_class() {
        for reason in OutageReason::ALL.iter().copied() {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        for class in FailureClass::ALL.iter().copied() {
            let reason = OutageReason::from(class);
            assert_eq!(reason.as_str(), class.as_str());
            assert_eq!(reason.failure_class(), Some(class));
        }
        let checks = OutageReason::ALL.iter();
        let checks = checks.filter(|reason| reason.failure_class().is_some());
        assert_eq!(checks.count(), FailureClass::ALL.len());
    }

    #[test]
    fn stored_names_stay() {
        let names: Vec<&str> = OutageReason::ALL
            .iter()
            .map(|reason| reason.as_str())
            .collect();
        let stored = "refused timed_out unreachable name_failed tls_failed unexpected_status keyword_missing not_allowed \
                      protocol_error missed_heartbeat run_failed overdue limit_warning limit_outage";
        assert_eq!(names.join(" "), stored);
    }
}
