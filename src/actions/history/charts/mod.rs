//! The figures of pictures of the history. Each is of one guild, and bounded by the range and by the number of monitors or outages.

pub mod day_figures;
#[cfg(test)]
mod day_figures_tests;
pub mod day_range;
pub mod inactive_endpoints;
pub mod latency_chart;
pub mod server_metrics;
pub mod weekday_hours;
