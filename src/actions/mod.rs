//! Operations that commands, API requests and background jobs call. Each change is one transaction.
//!
//! Error policy: the error variant decides what a requester may see. `Invalid`, `Conflict`, `NotFound` and `Quota` carry a
//! sentence for the requester; `Internal` carries what the operator needs, is logged once by the layer that handles it,
//! and is never shown.

pub mod alerts;
pub mod check_in;
pub mod check_runner;
pub mod completed_check;
pub mod connectivity;
pub mod diagnose;
pub mod export_endpoints;
pub mod heartbeat_batcher;
pub mod import_endpoints;
pub mod maintenance;
pub mod manage_board;
pub mod manage_device;
pub mod manage_endpoint;
pub mod manage_group;
pub mod manage_key;
pub mod manage_server;
pub mod mute;
pub mod outage;
pub mod recheck;
pub mod record_result;
pub mod server_stats;
pub mod suggest_thresholds;
pub mod summarize;
#[cfg(test)]
mod testing;
pub mod webhook;

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
