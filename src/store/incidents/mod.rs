//! Incidents, their outages, and the evidence for a cause.

pub mod evidence;
pub mod inactive_periods;
pub mod incident;
pub mod outage;
pub mod outage_history;
pub mod response_times;
