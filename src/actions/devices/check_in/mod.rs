//! Records heartbeats of devices: the only way in which a device comes online. Heartbeats that arrive together are recorded
//! in one transaction; each is answered after the commit.

mod payload;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_json::json;

use crate::actions::claim_name::{self, TakenName};
use crate::actions::{Requester, manage_key, transition};
use crate::domain::Timestamp;
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::ping::Ping;
use crate::domain::devices::slug::Slug;
use crate::domain::devices::status_rule::{DeviceStanding, on_heartbeat};
use crate::domain::discord_id::GuildId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::key::{ApiKey, KeyId, KeyKind};
use crate::domain::monitor::{MonitorId, MonitorKind, ValidationError};
use crate::domain::patch::Patch;
use crate::domain::status::Status;
use crate::store::devices::device::{self, UnsavedDevice};
use crate::store::devices::device_log::NewLine;
use crate::store::devices::heartbeat::record_heartbeats;
use crate::store::devices::known_device::{self, Known};
use crate::store::event;
use crate::store::guild::daily_changes;
use crate::store::monitors::monitor_name;
use crate::store::{StoreError, Tx, api_key};

/// One heartbeat of a device.
#[derive(Clone, Debug)]
pub struct CheckIn {
    pub requester: Requester,
    pub uuid: DeviceUuid,
    pub payload: Payload,
    /// The key that it was sent with; `None` if the sender was authenticated in another way.
    pub key: Option<PresentedKey>,
}

/// A key that was valid when the heartbeat arrived. The transaction checks again whether it still is.
#[derive(Clone, Copy, Debug)]
pub struct PresentedKey {
    pub id: KeyId,
    /// The only device that the key is valid for; `None`: every device of its guild.
    pub owner: Option<MonitorId>,
}

/// A new device and its key.
const CHANGES_OF_REGISTRATION: u32 = 2;

/// Why a heartbeat was not recorded, or not completely.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CheckInError {
    #[error("the key is no longer valid")]
    Key,
    #[error("this key belongs to another device")]
    Device,
    #[error(
        "this Discord server has reached its limit of {0} devices. Remove some, or ask the operator to raise QUOTA_DEVICES"
    )]
    Quota(u64),
    #[error("{0}")]
    Name(TakenName),
    #[error("the devices of this Discord server send more than can be stored")]
    Busy,
    /// The heartbeat itself is recorded all the same.
    #[error("{0}")]
    Payload(ValidationError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Content of a heartbeat.
#[derive(Clone, Debug, Default)]
pub enum Payload {
    #[default]
    Nothing,
    /// Registers the device.
    Registration(Registration),
    /// Changes to the device's current state, as a JSON merge patch (RFC 7396).
    State(serde_json::Map<String, serde_json::Value>),
    /// Lines for the device's log.
    Lines(Vec<NewLine>),
    /// Progress of a run of the device's job.
    Ping(Ping),
}

/// Description that a device sends when it registers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    pub name: Option<String>,
    pub device_type: Option<String>,
}

/// Result of a recorded heartbeat.
#[derive(Clone, Debug)]
pub struct CheckedIn {
    pub id: MonitorId,
    /// The device's own key, which is shown once; `None` if the device was known before.
    pub made: Option<ApiKey>,
}

/// Records heartbeats in order. A guild has at most `quota` devices.
pub async fn record(
    tx: &mut Tx<'_>,
    heartbeats: &[CheckIn],
    quota: u64,
    now: Timestamp,
) -> Result<Vec<Result<CheckedIn, CheckInError>>, StoreError> {
    let wanted: Vec<(GuildId, DeviceUuid)> = heartbeats
        .iter()
        .map(|heartbeat| (heartbeat.requester.guild, heartbeat.uuid.clone()))
        .collect();
    let keys: Vec<KeyId> = heartbeats
        .iter()
        .filter_map(|heartbeat| Some(heartbeat.key?.id))
        .collect();
    let valid = api_key::valid_among(tx, &keys, now).await?;
    let mut batch = Batch {
        known: known_device::known(tx, &wanted).await?,
        seen: HashMap::with_capacity(heartbeats.len()),
        room: HashMap::new(),
        quota,
        now,
    };
    let mut results = Vec::with_capacity(heartbeats.len());
    for heartbeat in heartbeats {
        let is_valid = heartbeat.key.is_none_or(|key| valid.contains(&key.id));
        results.push(match is_valid {
            true => batch.record(tx, heartbeat).await?,
            false => Err(CheckInError::Key),
        });
    }
    let seen: Vec<(MonitorId, Timestamp)> = batch.seen.into_iter().collect();
    record_heartbeats(tx, &seen).await?;
    Ok(results)
}

/// Heartbeats that are recorded in one transaction.
struct Batch {
    known: HashMap<(GuildId, u128), Known>,
    seen: HashMap<MonitorId, Timestamp>,
    /// How many more devices each guild may have; counted when its first one of the batch is created.
    room: HashMap<GuildId, u64>,
    quota: u64,
    now: Timestamp,
}

