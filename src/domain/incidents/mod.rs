//! Incidents: why an outage begins, which outages belong together, and the probable cause.

pub mod cause;
pub mod flapping;
pub mod grouping;
pub mod outage_reason;
