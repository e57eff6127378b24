//! What monitors were and when, also those that were removed, and when Rollcall observed.

pub mod check_archive;
pub mod daily_stats;
pub mod day_times;
pub mod maintenance_span;
pub mod monitor_history;
pub mod objective;
pub mod observation_windows;
pub mod packing;
pub mod removed_monitor;
pub mod run_packing;
pub mod server_rollups;
pub mod status_span;
pub mod summary_schedule;
