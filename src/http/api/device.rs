//! Devices: they register and send heartbeats, and programs read and change them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::auth::{Caller, Reporter};
use super::body::Fields;
use super::problem::Problem;
use crate::actions::devices::check_in::{
    CheckIn, CheckInError, CheckedIn, Payload, PresentedKey, Registration,
};
use crate::actions::devices::manage_device::{self, DeviceEdit};
use crate::domain::devices::device::{DeviceUuid, parse_threshold};
use crate::domain::key::KeyKind::{Admin, Device as DeviceKey, Fleet, Read};
use crate::domain::monitor::parse_name;
use crate::domain::patch::Patch;
use crate::domain::status::Status;
use crate::domain::text;
use crate::http::HttpState;
use crate::store::devices::device::{self, Device};
use crate::store::devices::device_state;

/// The body of a registration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    uuid: Option<String>,
    device_name: Option<String>,
    device_type: Option<String>,
}

/// `POST /device/register`, with a fleet or an admin key.
pub(super) async fn register(
    State(app): State<HttpState>,
    caller: Reporter,
    Fields(payload): Fields<Register>,
) -> Result<Response, Problem> {
    caller.must_be(&[Fleet, Admin])?;
    let uuid = match &payload.uuid {
        Some(text) => DeviceUuid::parse(text).map_err(|error| unprocessable("uuid", error))?,
        None => random_uuid()?,
    };
    rate_limit(&app, &caller, &uuid)?;
    let named = |field: &str, text: Option<String>| {
        text.map(|text| parse_name(&text).map_err(|error| unprocessable(field, error)))
            .transpose()
    };
    let registration = Registration {
        name: named("device_name", payload.device_name)?,
        device_type: named("device_type", payload.device_type)?,
    };
    let payload = Payload::Registration(registration);
    let checked_in = check_in(&app, &caller, uuid.clone(), payload).await?;
    let status = match checked_in.made {
        Some(_) => StatusCode::CREATED,
        None => StatusCode::OK,
    };
    Ok(answer(status, &named_device(&uuid, &checked_in)))
}

/// `POST /device/{uuid}/heartbeat`, with the device's own key, or with a fleet or an admin key, which create an unknown
/// device.
pub(super) async fn heartbeat(
    State(app): State<HttpState>,
    caller: Reporter,
    Path(uuid): Path<String>,
) -> Result<Response, Problem> {
    let uuid = itself(&app, &caller, &uuid)?;
    let checked_in = check_in(&app, &caller, uuid.clone(), Payload::Nothing).await?;
    Ok(received(&uuid, &checked_in))
}

/// `GET /devices`, with a read or an admin key.
pub(super) async fn list(
    State(app): State<HttpState>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin])?;
    let devices = device::list(&app.store.reader, caller.0.guild_id).await?;
    let devices: Vec<Value> = devices.iter().map(shown).collect();
    Ok(answer(StatusCode::OK, &json!({ "devices": devices })))
}

/// `GET /devices/{uuid}`, with a read or an admin key, or the device's own. Includes both states.
pub(super) async fn show(
    State(app): State<HttpState>,
    caller: Caller,
    Path(uuid): Path<String>,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin, DeviceKey])?;
    let device = readable(&app, &caller, &uuid).await?;
    is_alive(&app, caller, &device).await?;
    with_states(&app, &device).await
}

/// The body of a change to a device.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceBody {
    name: Option<String>,
    /// A duration such as `90s` or `26h`; `null` restores the default from the settings.
    #[serde(default, deserialize_with = "super::body::patch")]
    threshold: Patch<String>,
    target_state: Option<Map<String, Value>>,
}

/// `PATCH /devices/{uuid}`, with an admin key.
pub(super) async fn edit(
    State(app): State<HttpState>,
    caller: Caller,
    Path(uuid): Path<String>,
    Fields(change): Fields<DeviceBody>,
) -> Result<Response, Problem> {
    caller.must_be(&[Admin])?;
    let device = readable(&app, &caller, &uuid).await?;
    let name = change.name.map(|name| parse_name(&name)).transpose();
    let threshold = change.threshold.try_map(|text| parse_threshold(&text));
    let edit = DeviceEdit {
        name: name.map_err(|error| unprocessable("name", error))?,
        threshold: threshold.map_err(|error| unprocessable("threshold", error))?,
        target: change
            .target_state
            .map(|state| Value::Object(state).to_string()),
    };
    manage_device::edit(
        &app.store,
        caller.requester(),
        device.clone(),
        edit,
        app.clock.now(),
    )
    .await?;
    let device = readable(&app, &caller, device.uuid.as_str()).await?;
    with_states(&app, &device).await
}

