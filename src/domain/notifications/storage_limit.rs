//! What each guild may store, so that no guild fills the disk of all. A guild is notified when it first reaches a bound.

use strum::{EnumString, IntoStaticStr, VariantArray};

pub const MEBIBYTE: u64 = 1024 * 1024;

/// What is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum UsageKind {
    /// Reports of servers.
    Samples,
    DeviceLogs,
    Events,
    Outages,
    Incidents,
}

/// How much of a kind a guild may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub rows: u64,
    pub bytes: u64,
}

impl UsageKind {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its table.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// The bound of each guild.
    pub const fn bound(self) -> Bound {
        match self {
            // Ninety servers that report every 10 s, for 3 days, with 400 bytes each.
            Self::Samples => Bound {
                rows: 2_500_000,
                bytes: 1_024 * MEBIBYTE,
            },
            // The last 200 lines of each of 10,000 devices.
            Self::DeviceLogs => Bound {
                rows: 2_000_000,
                bytes: 512 * MEBIBYTE,
            },
            Self::Events => Bound {
                rows: 1_000_000,
                bytes: 256 * MEBIBYTE,
            },
            Self::Outages => Bound {
                rows: 200_000,
                bytes: 64 * MEBIBYTE,
            },
            Self::Incidents => Bound {
                rows: 200_000,
                bytes: 64 * MEBIBYTE,
            },
        }
    }

    /// The rows that are deleted beyond the bound, as people call them.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Samples => "server reports",
            Self::DeviceLogs => "device log lines",
            Self::Events => "status changes in the audit log",
            Self::Outages => "past outages",
            Self::Incidents => "resolved incidents",
        }
    }
}
