//! The history of monitors: it shows the same figures everywhere, and they can be proved.

mod chart;
mod checks;
mod commands;
mod day_pictures;
mod objectives;
mod packing;
mod pictures;
mod server_metrics;
mod summaries;
mod uptime;
