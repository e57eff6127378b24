//! Incidents: diagnosis, the end of flapping, reminders and bulk alerts.

pub(in crate::jobs) mod bulk_alerts;
pub(in crate::jobs) mod diagnose;
pub(in crate::jobs) mod flapping;
pub(in crate::jobs) mod reminders;
