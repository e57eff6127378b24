//! The only path to a status. Applies transitions, as the status rules return them and people cause them, with all their
//! consequences in one transaction: status, outage opened or closed, incident, deliveries and audit event.

mod limits;

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::actions::incidents::notify;
use crate::domain::event::Actor;
use crate::domain::history::status_span::SpanStatus;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::status::transition::{OutageChange, OutageEnd, Transition, TransitionReason};
use crate::domain::{Timestamp, millis};
use crate::store::event::{self, NewEvent};
use crate::store::history::status_span::{self, NewSpan};
use crate::store::history::{maintenance_span, removed_monitor};
use crate::store::incidents::{incident, outage};
use crate::store::monitors::status::{self, NewStatus};
use crate::store::servers::metric_limit;
use crate::store::silences::silence;
use crate::store::{StoreError, Tx};

pub use limits::{exceed_limit, meet_limit};

/// A transition, and the details of its event.
#[derive(Clone, Debug)]
pub struct Change {
    pub transition: Transition,
    details: Value,
}

impl From<Transition> for Change {
    fn from(transition: Transition) -> Self {
        let details = details(&transition);
        Self {
            transition,
            details,
        }
    }
}

impl Change {
    /// A transition that a person causes, with the details of its event.
    pub fn by_person(transition: Transition, details: Value) -> Self {
        Self {
            transition,
            details,
        }
    }
}

/// Applies transitions in order. Their events name `by` as the actor.
pub async fn apply(
    tx: &mut Tx<'_>,
    changes: &[Change],
    by: Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statuses: Vec<NewStatus> = changes.iter().filter_map(new_status).collect();
    status::set(tx, &statuses).await?;
    let spans: Vec<NewSpan> = changes.iter().filter_map(new_span).collect();
    status_span::record(tx, &spans).await?;
    let outage_of = |change: &Change| change.transition.outage();
    let mut events = Vec::new();
    for run in changes.chunk_by(|one, next| outage_of(one) == outage_of(next)) {
        let Some(first) = run.first() else { continue };
        let opened = match outage_of(first) {
            OutageChange::Nothing => HashSet::new(),
            OutageChange::Open { reason, notify } => open(tx, run, reason, notify, now).await?,
            OutageChange::Close(end) => {
                close(tx, run, end).await?;
                HashSet::new()
            }
            OutageChange::Retract => {
                retract(tx, run, now).await?;
                HashSet::new()
            }
        };
        let is_recorded = |change: &&Change| is_recorded(&change.transition, &opened);
        events.extend(
            run.iter()
                .filter(is_recorded)
                .filter_map(|change| event_of(change, by, now)),
        );
    }
    event::append_all(tx, &events).await
}

/// Applies one transition.
pub async fn apply_one(
    tx: &mut Tx<'_>,
    change: impl Into<Change>,
    by: Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    apply(tx, &[change.into()], by, now).await
}

/// A monitor that is removed keeps its status until its row is deleted.
fn new_status(change: &Change) -> Option<NewStatus> {
    let one = &change.transition;
    (one.from != one.to).then_some(NewStatus {
        id: one.monitor.id,
        from: one.from,
        to: one.to,
        since: one.at,
    })
}

/// The span of the history that begins; of a monitor that is removed, the last one.
fn new_span(change: &Change) -> Option<NewSpan> {
    let one = &change.transition;
    let is_removed = one.reason == TransitionReason::Removed;
    let span = NewSpan {
        monitor: one.monitor.id,
        status: match is_removed {
            true => SpanStatus::Removed,
            false => SpanStatus::Was(one.to),
        },
        began_at: one.span_began_at(),
        noticed_at: one.at,
        previous_since: one.since,
    };
    (is_removed || one.from != one.to).then_some(span)
}

