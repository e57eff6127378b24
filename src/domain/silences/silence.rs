//! A silence: while it lasts, checks go on and outages are recorded, but no notifications are sent.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::maintenance::{TimeWindow, Weekly};
use crate::monitor::MonitorId;

/// The id of a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SilenceId(pub i64);

/// Why notifications are off. Its name is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SilenceKind {
    /// A responder wants no notifications about a monitor for a while.
    Mute,
    /// Outages are expected. They do not count as downtime.
    Maintenance,
}

impl SilenceKind {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// The monitors that a silence covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SilenceScope {
    All,
    /// The monitors of a user-defined group, as it is at the time.
    Group(String),
    Some(Vec<MonitorId>),
}

/// A silence to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSilence {
    pub kind: SilenceKind,
    /// Empty for a mute.
    pub title: String,
    pub scope: SilenceScope,
    pub window: TimeWindow,
    /// `None`: it happens once.
    pub weekly: Option<Weekly>,
}
