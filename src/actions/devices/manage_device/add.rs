//! Adds devices: with a key of their own, for pings, or at the first ping by a slug.

use std::time::Duration;

use serde_json::json;

use super::push_token::set_push_token;
use crate::actions::devices::check_in::CheckInError;
use crate::actions::{Error, Requester, claim_name, manage_key};
use crate::domain::Timestamp;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::push_token::PushToken;
use crate::domain::devices::slug::Slug;
use crate::domain::event::EventKind;
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::status::Status;
use crate::store::devices::device::{self, UnsavedDevice};
use crate::store::devices::known_device;
use crate::store::event;
use crate::store::monitors::monitor_name;
use crate::store::{Store, StoreError, Tx};

/// A device that is added before its first heartbeat.
#[derive(Clone, Debug)]
pub struct NewDevice {
    pub uuid: DeviceUuid,
    pub name: String,
    pub device_type: Option<String>,
    /// `None`: derived from the name.
    pub slug: Option<Slug>,
    pub push_token: Option<PushToken>,
    /// `None`: the threshold from the settings.
    pub threshold: Option<Duration>,
}

/// Adds a device and creates its key, which is shown once. Its status is unknown until its first heartbeat. A guild has at
/// most `quota` devices.
///
/// # Errors
/// `Conflict` if the guild has a device with this UUID or this name, if a device of any guild has this push token, or beyond
/// the quota.
pub async fn add(
    store: &Store,
    requester: Requester,
    new: NewDevice,
    quota: u64,
    now: Timestamp,
) -> Result<ApiKey, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let id = add_in(tx, requester, &new, quota, now).await?;
                Ok(manage_key::create_in(tx, requester, KeyKind::Device, Some(id), now).await?)
            })
        })
        .await
}

/// Adds a device that sends pings. It gets no key of its own, because the URL of its pings is enough.
///
/// # Errors
/// As `add`.
pub async fn add_for_pings(
    store: &Store,
    requester: Requester,
    new: NewDevice,
    quota: u64,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                add_in(tx, requester, &new, quota, now).await?;
                Ok(())
            })
        })
        .await
}

/// Adds a device within a transaction of the caller.
async fn add_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: &NewDevice,
    quota: u64,
    now: Timestamp,
) -> Result<MonitorId, Error> {
    let place = (requester.guild, new.uuid.clone());
    if !known_device::known(tx, &[place]).await?.is_empty() {
        return Err(Error::Conflict(
            "a device with this uuid already exists. Choose another uuid, or edit the device"
                .into(),
        ));
    }
    let id = insert(tx, requester, new, quota, now).await;
    let id = id.map_err(|error| match error {
        CheckInError::Store(error) => Error::Internal(error),
        refusal => Error::Conflict(refusal.to_string()),
    })?;
    if let Some(token) = &new.push_token {
        set_push_token(tx, id, Some(token)).await?;
    }
    Ok(id)
}

/// The device that a ping by slug belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceOfSlug {
    pub uuid: DeviceUuid,
    pub is_new: bool,
}

/// Adds a device for a slug, named after it, unless the guild has one already. If the name is taken, it gets the next free
/// form. It gets no key of its own, because nothing could show that key.
///
/// # Errors
/// `Quota` if the guild has `quota` devices.
pub async fn add_for_slug(
    store: &Store,
    requester: Requester,
    slug: Slug,
    quota: u64,
    now: Timestamp,
) -> Result<DeviceOfSlug, CheckInError> {
    let mut new = NewDevice {
        uuid: random_uuid()?,
        name: slug.default_name(),
        device_type: None,
        slug: Some(slug.clone()),
        push_token: None,
        threshold: None,
    };
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = device::uuid_with_slug(tx, requester.guild, &slug).await?;
                let is_new = known.is_none();
                let uuid = match known {
                    Some(uuid) => uuid,
                    None => {
                        let scope = requester.names_of(MonitorKind::Device);
                        new.name = monitor_name::free_form(tx, scope, &new.name).await?;
                        insert(tx, requester, &new, quota, now).await?;
                        new.uuid
                    }
                };
                Ok(DeviceOfSlug { uuid, is_new })
            })
        })
        .await
}

/// A random UUID for a new device.
pub fn random_uuid() -> Result<DeviceUuid, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| StoreError::Damaged("cannot generate random numbers".into()))?;
    Ok(DeviceUuid::from_random(bytes))
}

/// Adds the row of a device and its event, within the quota.
async fn insert(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: &NewDevice,
    quota: u64,
    now: Timestamp,
) -> Result<MonitorId, CheckInError> {
    if device::count(tx, requester.guild).await? >= quota {
        return Err(CheckInError::Quota(quota));
    }
    let scope = requester.names_of(MonitorKind::Device);
    let name = claim_name::for_new(tx, scope, &new.name).await?;
    name.map_err(CheckInError::Name)?;
    let derived = Slug::from_name(&new.name);
    let slug = new.slug.as_ref().or(derived.as_ref());
    let row = UnsavedDevice {
        guild: requester.guild,
        uuid: &new.uuid,
        name: &new.name,
        device_type: new.device_type.as_deref(),
        slug,
        threshold: new.threshold,
        status: Status::Unknown,
    };
    let id = device::insert(tx, &row, now).await?;
    let details = json!({
        "uuid": new.uuid.as_str(), "name": new.name, "slug": slug.map(Slug::as_str),
        "threshold_ms": new.threshold.map(crate::domain::millis), "status": row.status.as_str(),
    });
    let event = requester.event(EventKind::DeviceRegistered, Some(id), details, now);
    event::append(tx, &event).await?;
    Ok(id)
}
