//! Pushes as in Uptime Kuma.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::{PingRefusal, record, unknown};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::ping::{KEPT_BODY, Ping, Signal};
use crate::http::HttpState;
use crate::http::api::{Peer, valid_key};
use crate::store::devices::device::{self, Device};

/// The query of an Uptime Kuma push.
#[derive(Deserialize)]
pub(in crate::http) struct Push {
    /// Default: `up`. Any other value means down.
    status: Option<String>,
    msg: Option<String>,
    /// A duration in milliseconds.
    ping: Option<String>,
}

/// `GET|POST /api/push/{token}?status&msg&ping`. The token is the device's UUID, with or without hyphens, or its key.
pub(in crate::http) async fn push(
    State(app): State<HttpState>,
    peer: Peer,
    Path(token): Path<String>,
    query: Result<Query<Push>, QueryRejection>,
) -> Response {
    match take_push(&app, peer, &token, query).await {
        Ok(()) => pushed(StatusCode::OK, &json!({ "ok": true })),
        Err(PingRefusal::Refused(status, reason)) => {
            pushed(status, &json!({ "ok": false, "msg": reason }))
        }
        Err(PingRefusal::Problem(problem)) => {
            let mut response = problem.clone().into_response();
            let body = json!({ "ok": false, "msg": problem.detail() }).to_string();
            *response.body_mut() = Body::from(body);
            let kind = header::HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
    }
}

async fn take_push(
    app: &HttpState,
    peer: Peer,
    token: &str,
    query: Result<Query<Push>, QueryRejection>,
) -> Result<(), PingRefusal> {
    let Ok(Query(push)) = query else {
        return Err(PingRefusal::Refused(
            StatusCode::BAD_REQUEST,
            "Invalid query.",
        ));
    };
    let device = match DeviceUuid::parse(token) {
        Ok(uuid) => device::pinged(&app.store.reader, &uuid).await?,
        Err(_) => with_key(app, token).await?,
    };
    let not_found = |refusal| match refusal {
        PingRefusal::Refused(status, _) => {
            PingRefusal::Refused(status, "Monitor not found or not active.")
        }
        problem => problem,
    };
    let device = device.ok_or_else(|| not_found(unknown(app, peer)))?;
    let is_up = push.status.as_deref().is_none_or(|status| status == "up");
    let took = push.ping.and_then(|text| text.parse::<f64>().ok());
    let took = took.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok());
    let mut message = push.msg.unwrap_or_default();
    message.truncate(message.floor_char_boundary(KEPT_BODY));
    let ping = Ping {
        signal: if is_up {
            Signal::Success
        } else {
            Signal::Fail(None)
        },
        run: String::new(),
        message,
        run_time: took,
    };
    Ok(record(app, &device, ping).await?)
}

async fn with_key(app: &HttpState, token: &str) -> Result<Option<Device>, PingRefusal> {
    let key = valid_key(app, token).await?;
    let Some((guild, id)) = key.and_then(|key| Some((key.guild_id, key.monitor_id?))) else {
        return Ok(None);
    };
    Ok(device::by_id(&app.store.reader, guild, id).await?)
}

fn pushed(status: StatusCode, details: &serde_json::Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/json"),
        (header::CACHE_CONTROL.as_str(), "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN.as_str(), "*"),
    ];
    (status, headers, details.to_string()).into_response()
}