/// Opens outages of monitors that have none open, and returns those monitors. Notifies about outages that were open already
/// and are in no incident yet.
async fn open(
    tx: &mut Tx<'_>,
    run: &[Change],
    reason: OutageReason,
    notify: bool,
    now: Timestamp,
) -> Result<HashSet<MonitorId>, StoreError> {
    let starts: Vec<_> = run
        .iter()
        .map(|change| {
            (
                change.transition.monitor,
                change.transition.outage_started_at(),
            )
        })
        .collect();
    let opened = outage::open_all(tx, &starts, reason).await?;
    let monitors: HashSet<MonitorId> = opened.iter().map(|one| one.monitor.id).collect();
    if !notify {
        return Ok(monitors);
    }
    for one in opened {
        notify::notify(tx, one, now).await?;
    }
    for (monitor, _) in starts {
        if !monitors.contains(&monitor.id) {
            notify::notify_if_unnotified(tx, monitor, now).await?;
        }
    }
    Ok(monitors)
}

async fn close(tx: &mut Tx<'_>, run: &[Change], end: OutageEnd) -> Result<(), StoreError> {
    for Change { transition, .. } in run {
        let (monitor, ended_at) = (transition.monitor.id, transition.at);
        if end == OutageEnd::Removed {
            outage::keep_name(tx, monitor).await?;
            maintenance_span::end(tx, monitor, ended_at).await?;
            removed_monitor::keep(tx, monitor, ended_at).await?;
            silence::remove_mutes(tx, transition.monitor.guild, monitor).await?;
        }
        for incident in outage::close(tx, monitor, ended_at, end).await? {
            incident::outage_ended(tx, incident, ended_at).await?;
        }
        if end != OutageEnd::Recovered {
            // It is paused, changed or removed, so it is no longer flapping, even if it is online at this moment.
            incident::stop_flapping(tx, monitor, ended_at).await?;
            if transition.kind == MonitorKind::Server {
                metric_limit::start_over(tx, monitor).await?;
            }
        }
    }
    Ok(())
}

async fn retract(tx: &mut Tx<'_>, run: &[Change], now: Timestamp) -> Result<(), StoreError> {
    for Change { transition, .. } in run {
        if let Some(incident) = outage::retract(tx, transition.monitor.id).await? {
            incident::retract(tx, incident, now).await?;
        }
    }
    Ok(())
}

/// That a server is overdue is recorded once, when it opens the outage.
fn is_recorded(transition: &Transition, opened: &HashSet<MonitorId>) -> bool {
    !matches!(transition.reason, TransitionReason::Overdue { .. })
        || opened.contains(&transition.monitor.id)
}

fn event_of(change: &Change, by: Actor, now: Timestamp) -> Option<NewEvent> {
    let transition = &change.transition;
    Some(NewEvent {
        guild_id: transition.monitor.guild,
        monitor_id: Some(transition.monitor.id),
        kind: transition.event()?,
        at: transition.at,
        noticed_at: now,
        actor: by,
        details: change.details.clone(),
    })
}

fn details(transition: &Transition) -> Value {
    match &transition.reason {
        TransitionReason::CheckFailed(failure) => {
            json!({ "reason": failure.class.as_str(), "detail": failure.detail.as_deref() })
        }
        TransitionReason::RunFailed(reason) => json!({ "reason": reason }),
        TransitionReason::MissedHeartbeat {
            last_seen,
            threshold,
        } => json!({ "last_seen": last_seen.millis(), "threshold_ms": millis(*threshold) }),
        TransitionReason::NoReport { last_seen, .. } | TransitionReason::Overdue { last_seen } => {
            json!({ "last_seen": last_seen.millis() })
        }
        TransitionReason::ConnectivityLost => json!({ "reason": "connectivity_lost" }),
        TransitionReason::Seen => match transition.recovered_after() {
            Some(length) => json!({ "down_for_ms": millis(length) }),
            None => json!({}),
        },
        TransitionReason::CheckNotRun
        | TransitionReason::Reported
        | TransitionReason::LimitsChanged { .. }
        | TransitionReason::Paused
        | TransitionReason::Resumed
        | TransitionReason::Retargeted
        | TransitionReason::Removed
        | TransitionReason::GuildLeft => json!({}),
    }
}

#[cfg(test)]
mod tests;
