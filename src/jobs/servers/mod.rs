//! Servers: overdue reports and automatic thresholds.

pub(in crate::jobs) mod auto_thresholds;
pub(in crate::jobs) mod server_monitor;
