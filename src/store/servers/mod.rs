//! Servers, their reports, and the limits on what they report.

pub mod metric_limit;
pub mod server;
