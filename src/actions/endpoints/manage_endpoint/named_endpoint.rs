//! What pausing, resuming and removing need of an endpoint. Nothing of it is parsed, so that an endpoint whose target or
//! options cannot be read can still be paused and removed.

use serde_json::{Value, json};

use super::not_found;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::status::Status;
use crate::domain::status::transition::{Transition, TransitionReason};
use crate::store::Tx;
use crate::store::endpoints::endpoint;
use crate::store::monitors::monitor::{self, Monitor};

/// An endpoint by name and target.
#[derive(Clone, Debug)]
pub struct NamedEndpoint {
    pub reference: MonitorRef,
    pub monitor: Monitor,
    /// As it is stored.
    pub target: String,
}

impl NamedEndpoint {
    /// Finds an endpoint of the requester's guild.
    pub(super) async fn find(
        tx: &mut Tx<'_>,
        requester: Requester,
        id: MonitorId,
    ) -> Result<Self, Error> {
        let monitor = monitor::get(tx, requester.guild, id).await?;
        let target = endpoint::target_text(tx, id).await?;
        match (monitor, target) {
            (Some(monitor), Some(target)) => Ok(Self {
                reference: requester.monitor(id),
                monitor,
                target,
            }),
            _ => Err(not_found()),
        }
    }

    /// A change of its status by a person.
    pub(super) fn transition(
        &self,
        to: Status,
        reason: TransitionReason,
        now: Timestamp,
    ) -> Transition {
        Transition {
            monitor: self.reference,
            kind: MonitorKind::Endpoint,
            from: self.monitor.status,
            since: self.monitor.since,
            to,
            at: now,
            reason,
        }
    }

    /// The details of an event about it.
    pub(super) fn details(&self) -> Value {
        json!({ "name": self.monitor.name, "target": self.target })
    }
}
