//! Pictures with a cell for each day of each monitor.

mod day_grid;
pub mod offline_days;
pub mod strip;
#[cfg(test)]
mod testing;
