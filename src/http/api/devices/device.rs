//! Devices as programs read and change them.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::send;
use crate::actions::devices::check_in::Payload;
use crate::actions::devices::manage_device::{self, DeviceEdit, NewDevice};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::key::KeyKind;
use crate::domain::patch::Patch;
use crate::domain::status::Status;
use crate::http::HttpState;
use crate::http::api::list::{ByName, Cursor, PageQuery, page_of};
use crate::http::api::problem::Problem;
use crate::http::api::request::{
    Admin, Caller, InBody, InPath, InQuery, OfDevice, OwnKey, Reader, ReaderOf, patch,
};
use crate::http::api::routes::{Created, Json, NoContent};
use crate::http::api::values::{
    DateTime, DeviceThreshold, Id, JsonObject, Name, PushTokenText, SlugText, StatusWord, UuidText,
    Word, date_time,
};
use crate::store::devices::device::{self, Device};
use crate::store::devices::device_state;

/// A device.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(super) struct DeviceView {
    /// Its number among all monitors, which silences, groups and alerts name.
    id: Id,
    #[schema(examples("7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f"))]
    uuid: String,
    #[schema(examples("pump"))]
    name: String,
    /// Names it in the URLs of pings; pings by a slug that several devices have are refused.
    #[schema(required, examples("pump"))]
    slug: Option<String>,
    #[schema(required, examples("esp32"))]
    device_type: Option<String>,
    status: StatusWord,
    is_online: bool,
    /// False while it is paused.
    is_active: bool,
    /// Its latest heartbeat.
    #[schema(required)]
    last_connectivity_event: Option<DateTime>,
    /// Why its last run failed, until the next success.
    #[schema(required, examples("exit status 1: disk full"))]
    failure: Option<String>,
    /// Null: that of the settings.
    #[schema(required, examples(93600))]
    threshold_seconds: Option<u64>,
    /// When the status began.
    since: DateTime,
    created_at: DateTime,
}

impl From<&Device> for DeviceView {
    fn from(device: &Device) -> Self {
        Self {
            id: device.id.0,
            uuid: device.uuid.as_str().to_owned(),
            name: device.name.clone(),
            slug: device.slug.as_ref().map(|slug| slug.as_str().to_owned()),
            device_type: device.device_type.clone(),
            status: Word(device.status),
            is_online: device.status == Status::Online,
            is_active: device.is_active,
            last_connectivity_event: device.last_seen_at.map(date_time),
            failure: device.failure.clone(),
            threshold_seconds: device.threshold.as_ref().map(Duration::as_secs),
            since: date_time(device.since),
            created_at: date_time(device.created_at),
        }
    }
}

/// A device with its states.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceDetails {
    #[serde(flatten)]
    device: DeviceView,
    /// The state that people want.
    target_state: JsonObject,
    /// The state that the device reported.
    current_state: JsonObject,
    #[schema(required)]
    state_reported_at: Option<DateTime>,
}

