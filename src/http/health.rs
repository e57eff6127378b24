//! `/healthz` reports whether the scheduler makes progress, `/readyz` whether database, scheduler and gateway all work.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::HttpState;
use crate::health::{Gateway, Shard, Token};

pub(super) async fn alive(State(app): State<HttpState>) -> Response {
    let is_alive = app.health.scheduler_is_running();
    answer(
        is_alive,
        &json!({ "alive": is_alive, "uptime_seconds": app.health.uptime().as_secs() }),
    )
}

pub(super) async fn ready(State(app): State<HttpState>) -> Response {
    let database = match app.store.reader.is_alive().await {
        Ok(()) => "ok",
        Err(error) => {
            tracing::warn!(%error, "cannot read the database for the readiness check");
            "failing"
        }
    };
    let scheduler = if app.health.scheduler_is_running() {
        "ok"
    } else {
        "stuck"
    };
    let gateway = app.health.gateway();
    let token = app.health.token();
    let is_ready = database == "ok"
        && scheduler == "ok"
        && gateway != Gateway::Connecting
        && token == Token::Accepted;
    let shards: Vec<_> = app.health.shards().iter().map(shard).collect();
    let details = json!({
        "ready": is_ready, "database": database, "scheduler": scheduler, "gateway": gateway.as_str(),
        "discord_token": token.as_str(),
        "gateway_away_seconds": app.health.gateway_away_for().map(|away| away.as_secs()),
        "gateway_failed_checks": app.health.failed_checks(), "shards": shards,
    });
    answer(is_ready, &details)
}

fn shard(shard: &Shard) -> serde_json::Value {
    json!({ "stage": shard.stage.as_str(), "latency_ms": shard.latency.map(|latency| latency.as_millis()) })
}

fn answer(is_healthy: bool, details: &serde_json::Value) -> Response {
    let status = if is_healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        format!("{details}\n"),
    )
        .into_response()
}
