//! Silences: their starts and ends, and the calendar that shows maintenance.

pub(in crate::jobs) mod calendar;
pub(in crate::jobs) mod silence_times;
