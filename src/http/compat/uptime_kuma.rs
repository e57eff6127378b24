//! Pushes as in Uptime Kuma.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PingRefusal, pinged, record, unknown};
use crate::actions::devices::manage_device::push_token_hash;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::kept_body::KEPT_BODY;
use crate::domain::devices::ping::{Ping, Signal};
use crate::domain::devices::push_token::PushToken;
use crate::http::HttpState;
use crate::http::api::{Peer, valid_key};
use crate::http::json_response::json_response;
use crate::store::devices::device::{self, Device};

/// `/api/push/{token}?status&msg&ping` with any method, as in Uptime Kuma. The token is the device's push token, its UUID with
/// or without hyphens, or its key.
pub(in crate::http) async fn push(
    State(app): State<HttpState>,
    peer: Peer,
    Path(token): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    match take_push(&app, peer, &token, Push::new(query)).await {
        Ok(()) => pushed(StatusCode::OK, None),
        Err(PingRefusal::Refused(status, reason)) => pushed(status, Some(reason)),
        Err(PingRefusal::Problem(problem)) => {
            let answer = pushed(StatusCode::OK, Some(problem.detail()));
            let mut response = problem.into_response();
            *response.body_mut() = answer.into_body();
            let kind = header::HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
    }
}

/// What the query of a push says.
#[derive(Debug, PartialEq, Eq)]
struct Push {
    is_up: bool,
    message: String,
    /// How long the job took.
    run_time: Option<Duration>,
}

impl Push {
    /// Only `up` means up. Without a status, or with an empty one, the monitor is up; with several, it is down, because Uptime
    /// Kuma receives a list then. `ping` is a number of milliseconds; anything else is ignored.
    fn new(query: Vec<(String, String)>) -> Self {
        let (mut statuses, mut messages, mut pings) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in query {
            match name.as_str() {
                "status" => statuses.push(value),
                "msg" => messages.push(value),
                "ping" => pings.push(value),
                _ => {}
            }
        }
        let run_time = pings.first().and_then(|text| text.parse::<f64>().ok());
        let mut message = messages.into_iter().next().unwrap_or_default();
        message.truncate(message.floor_char_boundary(KEPT_BODY));
        Self {
            is_up: match statuses.as_slice() {
                [] => true,
                [status] => status.is_empty() || status == "up",
                _ => false,
            },
            message,
            run_time: run_time.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok()),
        }
    }
}

async fn take_push(
    app: &HttpState,
    peer: Peer,
    token: &str,
    push: Push,
) -> Result<(), PingRefusal> {
    let device = pushed_device(app, peer, token).await?;
    let not_found = |refusal| match refusal {
        PingRefusal::Refused(status, _) => {
            PingRefusal::Refused(status, "Monitor not found or not active.")
        }
        problem => problem,
    };
    let device = device.ok_or_else(|| not_found(unknown(app, peer)))?;
    let ping = Ping {
        signal: if push.is_up {
            Signal::Success
        } else {
            Signal::Fail(None)
        },
        run: String::new(),
        message: push.message,
        last_line: None,
        run_time: push.run_time,
    };
    Ok(record(app, device.into(), ping).await?)
}

/// The device that a token names. The forms of tokens differ, so one lookup is enough.
async fn pushed_device(
    app: &HttpState,
    peer: Peer,
    token: &str,
) -> Result<Option<Device>, PingRefusal> {
    let reader = &app.store.reader;
    if let Ok(uuid) = DeviceUuid::parse(token) {
        return pinged(app, peer, &uuid).await;
    }
    if let Ok(token) = PushToken::parse(token) {
        let hash = push_token_hash(&token);
        let credential = app.known_callers.credential("push token", hash);
        let query = async { Ok(device::with_push_token(reader, &hash).await?) };
        return peer.look_up(app, credential, query).await;
    }
    let key = valid_key(app, peer, token).await?;
    match key.and_then(|key| Some((key.guild_id, key.monitor_id?))) {
        Some((guild, id)) => Ok(device::by_id(reader, guild, id).await?),
        None => Ok(None),
    }
}

/// The answer to a push.
#[derive(Serialize, ToSchema)]
pub(super) struct PushAnswer {
    ok: bool,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    msg: Option<String>,
}

fn pushed(status: StatusCode, refusal: Option<&str>) -> Response {
    let answer = PushAnswer {
        ok: refusal.is_none(),
        msg: refusal.map(str::to_owned),
    };
    let mut response = json_response(status, &answer);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_in_uptime_kuma() {
        let millis = |number: u64| Some(Duration::from_millis(number));
        for (query, is_up, message, run_time) in [
            (&[][..], true, "", None),
            (
                &[("status", "up"), ("msg", "OK"), ("ping", "")],
                true,
                "OK",
                None,
            ),
            (&[("status", ""), ("ping", "12")], true, "", millis(12)),
            (
                &[("status", "down"), ("msg", "no disk")],
                false,
                "no disk",
                None,
            ),
            (&[("status", "UP")], false, "", None),
            (&[("status", "up"), ("status", "down")], false, "", None),
            (&[("status", "up"), ("status", "up")], false, "", None),
            (&[("msg", "a"), ("msg", "b")], true, "a", None),
            (&[("ping", "NaN")], true, "", None),
            (&[("ping", "-1")], true, "", None),
            (&[("ping", "1"), ("ping", "2")], true, "", millis(1)),
            (&[("key", "value")], true, "", None),
        ] {
            let pairs = query
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()));
            let expected = Push {
                is_up,
                message: message.into(),
                run_time,
            };
            assert_eq!(Push::new(pairs.collect()), expected, "{query:?}");
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(KEPT_BODY);
        let push = Push::new(vec![("msg".into(), long)]);
        assert_eq!(push.message.len(), KEPT_BODY);
    }
}
