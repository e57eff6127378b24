//! A span of a monitor's history: from one change of its status to the next. A row is stored when a status begins, and ends
//! where the next one begins.

use crate::status::Status;
use crate::timestamp::Timestamp;

/// What a monitor was during a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanStatus {
    Was(Status),
    /// It was removed. Nothing follows.
    Removed,
}

impl SpanStatus {
    const REMOVED: u8 = 5;

    /// The number in storage, 0 to 5.
    pub const fn code(self) -> u8 {
        match self {
            Self::Was(Status::Unknown) => 0,
            Self::Was(Status::Online) => 1,
            Self::Was(Status::Warning) => 2,
            Self::Was(Status::Offline) => 3,
            Self::Was(Status::Paused) => 4,
            Self::Removed => Self::REMOVED,
        }
    }

    /// `None` for a number that stands for nothing.
    pub fn from_code(code: u8) -> Option<Self> {
        let statuses = Status::ALL.iter().map(|status| Self::Was(*status));
        let mut all = statuses.chain([Self::Removed]);
        all.find(|one| one.code() == code)
    }

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Was(status) => status.as_str(),
            Self::Removed => "removed",
        }
    }
}

/// The beginning of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusSpan {
    pub began_at: Timestamp,
    pub status: SpanStatus,
}

/// When a span begins that starts before others of its monitor: an outage that is noticed late, or failures that are retracted. It
/// replaces what seemed to be online, in warning or offline. What a person or Rollcall itself caused stays: the span begins after
/// the last pause or unknown time, or with `noticed_at` if that goes on.
pub fn back_dated(began_at: Timestamp, noticed_at: Timestamp, later: &[StatusSpan]) -> Timestamp {
    let stays = |span: &StatusSpan| {
        matches!(
            span.status,
            SpanStatus::Was(Status::Unknown | Status::Paused) | SpanStatus::Removed
        )
    };
    match later.iter().rposition(stays) {
        None => began_at,
        Some(last) => later.get(last + 1).map_or(noticed_at, |next| next.began_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_dated_span_replaces_no_pause() {
        use Status::{Offline, Online, Paused, Unknown, Warning};
        let at = Timestamp::from_millis;
        for (later, begins) in [
            (&[][..], 50),
            (&[(60, Warning)], 50),
            (&[(60, Online), (70, Warning), (80, Offline)], 50),
            (&[(60, Paused), (70, Online)], 70),
            (&[(60, Unknown), (70, Online), (80, Warning)], 70),
            (&[(60, Paused), (70, Unknown)], 99),
        ] {
            let later: Vec<StatusSpan> = later
                .iter()
                .map(|(began, status)| StatusSpan {
                    began_at: at(*began),
                    status: SpanStatus::Was(*status),
                })
                .collect();
            assert_eq!(back_dated(at(50), at(99), &later), at(begins), "{later:?}");
        }
    }

    #[test]
    fn each_status_has_a_number_of_its_own() {
        for code in 0..=u8::MAX {
            let status = SpanStatus::from_code(code);
            assert_eq!(status.is_some(), code <= SpanStatus::REMOVED, "{code}");
            assert!(status.is_none_or(|status| status.code() == code), "{code}");
        }
        assert_eq!(
            SpanStatus::from_code(3),
            Some(SpanStatus::Was(Status::Offline))
        );
        assert_eq!(SpanStatus::Removed.as_str(), "removed");
    }
}
