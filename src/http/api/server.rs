//! Servers: programs read their status and change their thresholds.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::body::Fields;
use super::device::answer;
use super::problem::Problem;
use crate::actions;
use crate::actions::servers::manage_server::{self, ServerEdit, Standing};
use crate::actions::servers::suggest_thresholds;
use crate::domain::key::KeyKind::{Admin, Read, Server as ServerKey};
use crate::domain::monitor::{MonitorId, ValidationError, parse_name};
use crate::domain::patch::Patch;
use crate::domain::servers::threshold::Thresholds;
use crate::domain::text;
use crate::http::HttpState;
use crate::store::servers::server;

/// `GET /servers`, with a read or an admin key.
pub(super) async fn list(
    State(app): State<HttpState>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin])?;
    let (reader, now) = (&app.store.reader, app.clock.now());
    let mut shown = Vec::new();
    for server in server::list(reader, Some(caller.0.guild_id)).await? {
        let standing = manage_server::judged(reader, server, app.thresholds, now).await?;
        shown.push(details(&standing));
    }
    Ok(answer(StatusCode::OK, &json!({ "servers": shown })))
}

/// `GET /servers/{id}/status`, with a read or an admin key, or the server's own.
pub(super) async fn status(
    State(app): State<HttpState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin, ServerKey])?;
    let id = readable(&caller, &id)?;
    let (reader, now) = (&app.store.reader, app.clock.now());
    let standing =
        manage_server::standing(reader, caller.requester(), id, app.thresholds, now).await?;
    Ok(answer(StatusCode::OK, &details(&standing)))
}

/// The ID of a server that the caller may read. A server's own key gives no access to other servers.
pub(super) fn readable(caller: &Caller, id: &str) -> Result<MonitorId, Problem> {
    let id = MonitorId(id.parse().map_err(|_| Problem::not_found())?);
    if caller.0.kind == ServerKey && caller.0.monitor_id != Some(id) {
        return Err(Problem::not_found());
    }
    Ok(id)
}

/// The body of a change to a server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerBody {
    name: Option<String>,
    active: Option<bool>,
    /// In minutes; `null` restores the defaults from the settings.
    #[serde(default, deserialize_with = "super::body::patch")]
    thresholds: Patch<ThresholdMinutes>,
    /// Whether the thresholds follow the server's report interval.
    auto_thresholds: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdMinutes {
    online: u64,
    warning: u64,
    offline: u64,
}

/// `PATCH /servers/{id}`, with an admin key.
pub(super) async fn edit(
    State(app): State<HttpState>,
    caller: Caller,
    Path(id): Path<String>,
    Fields(change): Fields<ServerBody>,
) -> Result<Response, Problem> {
    caller.must_be(&[Admin])?;
    let id = MonitorId(id.parse().map_err(|_| Problem::not_found())?);
    let wrong = |error: ValidationError| actions::Error::Invalid(error.to_string());
    let minutes = |minutes: u64| Duration::from_secs(minutes.saturating_mul(60));
    let lengths = |own: ThresholdMinutes| {
        Thresholds::new(
            minutes(own.online),
            minutes(own.warning),
            minutes(own.offline),
        )
    };
    let edit = ServerEdit {
        name: change
            .name
            .map(|name| parse_name(&name))
            .transpose()
            .map_err(wrong)?,
        is_active: change.active,
        auto_thresholds: change.auto_thresholds,
        thresholds: change.thresholds.try_map(lengths).map_err(wrong)?,
    };
    let (requester, now) = (caller.requester(), app.clock.now());
    manage_server::edit(&app.store, requester, id, edit, now).await?;
    if change.auto_thresholds == Some(true) {
        suggest_thresholds::start(&app.store, requester, id, app.thresholds, now).await?;
    }
    let reader = &app.store.reader;
    let standing = manage_server::standing(reader, requester, id, app.thresholds, now).await?;
    Ok(answer(StatusCode::OK, &details(&standing)))
}

fn details(standing: &Standing) -> Value {
    let (server, judgement) = (&standing.server, &standing.judgement);
    let minutes = |length: Duration| length.as_secs_f64() / 60.0;
    let minutes_ago = judgement
        .elapsed
        .map(|elapsed| (elapsed.as_secs_f64() / 6.0).round() / 10.0);
    json!({
        "id": server.id.0, "name": server.name, "is_active": server.is_active,
        "status": judgement.status.as_str(), "last_seen": server.last_seen_at.map(text::timestamp),
        "minutes_ago": minutes_ago, "reason": judgement.reason, "threshold_used": judgement.used.as_str(),
        "should_alert": standing.should_alert, "expected_interval": standing.expected_interval.map(|interval| interval.as_secs()),
        "since": text::timestamp(server.since), "auto_thresholds": server.auto_thresholds,
        "thresholds": {
            "online": minutes(standing.thresholds.online()), "warning": minutes(standing.thresholds.warning()),
            "offline": minutes(standing.thresholds.offline()),
        },
    })
}
