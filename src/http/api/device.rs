//! Devices: they register, they beat, and programs read how they stand.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::body;
use super::problem::Problem;
use crate::actions::check_in::{CheckIn, CheckedIn, Registration};
use crate::domain::device::DeviceUuid;
use crate::domain::key::KeyKind::{Admin, Device as DeviceKey, Fleet, Read};
use crate::domain::monitor::parse_name;
use crate::domain::text;
use crate::http::Desk;
use crate::store::device::{self, Device};

/// What a device says of itself when it registers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    uuid: Option<String>,
    device_name: Option<String>,
    device_type: Option<String>,
}

/// `POST /device/register`, with a fleet or an admin key.
pub(super) async fn register(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let caller = Caller::of(&desk, &headers).await?;
    caller.must_be(&[Fleet, Admin])?;
    let said: Register = body::object(&headers, body).await?;
    let uuid = match &said.uuid {
        Some(text) => DeviceUuid::parse(text).map_err(|error| unprocessable("uuid", error))?,
        None => random_uuid()?,
    };
    pace(&desk, &caller, &uuid)?;
    let named = |field: &str, text: Option<String>| {
        text.map(|text| parse_name(&text).map_err(|error| unprocessable(field, error)))
            .transpose()
    };
    let registration = Registration {
        name: named("device_name", said.device_name)?,
        device_type: named("device_type", said.device_type)?,
    };
    let checked_in = check_in(&desk, &caller, uuid.clone(), Some(registration)).await?;
    let status = match checked_in.made {
        Some(_) => StatusCode::CREATED,
        None => StatusCode::OK,
    };
    Ok(answer(status, &named_device(&uuid, &checked_in)))
}

/// `POST /device/{uuid}/heartbeat`, with the device's own key, or with a fleet or an admin key: those make the device
/// where it is not known.
pub(super) async fn heartbeat(
    State(desk): State<Desk>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = Caller::of(&desk, &headers).await?;
    caller.must_be(&[DeviceKey, Fleet, Admin])?;
    let uuid = DeviceUuid::parse(&uuid).map_err(|_| Problem::not_found())?;
    must_be_its_own(&desk, &caller, &uuid).await?;
    pace(&desk, &caller, &uuid)?;
    let checked_in = check_in(&desk, &caller, uuid.clone(), None).await?;
    let mut facts = named_device(&uuid, &checked_in);
    facts["status"] = json!("online");
    Ok(answer(StatusCode::OK, &facts))
}

/// `GET /devices`, with a read or an admin key.
pub(super) async fn list(
    State(desk): State<Desk>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = Caller::of(&desk, &headers).await?;
    caller.must_be(&[Read, Admin])?;
    let devices = device::list(&desk.store.reader, caller.0.guild_id).await?;
    let devices: Vec<Value> = devices.iter().map(shown).collect();
    Ok(answer(StatusCode::OK, &json!({ "devices": devices })))
}

/// `GET /devices/{uuid}`, with a read or an admin key, or the device's own.
pub(super) async fn show(
    State(desk): State<Desk>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = Caller::of(&desk, &headers).await?;
    caller.must_be(&[Read, Admin, DeviceKey])?;
    let uuid = DeviceUuid::parse(&uuid).map_err(|_| Problem::not_found())?;
    must_be_its_own(&desk, &caller, &uuid).await?;
    let device = device::get(&desk.store.reader, caller.0.guild_id, &uuid).await?;
    let device = device.ok_or_else(Problem::not_found)?;
    Ok(answer(StatusCode::OK, &shown(&device)))
}

/// A device's own key opens nothing of another device's.
async fn must_be_its_own(desk: &Desk, caller: &Caller, uuid: &DeviceUuid) -> Result<(), Problem> {
    if caller.0.kind != DeviceKey {
        return Ok(());
    }
    let device = device::get(&desk.store.reader, caller.0.guild_id, uuid).await?;
    match device {
        Some(device) if Some(device.id) == caller.0.monitor_id => Ok(()),
        _ => Err(Problem::not_found()),
    }
}

/// Each device has a pace of its own, also where many share a key.
fn pace(desk: &Desk, caller: &Caller, uuid: &DeviceUuid) -> Result<(), Problem> {
    let mut hasher = DefaultHasher::new();
    (caller.0.guild_id, uuid).hash(&mut hasher);
    desk.pace.take(hasher.finish())
}

async fn check_in(
    desk: &Desk,
    caller: &Caller,
    uuid: DeviceUuid,
    registration: Option<Registration>,
) -> Result<CheckedIn, Problem> {
    let call = CheckIn {
        asker: caller.asker(),
        uuid,
        registration,
    };
    Ok(desk.listening.check_in(call).await?)
}

fn random_uuid() -> Result<DeviceUuid, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| crate::store::StoreError::Damaged("no random numbers".into()))?;
    Ok(DeviceUuid::from_random(bytes))
}

fn unprocessable(field: &str, error: impl std::fmt::Display) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        format!("`{field}`: {error}"),
    )
}

/// The key only where it has just been made: nobody can show it again.
fn named_device(uuid: &DeviceUuid, checked_in: &CheckedIn) -> Value {
    let mut facts = json!({ "uuid": uuid.as_str() });
    if let Some(key) = &checked_in.made {
        facts["device_key"] = json!(key.reveal());
    }
    facts
}

fn shown(device: &Device) -> Value {
    json!({
        "uuid": device.uuid.as_str(), "name": device.name, "device_type": device.device_type,
        "status": device.status.word(), "is_online": device.status == crate::domain::status::Status::Online,
        "is_active": device.is_active, "last_connectivity_event": device.last_seen_at.map(text::timestamp),
        "since": text::timestamp(device.since), "created_at": text::timestamp(device.created_at),
    })
}

/// A JSON answer.
pub(super) fn answer(status: StatusCode, facts: &Value) -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    (status, [kind], format!("{facts}\n")).into_response()
}
