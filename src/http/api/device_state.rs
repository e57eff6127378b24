//! Device state: the target state, which a device reads, and the current state, which it reports. Both are free-form JSON
//! objects.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::auth::Reporter;
use super::body::Fields;
use super::device::{check_in, itself, received, unprocessable};
use super::problem::Problem;
use crate::actions::devices::check_in::{CheckedIn, Payload};
use crate::domain::devices::device::DeviceUuid;
use crate::http::HttpState;
use crate::store::devices::{device, device_state};

/// The header with the device's own key, if this request created it: the body is the state.
const KEY_HEADER: &str = "rollcall-device-key";

/// `GET /device/{uuid}/state`: the target state, with an `ETag`. A 304 response counts as a heartbeat, too.
pub(super) async fn target(
    State(app): State<HttpState>,
    caller: Reporter,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let uuid = itself(&app, &caller, &uuid)?;
    let checked_in = check_in(&app, &caller, uuid, Payload::Nothing).await?;
    let state = device_state::get(&app.store.reader, checked_in.id).await?;
    let tag = tag_of(&state.target);
    let asked = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let mut response = if asked.is_some_and(|asked| matches(asked, &tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = (header::CONTENT_TYPE, "application/json");
        ([kind], format!("{}\n", state.target)).into_response()
    };
    set_headers(response.headers_mut(), &tag, &checked_in);
    Ok(response)
}

fn set_headers(headers: &mut HeaderMap, tag: &str, checked_in: &CheckedIn) {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    let key = checked_in.made.as_ref().map(|key| key.reveal());
    if let Some(Ok(key)) = key.as_deref().map(HeaderValue::from_str) {
        headers.insert(KEY_HEADER, key);
    }
}

fn tag_of(state: &str) -> String {
    let hash = Sha256::digest(state);
    let hex: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{hex}\"")
}

/// Whether an `If-None-Match` header contains this tag (RFC 9110, section 13.1.2: weak comparison).
fn matches(asked: &str, tag: &str) -> bool {
    asked.split(',').map(str::trim).any(|one| {
        let strong = one.strip_prefix("W/").unwrap_or(one);
        one == "*" || strong == tag
    })
}

/// `PATCH /device/{uuid}/state`: changes of the current state, as a JSON merge patch.
pub(super) async fn report(
    State(app): State<HttpState>,
    caller: Reporter,
    Path(uuid): Path<String>,
    Fields(changes): Fields<Map<String, Value>>,
) -> Result<Response, Problem> {
    let uuid = itself(&app, &caller, &uuid)?;
    let checked_in = check_in(&app, &caller, uuid.clone(), Payload::State(changes)).await?;
    Ok(received(&uuid, &checked_in))
}

/// `PATCH /device/state`: the same for the device in the field `uuid`, or else for the owner of the key.
pub(super) async fn report_own(
    State(app): State<HttpState>,
    caller: Reporter,
    Fields(mut changes): Fields<Map<String, Value>>,
) -> Result<Response, Problem> {
    let uuid = match (changes.remove("uuid"), caller.0.monitor_id) {
        (Some(Value::String(uuid)), _) => uuid,
        (None, Some(_)) => own_uuid(&app, &caller).await?.as_str().to_owned(),
        (Some(_) | None, _) => {
            return Err(unprocessable(
                "uuid",
                "the field `uuid` is missing. Example: `\"uuid\": \"7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f\"`",
            ));
        }
    };
    let uuid = itself(&app, &caller, &uuid)?;
    let checked_in = check_in(&app, &caller, uuid.clone(), Payload::State(changes)).await?;
    Ok(received(&uuid, &checked_in))
}

async fn own_uuid(app: &HttpState, caller: &Reporter) -> Result<DeviceUuid, Problem> {
    let id = caller.0.monitor_id.ok_or_else(Problem::not_found)?;
    let device = device::by_id(&app.store.reader, caller.0.guild_id, id).await?;
    device
        .map(|device| device.uuid)
        .ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_uses_weak_comparison() {
        let tag = tag_of("{}");
        assert_eq!(tag.len(), 34);
        assert_ne!(tag, tag_of(r#"{"a":1}"#));
        for (asked, is_match) in [
            (tag.clone(), true),
            (format!("W/{tag}"), true),
            (format!("\"other\", {tag}"), true),
            ("*".to_owned(), true),
            ("\"other\"".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(matches(&asked, &tag), is_match, "{asked}");
        }
    }
}
