//! The history: what monitors were and when, what Rollcall keeps of past checks, and the ranges of time that people ask for.

pub mod chart;
pub mod check_archive;
pub mod iso_week;
pub mod latency;
pub mod objective;
pub mod observation_windows;
pub mod range;
pub mod recorded_days;
pub mod server_rollup;
pub mod status_span;
pub mod summary;
#[cfg(test)]
mod testing;
pub mod time_set;
pub mod uptime;
mod varint;
