//! Incidents: why an outage begins, which outages belong together, and the probable cause.

pub mod cause;
pub mod flapping;
pub mod grouping;
pub mod incident_state;
pub mod note;
pub mod outage_reason;
