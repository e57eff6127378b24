//! Why checks cannot be read from the archive, or added to it.

use std::fmt;

/// Why bytes are not a block of the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagedArchive {
    /// Another version of Rollcall wrote the block, or its first byte is damaged.
    UnknownVersion(u8),
    /// The bytes end too early.
    Truncated,
    /// The bytes have changed since they were written.
    Checksum,
    /// The block claims to have this many checks, more than `super::MAX_CHECKS`.
    TooMany(u64),
    /// The checksum is right, but the content is not a block.
    Malformed,
}

impl fmt::Display for DamagedArchive {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion(version) => {
                write!(
                    out,
                    "the archived checks have the unknown version {version}"
                )
            }
            Self::Truncated => out.write_str("the archived checks are truncated"),
            Self::Checksum => out.write_str("the archived checks do not match their checksum"),
            Self::TooMany(count) => write!(out, "the archive claims to have {count} checks"),
            Self::Malformed => out.write_str("the archived checks have a wrong format"),
        }
    }
}

impl std::error::Error for DamagedArchive {}

/// A block cannot have this many checks; more than `super::MAX_CHECKS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyChecks(pub usize);

impl fmt::Display for TooManyChecks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} checks are more than the archive can keep of a week",
            self.0
        )
    }
}

impl std::error::Error for TooManyChecks {}

/// Why blocks were not appended to the blob of a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The blob of the week is damaged.
    Week(DamagedArchive),
    /// One of the blocks is damaged.
    Block {
        index: usize,
        damage: DamagedArchive,
    },
    /// Together they have too many checks.
    TooMany(TooManyChecks),
}

impl fmt::Display for AppendError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Week(damage) => write!(out, "{damage}"),
            Self::Block { index, damage } => write!(out, "block {index}: {damage}"),
            Self::TooMany(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for AppendError {}
