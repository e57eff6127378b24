//! The result of one check: up with phase timings, down with a reason class, or unknown because Rollcall could not check.
//!
//! A result only records what one check showed; `status.rs` decides what it means for the monitor's status.

use std::fmt;
use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::certificate_expiry::Certificate;
use crate::timestamp::Timestamp;

/// The result of one check of a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// When the check began.
    pub at: Timestamp,
    pub verdict: Verdict,
    pub timings: Timings,
    /// The certificate that expires first of those on the way, with redirects; only for TLS checks that received one.
    pub certificate: Option<Certificate>,
}

impl CheckResult {
    pub fn is_up(&self) -> bool {
        matches!(self.verdict, Verdict::Up)
    }
}

/// Whether the check passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Up,
    Down(Failure),
    /// Rollcall could not check: never counts as down.
    Unknown(NotChecked),
}

/// Why Rollcall could not check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotChecked {
    /// The name was not resolved, and Rollcall's own resolver may be the cause.
    Resolver,
    /// Rollcall cannot resolve names, so the address of the endpoint may have been a wrong one.
    NameResolution,
    Connectivity,
    /// Something else on this machine, in words (no file descriptors, no local route).
    Machine(&'static str),
}

impl fmt::Display for NotChecked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Resolver => "the resolver gave no usable answer",
            Self::NameResolution => "Rollcall cannot resolve names",
            Self::Connectivity => "Rollcall has lost network connectivity",
            Self::Machine(why) => why,
        })
    }
}

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub class: FailureClass,
    /// One more fact in Rollcall's own words ("503", "expired on 2026-01-31"); never text from the remote side.
    pub detail: Option<Box<str>>,
}

impl Failure {
    pub fn new(class: FailureClass) -> Self {
        Self {
            class,
            detail: None,
        }
    }

    pub fn with(class: FailureClass, detail: impl Into<Box<str>>) -> Self {
        Self {
            class,
            detail: Some(detail.into()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.class.text())?;
        match &self.detail {
            Some(detail) => write!(out, " ({detail})"),
            None => Ok(()),
        }
    }
}

/// The classes of failure, each with a short text for people and a code for storage.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    VariantArray,
    IntoStaticStr,
    EnumString,
)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum FailureClass {
    Refused,
    TimedOut,
    Unreachable,
    NameFailed,
    TlsFailed,
    UnexpectedStatus,
    KeywordMissing,
    NotAllowed,
    ProtocolError,
}

impl FailureClass {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage, metrics and options: stable, never shown as prose.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The short text for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Refused => "connection refused",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::NameFailed => "name not found",
            Self::TlsFailed => "TLS failed",
            Self::UnexpectedStatus => "unexpected status",
            Self::KeywordMissing => "keyword missing",
            Self::NotAllowed => "address not allowed",
            Self::ProtocolError => "protocol error",
        }
    }

    /// The code in the check result log: 0 is "up", 255 is "could not check". Append only: stored rows use these codes.
    pub const fn code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::TimedOut => 2,
            Self::Unreachable => 3,
            Self::NameFailed => 4,
            Self::TlsFailed => 5,
            Self::UnexpectedStatus => 6,
            Self::KeywordMissing => 7,
            Self::NotAllowed => 8,
            Self::ProtocolError => 9,
        }
    }
}

/// The duration of each phase of a check; `None` for a phase that the check did not reach or does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Name resolution; `None` if the target is an address.
    pub resolve: Option<Duration>,
    /// TCP handshake.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the last byte written of the request to the first byte read of the response.
    pub first_byte: Option<Duration>,
    /// From the start to the verdict.
    pub total: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_codes_are_consecutive() {
        for (index, class) in FailureClass::ALL.iter().copied().enumerate() {
            assert_eq!(class.as_str().parse::<FailureClass>().ok(), Some(class));
            assert_eq!(usize::from(class.code()), index + 1);
        }
        assert_eq!("up".parse::<FailureClass>().ok(), None);
    }

    #[test]
    fn a_failure_reads_as_a_short_sentence() {
        assert_eq!(
            Failure::new(FailureClass::Refused).to_string(),
            "connection refused"
        );
        assert_eq!(
            Failure::with(FailureClass::UnexpectedStatus, "503").to_string(),
            "unexpected status (503)"
        );
    }
}
