//! Servers, their reports, and the limits on what they report.

pub mod first_reports;
pub mod metric_limit;
pub mod server;
