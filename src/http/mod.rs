//! The web door; the only folder that names axum. The whole route table stands below.

mod health;
mod scrape;
mod serve;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::metrics::Metrics;
use crate::store::Reader;
use crate::vitals::Vitals;

pub use serve::{Server, bind};

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct Desk {
    pub reader: Reader,
    pub metrics: Arc<Metrics>,
    pub vitals: Arc<Vitals>,
}

/// Every route.
fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(scrape::metrics))
        .with_state(desk)
}
