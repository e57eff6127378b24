//! `/healthz` reports whether the scheduler makes progress, `/readyz` whether database, scheduler and gateway all work.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::HttpState;
use crate::health::{Gateway, Shard, Token};
use crate::http::json_response::json_response;

/// The answer of `/healthz`.
#[derive(Serialize)]
struct Liveness {
    alive: bool,
    uptime_seconds: u64,
}

pub(super) async fn alive(State(app): State<HttpState>) -> Response {
    let alive = app.health.scheduler_is_running();
    let liveness = Liveness {
        alive,
        uptime_seconds: app.health.uptime().as_secs(),
    };
    json_response(status(alive), &liveness)
}

/// The answer of `/readyz`.
#[derive(Serialize)]
pub(super) struct ReadinessView {
    pub ready: bool,
    pub database: &'static str,
    /// Whether the last change could be stored.
    pub writes: &'static str,
    pub scheduler: &'static str,
    /// Whether the scheduler could read which endpoints there are.
    pub monitors: &'static str,
    pub gateway: &'static str,
    pub discord_token: &'static str,
    pub gateway_away_seconds: Option<u64>,
    pub gateway_failed_checks: u32,
    pub shards: Vec<ShardView>,
}

/// One shard of the connection to Discord.
#[derive(Serialize)]
pub(super) struct ShardView {
    stage: &'static str,
    latency_ms: Option<u128>,
}

impl From<&Shard> for ShardView {
    fn from(shard: &Shard) -> Self {
        Self {
            stage: shard.stage.as_str(),
            latency_ms: shard.latency.map(|latency| latency.as_millis()),
        }
    }
}

pub(super) async fn ready(State(app): State<HttpState>) -> Response {
    let readiness = readiness(&app).await;
    json_response(status(readiness.ready), &readiness)
}

pub(super) async fn readiness(app: &HttpState) -> ReadinessView {
    let database = match app.store.reader.is_alive().await {
        Ok(()) => "ok",
        Err(error) => {
            tracing::warn!(%error, "cannot read the database for the readiness check");
            "failing"
        }
    };
    let writes = match app.store.writer.is_failing() {
        false => "ok",
        true => "failing",
    };
    let scheduler = match app.health.scheduler_is_running() {
        true => "ok",
        false => "stuck",
    };
    let monitors = match app.health.monitors_are_loaded() {
        true => "ok",
        false => "not loaded",
    };
    let (gateway, token) = (app.health.gateway(), app.health.token());
    let away = app.health.gateway_away_for();
    ReadinessView {
        ready: database == "ok"
            && writes == "ok"
            && scheduler == "ok"
            && monitors == "ok"
            && gateway != Gateway::Connecting
            && token == Token::Accepted,
        database,
        writes,
        scheduler,
        monitors,
        gateway: gateway.as_str(),
        discord_token: token.as_str(),
        gateway_away_seconds: away.map(|away| away.as_secs()),
        gateway_failed_checks: app.health.failed_checks(),
        shards: app.health.shards().iter().map(ShardView::from).collect(),
    }
}

fn status(is_healthy: bool) -> StatusCode {
    match is_healthy {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}
