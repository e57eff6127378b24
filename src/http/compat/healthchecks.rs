//! Pings as in Healthchecks.

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;

use super::{PingRefusal, record, unknown};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::ping::{KEPT_BODY, Ping, Signal, parse_run};
use crate::http::HttpState;
use crate::http::api::Peer;
use crate::http::api::problem::Problem;
use crate::store::devices::device;

/// The time a body has to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum size of a body, in bytes. Bytes beyond `KEPT_BODY` are discarded, not refused: the log of a run may be long,
/// and its ping counts anyway.
const LONGEST_BODY: usize = 1024 * 1024;

/// Identifies a run of the device's job, so that runs may overlap.
#[derive(Deserialize)]
pub(in crate::http) struct RunQuery {
    rid: Option<String>,
}

/// `GET|HEAD|POST /ping/{uuid}`.
pub(in crate::http) async fn success(
    State(app): State<HttpState>,
    peer: Peer,
    Path(uuid): Path<String>,
    query: Result<Query<RunQuery>, QueryRejection>,
    body: Body,
) -> Response {
    let answered = take(&app, peer, PingUrl::parse(&uuid, "success", query), body).await;
    answered.unwrap_or_else(PingRefusal::into_text_response)
}

/// `GET|HEAD|POST /ping/{uuid}/{start|success|fail|log|exit status}`.
pub(in crate::http) async fn signal(
    State(app): State<HttpState>,
    peer: Peer,
    Path((uuid, signal)): Path<(String, String)>,
    query: Result<Query<RunQuery>, QueryRejection>,
    body: Body,
) -> Response {
    let answered = take(&app, peer, PingUrl::parse(&uuid, &signal, query), body).await;
    answered.unwrap_or_else(PingRefusal::into_text_response)
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

/// What the URL of a ping says.
struct PingUrl {
    uuid: DeviceUuid,
    signal: Signal,
    /// The id of the run; empty if there is none.
    run: String,
}

impl PingUrl {
    fn parse(
        uuid: &str,
        signal: &str,
        query: Result<Query<RunQuery>, QueryRejection>,
    ) -> Result<Self, PingRefusal> {
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
        Ok(Self { uuid, signal, run })
    }
}

async fn take(
    app: &HttpState,
    peer: Peer,
    asked: Result<PingUrl, PingRefusal>,
    body: Body,
) -> Result<Response, PingRefusal> {
    let PingUrl { uuid, signal, run } = asked?;
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
                    "the body of a ping must have at most 1 MiB",
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