/// The UUID of the device that sends this request, with its own key or with a fleet or admin key. Applies the device's rate
/// limit; each device has its own, even if many share a key.
pub(super) fn itself(
    app: &HttpState,
    caller: &Reporter,
    uuid: &str,
) -> Result<DeviceUuid, Problem> {
    caller.must_be(&[DeviceKey, Fleet, Admin])?;
    let uuid = DeviceUuid::parse(uuid).map_err(|_| Problem::not_found())?;
    rate_limit(app, caller, &uuid)?;
    Ok(uuid)
}

/// A device that the caller may read. A device's own key gives no access to other devices.
pub(super) async fn readable(
    app: &HttpState,
    caller: &Caller,
    uuid: &str,
) -> Result<Device, Problem> {
    let uuid = DeviceUuid::parse(uuid).map_err(|_| Problem::not_found())?;
    let device = device::get(&app.store.reader, caller.0.guild_id, &uuid).await?;
    device
        .filter(|device| caller.0.kind != DeviceKey || Some(device.id) == caller.0.monitor_id)
        .ok_or_else(Problem::not_found)
}

/// Records a heartbeat if a device reads about itself.
pub(super) async fn is_alive(
    app: &HttpState,
    caller: Caller,
    device: &Device,
) -> Result<(), Problem> {
    if caller.0.kind == DeviceKey {
        let itself = Reporter(Arc::new(caller.0));
        rate_limit(app, &itself, &device.uuid)?;
        check_in(app, &itself, device.uuid.clone(), Payload::Nothing).await?;
    }
    Ok(())
}

/// Applies the rate limit of a device. A device's own key counts against that device only, so it cannot use up the limit of
/// another.
fn rate_limit(app: &HttpState, caller: &Reporter, uuid: &DeviceUuid) -> Result<(), Problem> {
    let mut hasher = DefaultHasher::new();
    match caller.0.monitor_id {
        Some(own) => own.0.hash(&mut hasher),
        None => (caller.0.guild_id, uuid).hash(&mut hasher),
    }
    app.limits.authenticated.take(hasher.finish())
}

/// Records a heartbeat of a device with its payload.
pub(super) async fn check_in(
    app: &HttpState,
    caller: &Reporter,
    uuid: DeviceUuid,
    payload: Payload,
) -> Result<CheckedIn, Problem> {
    let heartbeat = CheckIn {
        requester: caller.requester(),
        uuid,
        payload,
        key: Some(PresentedKey {
            id: caller.0.id,
            owner: caller.0.monitor_id,
        }),
    };
    let checked_in = app.heartbeats.check_in(heartbeat).await;
    if let Err(CheckInError::Key) = checked_in {
        app.key_cache.forget(&caller.0.id);
    }
    Ok(checked_in?)
}

fn random_uuid() -> Result<DeviceUuid, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| crate::store::StoreError::Damaged("cannot generate random numbers".into()))?;
    Ok(DeviceUuid::from_random(bytes))
}

pub(super) fn unprocessable(field: &str, error: impl std::fmt::Display) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        format!("`{field}`: {error}"),
    )
}

/// The response to a recorded heartbeat: the device is online.
pub(super) fn received(uuid: &DeviceUuid, checked_in: &CheckedIn) -> Response {
    let mut details = named_device(uuid, checked_in);
    details["status"] = json!(Status::Online.as_str());
    answer(StatusCode::OK, &details)
}

/// Includes the key only if it was just created: it cannot be shown again.
fn named_device(uuid: &DeviceUuid, checked_in: &CheckedIn) -> Value {
    let mut details = json!({ "uuid": uuid.as_str() });
    if let Some(key) = &checked_in.made {
        details["device_key"] = json!(key.reveal());
    }
    details
}

async fn with_states(app: &HttpState, device: &Device) -> Result<Response, Problem> {
    let state = device_state::get(&app.store.reader, device.id).await?;
    let object = |text: &str| -> Value { serde_json::from_str(text).unwrap_or_default() };
    let mut details = shown(device);
    details["target_state"] = object(&state.target);
    details["current_state"] = object(&state.current);
    details["state_reported_at"] = json!(state.reported_at.map(text::timestamp));
    Ok(answer(StatusCode::OK, &details))
}

fn shown(device: &Device) -> Value {
    json!({
        "uuid": device.uuid.as_str(), "name": device.name, "device_type": device.device_type,
        "status": device.status.as_str(), "is_online": device.status == Status::Online,
        "is_active": device.is_active, "last_connectivity_event": device.last_seen_at.map(text::timestamp),
        "failure": device.failure, "threshold_seconds": device.threshold.as_ref().map(Duration::as_secs),
        "since": text::timestamp(device.since), "created_at": text::timestamp(device.created_at),
    })
}

/// A JSON response.
pub(super) fn answer(status: StatusCode, details: &Value) -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    (status, [kind], format!("{details}\n")).into_response()
}
