//! What devices send: registrations and heartbeats. Each is recorded before it is answered.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actions::devices::check_in::{
    CheckIn, CheckInError, CheckedIn, Payload, PresentedKey, Registration,
};
use crate::actions::devices::manage_device;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::status::Status;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{InBody, InPath, OwnKey, RateSubject, Registrar, Sender};
use crate::http::api::routes::{Answer, Described, Json};
use crate::http::api::values::{Name, StatusWord, UuidText, Word};
use crate::http::json_response::json_response;

/// A registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "device_name": "pump", "device_type": "esp32" })))]
pub(super) struct RegisterDevice {
    /// Default: a new one.
    uuid: Option<UuidText>,
    device_name: Option<Name>,
    device_type: Option<Name>,
}

/// The answer to a registration.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "uuid": "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f" })))]
pub(super) struct RegisteredDevice {
    uuid: String,
    /// The key of a new device, which is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    device_key: Option<String>,
}

/// 201 for a new device, 200 for a known one.
pub(super) struct Registered {
    is_new: bool,
    view: RegisteredDevice,
}

impl IntoResponse for Registered {
    fn into_response(self) -> Response {
        let status = match self.is_new {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        json_response(status, &self.view)
    }
}

impl Answer for Registered {
    fn describe(described: &mut Described) {
        described.answers::<RegisteredDevice>(StatusCode::OK, "The device already exists");
        described.answers::<RegisteredDevice>(StatusCode::CREATED, "The device was added");
    }
}

pub(super) async fn register(
    key: Registrar,
    State(app): State<HttpState>,
    InBody(body): InBody<RegisterDevice>,
) -> Result<Registered, Problem> {
    let has_uuid = body.uuid.is_some();
    let uuid = match body.uuid {
        Some(uuid) => uuid.0,
        None => manage_device::random_uuid()?,
    };
    limit(&app, &key, &uuid)?;
    let registration = Registration {
        name: body.device_name.map(|name| name.0),
        device_type: body.device_type.map(|name| name.0),
    };
    let payload = Payload::Registration(registration);
    let recorded = record(&app, &key, uuid.clone(), payload).await;
    let checked_in = recorded.map_err(|error| match error {
        CheckInError::Name(taken) if !has_uuid => {
            Problem::new(StatusCode::CONFLICT, taken.without_uuid())
        }
        error => error.into(),
    })?;
    Ok(Registered {
        is_new: checked_in.made.is_some(),
        view: RegisteredDevice {
            uuid: uuid.as_str().to_owned(),
            device_key: checked_in.made.map(|key| key.reveal()),
        },
    })
}

/// The answer to a heartbeat.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "uuid": "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f", "status": "online" })))]
pub(super) struct HeartbeatReceived {
    uuid: String,
    status: StatusWord,
    /// The device's own key, if this heartbeat added it. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    device_key: Option<String>,
}

pub(super) async fn heartbeat(
    key: OwnKey,
    State(app): State<HttpState>,
    InPath(uuid): InPath<DeviceUuid>,
) -> Result<Json<HeartbeatReceived>, Problem> {
    limit(&app, &key, &uuid)?;
    let checked_in = check_in(&app, &key, uuid.clone(), Payload::Nothing).await?;
    Ok(received(&uuid, checked_in))
}

/// The answer to a recorded heartbeat: the device is online.
pub(super) fn received(uuid: &DeviceUuid, checked_in: CheckedIn) -> Json<HeartbeatReceived> {
    Json(HeartbeatReceived {
        uuid: uuid.as_str().to_owned(),
        status: Word(Status::Online),
        device_key: checked_in.made.map(|key| key.reveal()),
    })
}

/// Applies the rate limit of a device. A device's own key counts against that device only, so it cannot use up the limit of
/// another.
pub(super) fn limit<K>(app: &HttpState, key: &Sender<K>, uuid: &DeviceUuid) -> Result<(), Problem> {
    let mut hasher = DefaultHasher::new();
    match key.0.monitor_id {
        Some(own) => own.0.hash(&mut hasher),
        None => (key.0.guild_id, uuid).hash(&mut hasher),
    }
    app.limits
        .authenticated
        .take(RateSubject::Device, hasher.finish())
}

/// Records a heartbeat of a device with its payload.
pub(super) async fn check_in<K>(
    app: &HttpState,
    key: &Sender<K>,
    uuid: DeviceUuid,
    payload: Payload,
) -> Result<CheckedIn, Problem> {
    Ok(record(app, key, uuid, payload).await?)
}

async fn record<K>(
    app: &HttpState,
    key: &Sender<K>,
    uuid: DeviceUuid,
    payload: Payload,
) -> Result<CheckedIn, CheckInError> {
    let heartbeat = CheckIn {
        requester: key.requester(),
        uuid,
        payload,
        key: Some(PresentedKey {
            id: key.0.id,
            owner: key.0.monitor_id,
        }),
    };
    let checked_in = app.heartbeats.check_in(heartbeat).await;
    if let Err(CheckInError::Key) = checked_in {
        app.key_cache.forget(&key.0.id);
    }
    checked_in
}
