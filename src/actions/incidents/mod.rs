//! Incidents: which one an outage joins, responses to them, their probable cause, and the end of flapping.

pub mod alerts;
pub mod diagnose;
pub mod notify;
pub mod settle_flapping;
