//! What one observation showed: up with phase timings, or down with a reason class, or nothing because we could not look.
//!
//! An outcome is an observation, not a judgement: what it means for a monitor is decided in `status.rs`.

use std::fmt;
use std::time::Duration;

use strum::VariantArray;

use super::timestamp::Timestamp;

/// One observation of a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// When the observation began.
    pub at: Timestamp,
    pub verdict: Verdict,
    pub timings: Timings,
    /// When the certificate that was shown expires; only of TLS looks that got that far.
    pub certificate_expires_at: Option<Timestamp>,
}

impl CheckResult {
    pub fn is_up(&self) -> bool {
        matches!(self.verdict, Verdict::Up)
    }
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Up,
    Down(Failure),
    /// We could not look (own fault: no file descriptors, no local route, no resolver): never counted as down.
    Unknown(Box<str>),
}

/// Why an endpoint did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub class: FailureClass,
    /// One more fact in our own words ("503", "expired on 2026-01-31"); never text of the remote side.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, VariantArray)]
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

    /// The word in storage, metrics and options: stable, never shown as prose.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::NameFailed => "name_failed",
            Self::TlsFailed => "tls_failed",
            Self::UnexpectedStatus => "unexpected_status",
            Self::KeywordMissing => "keyword_missing",
            Self::NotAllowed => "not_allowed",
            Self::ProtocolError => "protocol_error",
        }
    }

    /// The short text that people read.
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

    /// The number in the outcome log: 0 is "up", 255 "could not look". Append only, stored rows use them.
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

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.word() == word)
    }
}

/// How long each phase of a look took; `None` for a phase that it did not reach or does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Name to addresses; `None` where the target is an address.
    pub resolve: Option<Duration>,
    /// TCP handshake.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the request's last byte written to the answer's first byte read.
    pub first_byte: Option<Duration>,
    /// From the beginning to the verdict.
    pub total: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_are_unique_and_words_read_back() {
        for (index, class) in FailureClass::ALL.iter().copied().enumerate() {
            assert_eq!(FailureClass::from_word(class.word()), Some(class));
            assert_eq!(usize::from(class.code()), index + 1);
        }
        assert_eq!(FailureClass::from_word("up"), None);
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
