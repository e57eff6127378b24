//! Endpoints, their states and check results.

pub mod certificate;
pub mod check_result;
pub mod discovered_target;
pub mod endpoint;
pub mod host_additions;
pub mod state;
