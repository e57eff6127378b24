//! Downtime by weekday and hour: the figures, and their picture.

pub mod heat_map;
#[cfg(test)]
mod testing;
pub mod weekday_hours;
