//! Endpoints: adding, checking, rechecking, and recording what a check showed.

pub mod announce_certificates;
pub mod check_runner;
pub mod completed_check;
pub mod connectivity;
pub mod connectivity_state;
pub mod endpoint_limits;
pub mod export_endpoints;
pub mod final_targets;
pub mod first_check;
pub mod import_endpoints;
pub mod manage_endpoint;
pub mod recheck;
pub mod record_result;
pub mod summarize;
