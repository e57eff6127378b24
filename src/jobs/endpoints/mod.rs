//! Endpoints: the scheduler of their checks, the hourly recheck, and the test of Rollcall's own connectivity.

pub(in crate::jobs) mod certificates;
pub(in crate::jobs) mod connectivity;
pub(in crate::jobs) mod recheck;
pub mod scheduler;
