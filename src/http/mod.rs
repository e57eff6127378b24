//! The HTTP server: the only folder that uses axum. The route table is below.

mod api;
mod client_address;
mod compat;
mod front_page;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod json_response;
mod refused_body;
mod scrape;
mod serve;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use compat::{healthchecks, healthchecks_api, uptime_kuma};

use crate::actions::devices::heartbeat_batcher::HeartbeatBatcher;
use crate::actions::endpoints::check_runner::CheckRunner;
use crate::clock::Clock;
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::servers::threshold::Thresholds;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::notify::messenger::Messenger;
use crate::store::Store;

pub use api::{KeyCache, KnownCallers, RateLimit, ReadTurns};
pub use client_address::TrustedProxies;
pub use scrape::ProbePlaces;
pub use serve::{BindError, HttpServer, bind};

/// State that the handlers share.
#[derive(Clone, Debug)]
pub struct HttpState {
    pub store: Store,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub heartbeats: HeartbeatBatcher,
    /// For servers without thresholds of their own.
    pub thresholds: Thresholds,
    /// For checks on request.
    pub checks: CheckRunner,
    /// For devices without a threshold of their own.
    pub device_threshold: Duration,
    /// The operator's setting of the address that others use; `None`: the address of each request.
    pub public_url: Option<PublicUrl>,
    /// The maximum number of devices per guild.
    pub quota_devices: u64,
    /// The maximum number of servers per guild.
    pub quota_servers: u64,
    /// The maximum number of valid keys per guild.
    pub quota_keys: u64,
    pub limits: Limits,
    /// Discord knows whose channel a channel is; `None`: Rollcall runs without it.
    pub messenger: Option<Arc<dyn Messenger>>,
    pub key_cache: KeyCache,
    pub known_callers: KnownCallers,
    pub read_turns: ReadTurns,
    /// Of responses that take long.
    pub export_turns: ReadTurns,
    /// How long single checks are kept.
    pub kept_checks: Duration,
    pub probe_places: ProbePlaces,
    pub trusted_proxies: TrustedProxies,
    pub clock: Clock,
}

/// The rate limits of requests.
#[derive(Clone, Debug)]
pub struct Limits {
    pub authenticated: RateLimit,
    /// Of requests without a valid key, and of pings with a valid ping key that name no device.
    pub unauthenticated: RateLimit,
    /// Of lookups that find nothing.
    pub lookups: RateLimit,
    /// Of probes with a valid key.
    pub probes: RateLimit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            authenticated: RateLimit::authenticated(),
            unauthenticated: RateLimit::unauthenticated(),
            lookups: RateLimit::lookups(),
            probes: RateLimit::probes(),
        }
    }
}

/// The pages for the operator's programs, which need no key.
fn operator_pages() -> Router<HttpState> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(scrape::metrics))
}

/// The routes of a port that has no others.
fn operator_routes(app: HttpState) -> Router {
    operator_pages().with_state(app)
}

/// The routes of the port that everyone uses; `operator`: those of the operator, unless they have a port of their own.
fn routes(app: HttpState, operator: Option<Router<HttpState>>) -> Router {
    let mut described = api::routes();
    compat::describe(&mut described);
    let (api, document) = described.finish();
    let document = Bytes::from(document);
    let has_operator_pages = operator.is_some();
    operator
        .unwrap_or_default()
        .route(
            "/",
            get(async move |app| front_page::page(app, has_operator_pages).await),
        )
        .route("/metrics/monitors", get(scrape::monitors))
        .route("/probe", get(scrape::probe))
        .nest(api::BASE, api)
        // The nested routes do not have this path.
        .route(&format!("{}/", api::BASE), any(api::not_found))
        .route(
            "/api/openapi.json",
            get(async move || document_response(document)),
        )
        .merge(healthchecks_api::routes())
        .route("/api/push/{token}", any(uptime_kuma::push))
        .route("/api/push/{token}/", any(uptime_kuma::push))
        .route(
            "/ping/{*path}",
            get(healthchecks::ping).post(healthchecks::ping),
        )
        .with_state(app)
}

/// The OpenAPI description, which was made once.
fn document_response(document: Bytes) -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    ([kind], document).into_response()
}
