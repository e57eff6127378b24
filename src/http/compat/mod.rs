//! Compatibility with existing clients, with the paths and responses that they expect. As in the products that they were
//! written for, the UUID, the token or the key in the path of a ping is its only authentication, so no response to a ping
//! reveals anything about the device.

mod check_view;
mod description;
pub(super) mod healthchecks;
pub(super) mod healthchecks_api;
pub(super) mod uptime_kuma;

pub(super) use description::describe;

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::http::StatusCode;

use super::HttpState;
use super::api::problem::Problem;
use super::api::{Peer, RateSubject};
use crate::actions::Requester;
use crate::actions::devices::check_in::{CheckIn, Payload};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::ping::Ping;
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::store::StoreError;
use crate::store::devices::device::{self, Device};

/// Why a ping was refused.
enum PingRefusal {
    /// The path is invalid, or it names no device or several.
    Refused(StatusCode, &'static str),
    Problem(Problem),
}

impl From<Problem> for PingRefusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for PingRefusal {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

/// The device that a ping belongs to.
struct PingedDevice {
    guild: GuildId,
    uuid: DeviceUuid,
}

impl From<Device> for PingedDevice {
    fn from(device: Device) -> Self {
        Self {
            guild: device.guild_id,
            uuid: device.uuid,
        }
    }
}

/// The device with a UUID, in any guild.
async fn pinged(
    app: &HttpState,
    peer: Peer,
    uuid: &DeviceUuid,
) -> Result<Option<Device>, PingRefusal> {
    let credential = app.known_callers.credential("uuid", uuid.number());
    let query = async { Ok(device::pinged(&app.store.reader, uuid).await?) };
    peer.look_up(app, credential, query).await
}

/// Refuses an unknown device. Such requests are rate-limited, so that UUIDs, tokens and keys cannot be guessed quickly.
fn unknown(app: &HttpState, peer: Peer) -> PingRefusal {
    match app
        .limits
        .unauthenticated
        .take(RateSubject::Address, peer.number())
    {
        Ok(()) => PingRefusal::Refused(StatusCode::NOT_FOUND, "not found"),
        Err(problem) => PingRefusal::Problem(problem),
    }
}

async fn record(app: &HttpState, device: PingedDevice, ping: Ping) -> Result<(), Problem> {
    let mut hasher = DefaultHasher::new();
    (device.guild, &device.uuid).hash(&mut hasher);
    app.limits
        .authenticated
        .take(RateSubject::Device, hasher.finish())?;
    let heartbeat = CheckIn {
        requester: Requester {
            guild: device.guild,
            actor: Actor::System,
        },
        uuid: device.uuid,
        payload: Payload::Ping(ping),
        // Authenticated by the UUID, or by a token or key that was just looked up.
        key: None,
    };
    app.heartbeats.check_in(heartbeat).await?;
    Ok(())
}
