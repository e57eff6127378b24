//! The status of a monitor, the same words for every kind.

pub mod transition;

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A monitor's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Status {
    /// Not checked yet, or Rollcall could not check; of devices and servers: nothing has arrived yet.
    Unknown,
    Online,
    /// Failing, but not for long enough to count as offline.
    Warning,
    Offline,
    /// A person paused the checks.
    Paused,
}

impl Status {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in storage, JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}
