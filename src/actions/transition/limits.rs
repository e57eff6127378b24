//! The consequences of a limit that a server exceeds or meets again: its outage, the incident, deliveries and the audit event. The
//! status of the server follows by a transition of its own.

use serde_json::json;

use crate::actions::incidents::notify;
use crate::domain::Timestamp;
use crate::domain::event::{Actor, EventKind};
use crate::domain::millis;
use crate::domain::monitor::MonitorRef;
use crate::domain::servers::metric_limit::{MetricLimit, OutageSource};
use crate::domain::status::transition::OutageEnd;
use crate::store::event::{self, NewEvent};
use crate::store::incidents::incident;
use crate::store::incidents::outage::{self, Excess};
use crate::store::servers::metric_limit::StoredLimit;
use crate::store::{StoreError, Tx};

/// Opens the outage of a limit that a server exceeds, and notifies about it.
pub async fn exceed_limit(
    tx: &mut Tx<'_>,
    excess: &Excess,
    limit: &MetricLimit,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(opened) = outage::open_limit(tx, excess).await? else {
        return Ok(());
    };
    notify::notify(tx, opened, now).await?;
    let event = NewEvent {
        guild_id: excess.server.guild,
        monitor_id: Some(excess.server.id),
        kind: EventKind::ServerLimitExceeded,
        at: excess.started_at,
        noticed_at: now,
        actor: Actor::System,
        details: json!({
            "limit": limit.to_string(), "reason": excess.reason, "severity": excess.severity.as_str(),
        }),
    };
    event::append(tx, &event).await
}

/// Closes the outage of a limit. `end` says whether the server meets the limit again, or the limit was changed.
pub async fn meet_limit(
    tx: &mut Tx<'_>,
    server: MonitorRef,
    met: &StoredLimit,
    end: OutageEnd,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(incident) = outage::close_limit(tx, server.id, met.id, now, end).await? {
        incident::outage_ended(tx, incident, now).await?;
    }
    if end != OutageEnd::Recovered {
        let source = OutageSource {
            monitor: server.id,
            limit: Some(met.id),
        };
        // The event of the change records it.
        return incident::stop_flapping_of(tx, source, now).await;
    }
    let length = met.progress.beyond_since.map(|since| now.since(since));
    let event = NewEvent {
        guild_id: server.guild,
        monitor_id: Some(server.id),
        kind: EventKind::ServerLimitMet,
        at: now,
        noticed_at: now,
        actor: Actor::System,
        details: json!({ "limit": met.limit.to_string(), "exceeded_for_ms": length.map(millis) }),
    };
    event::append(tx, &event).await
}