/// A page of devices.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceList {
    devices: Vec<DeviceView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<DeviceList>, Problem> {
    let devices = device::list(&app.store.reader, reader.0.guild_id).await?;
    let position = |device: &Device| ByName::new(&device.name, device.id.0);
    let page = page_of(devices, &query, position);
    Ok(Json(DeviceList {
        devices: page.items.iter().map(DeviceView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

pub(super) async fn show(
    reader: ReaderOf<OfDevice>,
    State(app): State<HttpState>,
    InPath(uuid): InPath<DeviceUuid>,
) -> Result<Json<DeviceDetails>, Problem> {
    let device = readable(&app, &reader, &uuid).await?;
    with_states(&app, &device).await
}

/// A device to be added before its first heartbeat.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "nightly backup", "threshold": "26h" })))]
pub(super) struct NewDeviceBody {
    name: Name,
    /// Default: a new one.
    uuid: Option<UuidText>,
    /// Default: made from the name.
    slug: Option<SlugText>,
    device_type: Option<Name>,
    /// Default: that of the settings.
    threshold: Option<DeviceThreshold>,
    /// Keeps the URL of an Uptime Kuma push, but for its host.
    push_token: Option<PushTokenText>,
}

/// A device that was added, with its key.
#[derive(Serialize, ToSchema)]
pub(super) struct AddedDevice {
    #[serde(flatten)]
    device: DeviceView,
    /// Its own key, which is not shown again.
    #[schema(examples("rc_device_…"))]
    device_key: String,
}

pub(super) async fn add(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<NewDeviceBody>,
) -> Result<Created<AddedDevice>, Problem> {
    let uuid = match body.uuid {
        Some(uuid) => uuid.0,
        None => manage_device::random_uuid()?,
    };
    let new = NewDevice {
        uuid: uuid.clone(),
        name: body.name.0,
        device_type: body.device_type.map(|name| name.0),
        slug: body.slug.map(|slug| slug.0),
        push_token: body.push_token.map(|token| token.0),
        threshold: body.threshold.map(|threshold| threshold.0),
    };
    let (requester, now) = (admin.requester(), app.clock.now());
    let key = manage_device::add(&app.store, requester, new, app.quota_devices, now).await?;
    let device = find(&app, &admin, &uuid).await?;
    Ok(Created(AddedDevice {
        device: (&device).into(),
        device_key: key.reveal(),
    }))
}

/// A change to a device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "pump", "threshold": "26h" })))]
pub(super) struct EditDevice {
    name: Option<Name>,
    /// Null: that of the settings.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<DeviceThreshold>)]
    threshold: Patch<DeviceThreshold>,
    /// Null: pings name it by its uuid only.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<SlugText>)]
    slug: Patch<SlugText>,
    /// Null: pushes name it by its uuid or its key only.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<PushTokenText>)]
    push_token: Patch<PushTokenText>,
    /// Replaces the target state.
    target_state: Option<JsonObject>,
}

pub(super) async fn edit(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(uuid): InPath<DeviceUuid>,
    InBody(body): InBody<EditDevice>,
) -> Result<Json<DeviceDetails>, Problem> {
    let device = find(&app, &admin, &uuid).await?;
    let edit = DeviceEdit {
        name: body.name.map(|name| name.0),
        threshold: body.threshold.map(|threshold| threshold.0),
        target: body
            .target_state
            .map(|state| Value::Object(state.0).to_string()),
        slug: body.slug.map(|slug| slug.0),
        push_token: body.push_token.map(|token| token.0),
    };
    let (requester, now) = (admin.requester(), app.clock.now());
    manage_device::edit(&app.store, requester, device.id, edit, now).await?;
    let device = find(&app, &admin, &uuid).await?;
    with_states(&app, &device).await
}

pub(super) async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(uuid): InPath<DeviceUuid>,
) -> Result<NoContent, Problem> {
    let id = device::id_of(&app.store.reader, admin.0.guild_id, &uuid).await?;
    let id = id.ok_or_else(Problem::not_found)?;
    manage_device::remove(&app.store, admin.requester(), id, app.clock.now()).await?;
    Ok(NoContent)
}

async fn find(app: &HttpState, caller: &Caller, uuid: &DeviceUuid) -> Result<Device, Problem> {
    let device = device::get(&app.store.reader, caller.0.guild_id, uuid).await?;
    device.ok_or_else(Problem::not_found)
}

/// A device that the caller may read. A device's own key gives no access to other devices; that the device reads about itself
/// is a heartbeat.
pub(super) async fn readable(
    app: &HttpState,
    reader: &ReaderOf<OfDevice>,
    uuid: &DeviceUuid,
) -> Result<Device, Problem> {
    let device = find(app, reader, uuid).await?;
    if reader.0.kind != KeyKind::Device {
        return Ok(device);
    }
    if Some(device.id) != reader.0.monitor_id {
        return Err(Problem::not_found());
    }
    let itself = OwnKey::from(reader.0.clone());
    send::limit(app, &itself, uuid)?;
    send::check_in(app, &itself, uuid.clone(), Payload::Nothing).await?;
    find(app, reader, uuid).await
}

async fn with_states(app: &HttpState, device: &Device) -> Result<Json<DeviceDetails>, Problem> {
    let state = device_state::get(&app.store.reader, device.id).await?;
    let object =
        |text: &str| -> Map<String, Value> { serde_json::from_str(text).unwrap_or_default() };
    Ok(Json(DeviceDetails {
        device: device.into(),
        target_state: JsonObject(object(&state.target)),
        current_state: JsonObject(object(&state.current)),
        state_reported_at: state.reported_at.map(date_time),
    }))
}
