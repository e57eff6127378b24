//! How many endpoints were inactive in a range, why, and when they were reactivated: the figures, and their picture.

pub mod figures;
pub mod inactive_chart;
