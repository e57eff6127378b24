//! Operations that commands, API requests and background jobs call. Each change is one transaction.
//!
//! Error policy: the error variant decides what a requester may see. `Invalid`, `Conflict`, `NotFound` and `Quota` carry a
//! sentence for the requester; `Internal` carries what the operator needs, is logged once by the layer that handles it,
//! and is never shown.

pub mod claim_name;
pub mod devices;
pub mod endpoints;
mod field_changes;
pub mod history;
pub mod incidents;
pub mod manage_group;
pub mod manage_guild;
pub mod manage_key;
pub mod notifications;
pub mod servers;
pub mod silences;
pub mod status_pages;
#[cfg(test)]
pub mod testing;
pub mod transition;

use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::monitor::name::NameScope;
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::store::StoreError;
use crate::store::event::NewEvent;

/// The actor of a request and its guild. Audit events name this actor.
#[derive(Clone, Copy, Debug)]
pub struct Requester {
    pub guild: GuildId,
    pub actor: Actor,
}

impl Requester {
    /// Rollcall itself, for a guild.
    pub fn system(guild: GuildId) -> Self {
        Self {
            guild,
            actor: Actor::System,
        }
    }

    /// A monitor of the requester's guild.
    pub fn monitor(self, id: MonitorId) -> MonitorRef {
        MonitorRef {
            guild: self.guild,
            id,
        }
    }

    /// The monitors of a kind in the requester's guild, among which a name is unique.
    fn names_of(self, kind: MonitorKind) -> NameScope {
        NameScope {
            guild: self.guild,
            kind,
        }
    }

    /// An incident of the requester's guild.
    pub fn incident(self, id: IncidentId) -> IncidentRef {
        IncidentRef {
            guild: self.guild,
            id,
        }
    }

    /// An audit event about a change of one monitor, or of the guild as a whole (`None`).
    fn event(
        self,
        kind: EventKind,
        monitor_id: Option<MonitorId>,
        details: Value,
        now: Timestamp,
    ) -> NewEvent {
        NewEvent {
            guild_id: self.guild,
            monitor_id,
            kind,
            at: now,
            noticed_at: now,
            actor: self.actor,
            details,
        }
    }
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
    #[error("{}", quota_sentence(*limit, *used, *wanted))]
    Quota {
        limit: u64,
        used: u64,
        /// How many were to be added.
        wanted: u64,
    },
    #[error(transparent)]
    Internal(#[from] StoreError),
}

fn quota_sentence(limit: u64, used: u64, wanted: u64) -> String {
    if wanted <= 1 {
        return format!(
            "this Discord server has reached its limit of {limit} endpoints ({used} in use). Remove some, or ask the operator to raise QUOTA_ENDPOINTS"
        );
    }
    format!(
        "the file has {wanted} endpoints, but this Discord server may have {limit} ({used} in use). Import fewer, remove some, or ask the operator to raise QUOTA_ENDPOINTS"
    )
}
