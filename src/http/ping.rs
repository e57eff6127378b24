//! Compatibility with existing clients: pings as in Healthchecks and pushes as in Uptime Kuma, with the paths and responses
//! that their clients expect. As in both products, the UUID or key of a device in the path is the only authentication, so no
//! response reveals anything about the device.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;

use super::AppState;
use super::api::problem::Problem;
use super::api::{Peer, valid_key};
use crate::actions::Requester;
use crate::actions::devices::check_in::{CheckIn, Payload};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::ping::{KEPT_BODY, Ping, Signal, parse_run};
use crate::domain::event::Actor;
use crate::store::StoreError;
use crate::store::devices::device::{self, Device};

/// The time a body has to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum size of a body, in bytes. Bytes beyond `KEPT_BODY` are discarded, not refused: the log of a run may be long,
/// and its ping counts anyway.
const LONGEST_BODY: usize = 1024 * 1024;

/// Identifies a run of the device's job, so that runs may overlap.
#[derive(Deserialize)]
pub(super) struct RunQuery {
    rid: Option<String>,
}

/// `GET|HEAD|POST /ping/{uuid}`.
pub(super) async fn success(
    State(app): State<AppState>,
    peer: Peer,
    Path(uuid): Path<String>,
    query: Result<Query<RunQuery>, QueryRejection>,
    body: Body,
) -> Response {
    let answered = take(&app, peer, (&uuid, "success"), query, body).await;
    answered.unwrap_or_else(PingRefusal::into_text_response)
}

/// `GET|HEAD|POST /ping/{uuid}/{start|success|fail|log|exit status}`.
pub(super) async fn signal(
    State(app): State<AppState>,
    peer: Peer,
    Path((uuid, signal)): Path<(String, String)>,
    query: Result<Query<RunQuery>, QueryRejection>,
    body: Body,
) -> Response {
    let answered = take(&app, peer, (&uuid, &signal), query, body).await;
    answered.unwrap_or_else(PingRefusal::into_text_response)
}

/// Why a ping was refused.
enum PingRefusal {
    /// The path is invalid, or no device has this UUID or key.
    Refused(StatusCode, &'static str),
    Problem(Problem),
}

impl PingRefusal {
    /// A response of one line of text, which clients log.
    fn into_text_response(self) -> Response {
        match self {
            Self::Refused(status, text) => plain(status, text),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

impl From<Problem> for PingRefusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for PingRefusal {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

async fn take(
    app: &AppState,
    peer: Peer,
    (uuid, signal): (&str, &str),
    query: Result<Query<RunQuery>, QueryRejection>,
    body: Body,
) -> Result<Response, PingRefusal> {
    let wrong = |text| PingRefusal::Refused(StatusCode::BAD_REQUEST, text);
    let signal = Signal::from_path(signal).ok_or(wrong("invalid url format"))?;
    let uuid = DeviceUuid::parse(uuid).map_err(|_| wrong("invalid url format"))?;
    let run = match query {
        Ok(Query(RunQuery { rid: Some(rid) })) => {
            parse_run(&rid).map_err(|_| wrong("invalid uuid format"))?
        }
        Ok(_) => String::new(),
        Err(_) => return Err(wrong("invalid url format")),
    };
    let device = device::pinged(&app.store.reader, &uuid).await?;
    let device = device.ok_or_else(|| unknown(app, peer))?;
    let ping = Ping {
        signal,
        run,
        message: text_of(body).await?,
        run_time: None,
    };
    record(app, &device, ping).await?;
    Ok(plain(StatusCode::OK, "OK"))
}

/// Refuses an unknown device. Such requests are rate-limited, so that UUIDs cannot be guessed quickly.
fn unknown(app: &AppState, peer: Peer) -> PingRefusal {
    match app.unauthenticated.take(peer.number()) {
        Ok(()) => PingRefusal::Refused(StatusCode::NOT_FOUND, "not found"),
        Err(problem) => PingRefusal::Problem(problem),
    }
}

async fn record(app: &AppState, device: &Device, ping: Ping) -> Result<(), Problem> {
    let mut hasher = DefaultHasher::new();
    (device.guild_id, &device.uuid).hash(&mut hasher);
    app.rate_limit.take(hasher.finish())?;
    let heartbeat = CheckIn {
        requester: Requester {
            guild: device.guild_id,
            actor: Actor::System,
        },
        uuid: device.uuid.clone(),
        payload: Payload::Ping(ping),
        // Authenticated by the UUID, or by a key that was just looked up.
        key: None,
    };
    app.heartbeats.check_in(heartbeat).await?;
    Ok(())
}

/// The start of a body as text, at most `KEPT_BODY` bytes.
async fn text_of(body: Body) -> Result<String, Problem> {
    let reading = async {
        let (mut kept, mut seen) = (Vec::new(), 0);
        let mut chunks = body.into_data_stream();
        while let Some(Ok(chunk)) = chunks.next().await {
            seen += chunk.len();
            let free = KEPT_BODY - kept.len();
            kept.extend_from_slice(&chunk[..chunk.len().min(free)]);
            if seen > LONGEST_BODY {
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body of a ping may have 1 MiB at most",
                ));
            }
        }
        Ok(String::from_utf8_lossy(&kept).into_owned())
    };
    let late = |_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        )
    };
    tokio::time::timeout(BODY_TIMEOUT, reading)
        .await
        .map_err(late)?
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let limit = KEPT_BODY.to_string();
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL.as_str(), "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN.as_str(), "*"),
        ("ping-body-limit", limit.as_str()),
    ];
    (status, headers, text).into_response()
}

/// The query of an Uptime Kuma push.
#[derive(Deserialize)]
pub(super) struct Push {
    /// Default: `up`. Any other value means down.
    status: Option<String>,
    msg: Option<String>,
    /// A duration in milliseconds.
    ping: Option<String>,
}

/// `GET|POST /api/push/{token}?status&msg&ping`. The token is the device's UUID, with or without hyphens, or its key.
pub(super) async fn push(
    State(app): State<AppState>,
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
    app: &AppState,
    peer: Peer,
    token: &str,
    query: Result<Query<Push>, QueryRejection>,
) -> Result<(), PingRefusal> {
    let Ok(Query(push)) = query else {
        return Err(PingRefusal::Refused(
            StatusCode::BAD_REQUEST,
            "The query cannot be read.",
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

async fn with_key(app: &AppState, token: &str) -> Result<Option<Device>, PingRefusal> {
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
