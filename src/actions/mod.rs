//! Operations that commands, API requests and background jobs call. Each change is one transaction.
//!
//! Error policy: the error variant decides what a requester may see. `Invalid`, `Conflict`, `NotFound` and `Quota` carry a
//! sentence for the requester; `Internal` carries what the operator needs, is logged once by the layer that handles it,
//! and is never shown.

pub mod devices;
pub mod endpoints;
pub mod incidents;
pub mod manage_group;
pub mod manage_key;
pub mod notifications;
pub mod servers;
pub mod silences;
#[cfg(test)]
mod testing;

use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::event::{Actor, EventKind};
use crate::domain::monitor::{GuildId, MonitorId};
use crate::store::event::{self, NewEvent};
use crate::store::{StoreError, Tx};

/// The actor of a request and its guild. Audit events name this actor.
#[derive(Clone, Copy, Debug)]
pub struct Requester {
    pub guild: GuildId,
    pub actor: Actor,
}

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Conflict(String),
    #[error(
        "this server has room for {limit} endpoints and has {used}; remove some, or ask the operator to raise QUOTA_ENDPOINTS"
    )]
    Quota { limit: u64, used: u64 },
    #[error(transparent)]
    Internal(#[from] StoreError),
}

/// Appends an audit event about a change of one monitor, or of the guild as a whole (`None`).
async fn note(
    tx: &mut Tx<'_>,
    requester: Requester,
    (kind, monitor_id, details): (EventKind, Option<MonitorId>, Value),
    now: Timestamp,
) -> Result<(), StoreError> {
    let event = NewEvent {
        guild_id: requester.guild,
        monitor_id,
        kind,
        at: now,
        noticed_at: now,
        actor: requester.actor,
        details,
    };
    event::append(tx, &event).await
}
