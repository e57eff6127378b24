//! `/healthz` reports whether our own loops run, `/readyz` whether everything works, and what does not.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::HttpState;
use crate::health::{Component, Fact, Facts, OtherFacts, Shard};
use crate::http::json_response::json_response;

/// The answer of `/healthz`.
#[derive(Serialize)]
struct Liveness {
    alive: bool,
    uptime_seconds: u64,
    /// The loops that have stalled.
    stalled: Vec<&'static str>,
}

pub(super) async fn alive(State(app): State<HttpState>) -> Response {
    let stalled = app.health.stalled_loops();
    let liveness = Liveness {
        alive: stalled.is_empty(),
        uptime_seconds: app.health.uptime().as_secs(),
        stalled: stalled.into_iter().map(Component::as_str).collect(),
    };
    json_response(status(liveness.alive), &liveness)
}

/// The answer of `/readyz`.
#[derive(Serialize)]
pub(super) struct ReadinessView {
    pub ready: bool,
    /// The names of the fields that say why it is not ready.
    pub failing: Vec<&'static str>,
    pub database: &'static str,
    /// Whether the last change could be stored.
    pub writes: &'static str,
    pub scheduler: &'static str,
    /// Whether the scheduler could read which endpoints there are.
    pub monitors: &'static str,
    /// Whether the last check results could be stored, and none wait.
    pub check_results: &'static str,
    /// Whether Discord answers messages.
    pub deliveries: &'static str,
    /// Whether overdue devices and servers are found.
    pub background_jobs: &'static str,
    pub discord_runtime: &'static str,
    pub gateway: &'static str,
    pub discord_token: &'static str,
    pub connectivity: &'static str,
    pub name_resolution: &'static str,
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
    let database = app.store.reader.is_alive().await;
    if let Err(error) = &database {
        tracing::warn!(%error, "cannot read the database for the readiness check");
    }
    let facts = app.health.facts(OtherFacts {
        is_database_readable: database.is_ok(),
        is_write_failing: app.store.writer.is_failing(),
        is_connectivity_lost: app.checks.is_connectivity_lost(),
        is_name_resolution_lost: app.checks.is_name_resolution_lost(),
    });
    view(
        &facts,
        app.health.failed_checks(),
        app.health.shards().iter().map(ShardView::from).collect(),
    )
}

fn view(facts: &Facts, gateway_failed_checks: u32, shards: Vec<ShardView>) -> ReadinessView {
    let failing = facts.failing();
    ReadinessView {
        ready: failing.is_empty(),
        failing: failing.into_iter().map(Fact::as_str).collect(),
        database: facts.word(Fact::Database),
        writes: facts.word(Fact::Writes),
        scheduler: facts.word(Fact::Scheduler),
        monitors: facts.word(Fact::Monitors),
        check_results: facts.word(Fact::CheckResults),
        deliveries: facts.word(Fact::Deliveries),
        background_jobs: facts.word(Fact::BackgroundJobs),
        discord_runtime: facts.word(Fact::DiscordRuntime),
        gateway: facts.word(Fact::Gateway),
        discord_token: facts.word(Fact::DiscordToken),
        connectivity: facts.word(Fact::Connectivity),
        name_resolution: facts.word(Fact::NameResolution),
        gateway_away_seconds: facts.gateway_away.map(|away| away.as_secs()),
        gateway_failed_checks,
        shards,
    }
}

fn status(is_healthy: bool) -> StatusCode {
    match is_healthy {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}
