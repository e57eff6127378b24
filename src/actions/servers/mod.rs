//! Servers: reports, thresholds and statistics.

pub mod figures;
mod find_server;
pub mod first_report;
pub mod manage_server;
pub mod metric_limits;
pub mod server_stats;
pub mod suggest_thresholds;
