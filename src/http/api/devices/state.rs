//! Device state: the target state, which a device reads, and the current state, which it reports. Both are free-form JSON
//! objects.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::send::{HeartbeatReceived, check_in, limit, received};
use crate::actions::devices::check_in::{CheckedIn, Payload};
use crate::domain::devices::device::DeviceUuid;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{InBody, InPath, OwnKey};
use crate::http::api::routes::{Answer, Described, Json};
use crate::http::api::values::{JsonObject, UuidText};
use crate::store::devices::{device, device_state};

/// The header with the device's own key, if this request created it: the body is the state.
const KEY_HEADER: &str = "rollcall-device-key";

/// The target state with its `ETag`, or that it has not changed.
pub(super) struct TargetState {
    state: String,
    tag: String,
    is_known: bool,
    checked_in: CheckedIn,
}

pub(super) async fn target(
    key: OwnKey,
    State(app): State<HttpState>,
    InPath(uuid): InPath<DeviceUuid>,
    headers: HeaderMap,
) -> Result<TargetState, Problem> {
    limit(&app, &key, &uuid)?;
    let checked_in = check_in(&app, &key, uuid, Payload::Nothing).await?;
    let state = device_state::get(&app.store.reader, checked_in.id).await?;
    let tag = tag_of(&state.target);
    let asked = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    Ok(TargetState {
        is_known: asked.is_some_and(|asked| matches(asked, &tag)),
        state: state.target,
        tag,
        checked_in,
    })
}

impl IntoResponse for TargetState {
    fn into_response(self) -> Response {
        let mut response = if self.is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let kind = (header::CONTENT_TYPE, "application/json");
            ([kind], format!("{}\n", self.state)).into_response()
        };
        set_headers(response.headers_mut(), &self.tag, &self.checked_in);
        response
    }
}

impl Answer for TargetState {
    fn describe(described: &mut Described) {
        described.answers::<JsonObject>(StatusCode::OK, "The target state");
        let unchanged = utoipa::openapi::Response::new("The target state has not changed");
        described
            .answers
            .push((StatusCode::NOT_MODIFIED, unchanged));
        for (_, response) in &mut described.answers {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            let tag = HeaderBuilder::new().schema(Some(text)).build();
            response.headers.insert("ETag".to_owned(), RefOr::T(tag));
        }
    }
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

/// The changes are a JSON merge patch (RFC 7396).
pub(super) async fn report(
    key: OwnKey,
    State(app): State<HttpState>,
    InPath(uuid): InPath<DeviceUuid>,
    InBody(JsonObject(changes)): InBody<JsonObject>,
) -> Result<Json<HeartbeatReceived>, Problem> {
    limit(&app, &key, &uuid)?;
    let checked_in = check_in(&app, &key, uuid.clone(), Payload::State(changes)).await?;
    Ok(received(&uuid, checked_in))
}

/// Changes of the current state, beside the device that they are about.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "uuid": "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f", "speed": 1 })))]
pub(super) struct OwnState {
    uuid: Option<UuidText>,
    #[serde(flatten)]
    #[schema(additional_properties, value_type = HashMap<String, Value>)]
    changes: Map<String, Value>,
}

/// Changes of the state of the device in the field `uuid`, or else of the owner of the key.
pub(super) async fn report_own(
    key: OwnKey,
    State(app): State<HttpState>,
    InBody(OwnState { uuid, changes }): InBody<OwnState>,
) -> Result<Json<HeartbeatReceived>, Problem> {
    let uuid = match uuid {
        Some(uuid) => uuid.0,
        None => own_uuid(&app, &key).await?,
    };
    limit(&app, &key, &uuid)?;
    let checked_in = check_in(&app, &key, uuid.clone(), Payload::State(changes)).await?;
    Ok(received(&uuid, checked_in))
}

async fn own_uuid(app: &HttpState, key: &OwnKey) -> Result<DeviceUuid, Problem> {
    let missing = || {
        Problem::new(
            StatusCode::CONFLICT,
            "the field `uuid` is missing, and this key belongs to no device. Example: `\"uuid\": \"7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f\"`",
        )
    };
    let id = key.0.monitor_id.ok_or_else(missing)?;
    let device = device::by_id(&app.store.reader, key.0.guild_id, id).await?;
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
