//! Servers: the thresholds of their status, the interval at which they report, and what people copy to send a report.

pub mod metric;
pub mod metric_limit;
pub mod report_interval;
pub mod shell_lines;
pub mod status_rule;
pub mod threshold;
pub mod threshold_proposal;
