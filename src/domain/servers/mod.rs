//! Servers: the thresholds of their status, and the interval at which they report.

pub mod report_interval;
pub mod status_rule;
pub mod threshold;
pub mod threshold_proposal;
