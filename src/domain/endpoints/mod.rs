//! Endpoints: which targets may be checked, what a check shows, and the status that follows from it.

pub mod certificate_expiry;
pub mod check_result;
pub mod connectivity;
pub mod failure_tracker;
pub mod host_allowance;
pub mod http_check;
pub mod http_check_change;
pub mod name_resolution;
mod nearest_target;
pub mod schedule;
pub mod status_rule;
pub mod target;
pub mod typed_target;
