//! Endpoints, their states and check results.

pub mod check_result;
pub mod endpoint;
pub mod state;
