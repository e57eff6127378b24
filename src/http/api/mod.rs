//! The API under `/api/v1`: for devices and agents, which send heartbeats and reports, and for programs, which read and
//! change monitors. Every route is in the table below; the handler states at its top which kinds of keys it accepts.

pub(super) mod auth;
mod body;
mod device;
mod device_log;
mod device_state;
mod endpoint;
mod event;
mod key_cache;
mod openapi;
pub(super) mod problem;
mod query;
mod rate_limit;
mod server;
mod server_stats;

use axum::Router;
use axum::routing::{get, patch, post};

pub(super) use auth::{Peer, valid_key};
pub use key_cache::KeyCache;
pub(super) use openapi::document;
pub use rate_limit::RateLimit;

use super::HttpState;
use problem::Problem;

/// Every route, below `/api/v1`.
pub(super) fn routes() -> Router<HttpState> {
    Router::new()
        .route("/device/register", post(device::register))
        .route("/device/state", patch(device_state::report_own))
        .route("/device/{uuid}/heartbeat", post(device::heartbeat))
        .route("/device/{uuid}/logs", post(device_log::append))
        .route(
            "/device/{uuid}/state",
            get(device_state::target).patch(device_state::report),
        )
        .route("/devices", get(device::list))
        .route("/devices/{uuid}", get(device::show).patch(device::edit))
        .route("/devices/{uuid}/logs", get(device_log::list))
        .route("/endpoints", get(endpoint::list).post(endpoint::add))
        .route(
            "/endpoints/{id}",
            get(endpoint::show)
                .patch(endpoint::edit)
                .delete(endpoint::remove),
        )
        .route("/endpoints/{id}/recheck", post(endpoint::recheck))
        .route("/events", get(event::list))
        .route("/server-stats", post(server_stats::report))
        .route("/servers", get(server::list))
        .route("/servers/{id}", patch(server::edit))
        .route("/servers/{id}/stats", get(server_stats::series))
        .route("/servers/{id}/status", get(server::status))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::wrong_method())
}
