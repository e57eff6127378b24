//! Endpoints: the scheduler of their checks, and the hourly recheck.

pub(in crate::jobs) mod recheck;
pub mod scheduler;
