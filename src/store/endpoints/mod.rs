//! Endpoints, their states and check results.

pub mod check_result;
pub mod endpoint;
pub mod host_additions;
pub mod state;
