//! Incidents: outages that open and close them, responses to them, their probable cause.

pub mod alerts;
pub mod diagnose;
pub mod outage;
