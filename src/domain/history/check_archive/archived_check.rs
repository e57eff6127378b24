//! A check as the archive keeps it.

use strum::{IntoStaticStr, VariantArray};

use crate::endpoints::check_result::{FailureClass, Verdict};
use crate::history::latency::bucket::LatencyBucket;
use crate::timestamp::Timestamp;

/// A check in the archive: its time exactly, its latency within 1 %, and the class of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchivedCheck {
    /// When the check began.
    pub at: Timestamp,
    /// The bucket of its whole duration.
    pub latency: LatencyBucket,
    pub class: ResultClass,
}

/// The class of a check result, as the log stores it: 0 is up, 255 is unknown, others are classes of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResultClass(u8);

/// Whether a check passed, without the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ResultKind {
    Up,
    Down,
    /// Rollcall could not check.
    Unknown,
}

impl ResultKind {
    pub fn as_str(self) -> &'static str {
        self.into_str()
    }
}

impl ResultClass {
    pub const UP: Self = Self(0);
    /// Rollcall could not check.
    pub const UNKNOWN: Self = Self(u8::MAX);

    /// Reads a class from storage. Codes without a class are from a newer version, and count as failures.
    pub const fn from_code(code: u8) -> Self {
        Self(code)
    }

    pub const fn code(self) -> u8 {
        self.0
    }

    pub fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Up => Self::UP,
            Verdict::Down(failure) => Self(failure.class.code()),
            Verdict::Unknown(_) => Self::UNKNOWN,
        }
    }

    pub fn is_up(self) -> bool {
        self == Self::UP
    }

    /// Whether the check ran and failed.
    pub fn is_down(self) -> bool {
        self != Self::UP && self != Self::UNKNOWN
    }

    pub fn kind(self) -> ResultKind {
        match self {
            Self::UP => ResultKind::Up,
            Self::UNKNOWN => ResultKind::Unknown,
            _ => ResultKind::Down,
        }
    }

    /// The class of the failure; `None` if the check did not fail, or if a newer version stored the class.
    pub fn failure(self) -> Option<FailureClass> {
        let mut classes = FailureClass::ALL.iter().copied();
        classes.find(|class| class.code() == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints::check_result::{Failure, NotChecked};

    #[test]
    fn classes_have_the_codes_of_the_log() {
        for (verdict, code) in [
            (Verdict::Up, 0),
            (Verdict::Down(Failure::new(FailureClass::Refused)), 1),
            (Verdict::Down(Failure::new(FailureClass::ProtocolError)), 9),
            (Verdict::Unknown(NotChecked::Connectivity), 255),
        ] {
            let class = ResultClass::of(&verdict);
            assert_eq!(class.code(), code);
            assert_eq!(ResultClass::from_code(code), class);
            let failure = match verdict {
                Verdict::Down(failure) => Some(failure.class),
                Verdict::Up | Verdict::Unknown(_) => None,
            };
            assert_eq!(class.failure(), failure, "{code}");
            assert_eq!(class.is_down(), failure.is_some(), "{code}");
            assert_eq!(class.is_up(), code == 0, "{code}");
            let word = match code {
                0 => "up",
                255 => "unknown",
                _ => "down",
            };
            assert_eq!(class.kind().as_str(), word, "{code}");
        }
    }

    #[test]
    fn a_class_of_a_newer_version_is_a_failure() {
        let class = ResultClass::from_code(10);
        assert_eq!((class.is_down(), class.failure()), (true, None));
    }
}