impl Batch {
    async fn record(
        &mut self,
        tx: &mut Tx<'_>,
        heartbeat: &CheckIn,
    ) -> Result<Result<CheckedIn, CheckInError>, StoreError> {
        let identity = (heartbeat.requester.guild, heartbeat.uuid.number());
        let owner = heartbeat.key.and_then(|key| key.owner);
        let known = self.known.get(&identity).cloned();
        if owner.is_some() && owner != known.as_ref().map(|device| device.id) {
            return Ok(Err(CheckInError::Device));
        }
        let (device, made) = match known {
            Some(device) => (device, None),
            None => {
                let guild = heartbeat.requester.guild;
                let room = self.room(tx, guild).await?;
                if room == 0 {
                    return Ok(Err(CheckInError::Quota(self.quota)));
                }
                let name = match free_name(tx, heartbeat).await? {
                    Ok(name) => name,
                    Err(taken) => return Ok(Err(CheckInError::Name(taken))),
                };
                self.room.insert(guild, room - 1);
                // An error would undo the heartbeats of all guilds in this transaction.
                let allowed = daily_changes::require(tx, guild, CHANGES_OF_REGISTRATION, self.now);
                if let Err(error @ StoreError::TooManyChanges { .. }) = allowed.await {
                    return Ok(Err(error.into()));
                }
                let (device, key) = create(tx, heartbeat, &name, self.now).await?;
                (device, Some(key))
            }
        };
        let refused = payload::keep(tx, device.id, &heartbeat.payload, self.now).await?;
        let device = update_status(tx, heartbeat, device, self.now).await?;
        self.seen.insert(device.id, self.now);
        let id = device.id;
        self.known.insert(identity, device);
        Ok(match refused {
            Some(refusal) => Err(CheckInError::Payload(refusal)),
            None => Ok(CheckedIn { id, made }),
        })
    }
}

impl Batch {
    /// Reserves quota for one more device; `false` if none is left.
    async fn room(&mut self, tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
        if let Some(room) = self.room.get(&guild) {
            return Ok(*room);
        }
        let room = self.quota.saturating_sub(device::count(tx, guild).await?);
        self.room.insert(guild, room);
        Ok(room)
    }
}

/// Updates the status of the device by the rule for heartbeats.
async fn update_status(
    tx: &mut Tx<'_>,
    heartbeat: &CheckIn,
    device: Known,
    now: Timestamp,
) -> Result<Known, StoreError> {
    let ping = match &heartbeat.payload {
        Payload::Ping(ping) => Some(ping),
        _ => None,
    };
    let monitor = heartbeat.requester.monitor(device.id);
    let decision = on_heartbeat(monitor, device.state, ping, now);
    match decision.failure {
        Patch::Keep => {}
        Patch::Clear => device::set_failure(tx, device.id, None).await?,
        Patch::Set(reason) => device::set_failure(tx, device.id, Some(&reason)).await?,
    }
    if let Some(transition) = decision.transition {
        transition::apply_one(tx, transition, Actor::System, now).await?;
    }
    Ok(Known {
        state: decision.state,
        ..device
    })
}

/// The name of a new device: the one that it sends, or the next free form of its default name.
async fn free_name(
    tx: &mut Tx<'_>,
    heartbeat: &CheckIn,
) -> Result<Result<String, TakenName>, StoreError> {
    let scope = heartbeat.requester.names_of(MonitorKind::Device);
    let sent = match &heartbeat.payload {
        Payload::Registration(registration) => registration.name.as_deref(),
        _ => None,
    };
    let Some(name) = sent else {
        let name = heartbeat.uuid.default_name();
        return Ok(Ok(monitor_name::free_form(tx, scope, &name).await?));
    };
    let claimed = claim_name::for_new(tx, scope, name).await?;
    Ok(claimed.map(|()| name.to_owned()))
}

async fn create(
    tx: &mut Tx<'_>,
    heartbeat: &CheckIn,
    name: &str,
    now: Timestamp,
) -> Result<(Known, ApiKey), StoreError> {
    let device_type = match &heartbeat.payload {
        Payload::Registration(registration) => registration.device_type.as_deref(),
        _ => None,
    };
    let slug = Slug::from_name(name);
    let new = UnsavedDevice {
        guild: heartbeat.requester.guild,
        uuid: &heartbeat.uuid,
        name,
        device_type,
        slug: slug.as_ref(),
        threshold: None,
        status: Status::Online,
    };
    let id = device::insert(tx, &new, now).await?;
    let details = json!({ "uuid": heartbeat.uuid.as_str(), "name": name });
    event::append(
        tx,
        &heartbeat
            .requester
            .event(EventKind::DeviceRegistered, Some(id), details, now),
    )
    .await?;
    let key =
        manage_key::create_in(tx, heartbeat.requester, KeyKind::Device, Some(id), now).await?;
    let device = Known {
        id,
        state: DeviceStanding {
            status: Status::Online,
            since: now,
            has_failed: false,
        },
    };
    Ok((device, key))
}
