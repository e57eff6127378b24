//! The history of monitors: what it shows, and how it is kept small.

pub mod archive;
pub mod charts;
pub mod checks;
pub mod latency;
pub mod metrics;
pub mod objectives;
pub mod pack;
pub mod pack_runs;
pub mod recent_uptime;
pub mod server_rollup;
pub mod span_limit;
pub mod summary;
pub mod uptime;
