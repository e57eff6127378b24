//! Whether an incident is open, as lists of incidents are filtered.

use strum::{IntoStaticStr, VariantArray};

/// The state of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum IncidentState {
    /// At least one of its outages is open.
    Open,
    Resolved,
}
