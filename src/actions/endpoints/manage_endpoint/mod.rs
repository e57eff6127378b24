//! Adds, edits, pauses, resumes and removes endpoints for people. Each change is one transaction with its audit event.

use std::time::Duration;

use serde_json::{Value, json};

use crate::actions::transition::{self, Change};
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::status_rule::State;
use crate::domain::event::EventKind;
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::patch::Patch;
use crate::domain::status::Status;
use crate::domain::transition::{Transition, TransitionReason};
use crate::store::endpoints::endpoint::{self, Description, Endpoint};
use crate::store::endpoints::state::{self, Loaded};
use crate::store::event::{self, NewEvent};
use crate::store::monitors::monitor_state;
use crate::store::monitors::monitor_state::MonitorState;
use crate::store::{Effect, Reader, Store, StoreError, Tx};

/// Result of adding one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    New(MonitorId),
    AlreadyThere,
}

/// Adds endpoints in one transaction: either all of them, or none. Targets that exist already are skipped.
///
/// Fails with `Error::Quota` if the guild would have more than `quota` endpoints.
pub async fn add(
    store: &Store,
    requester: Requester,
    descriptions: Vec<Description>,
    quota: u64,
    now: Timestamp,
) -> Result<Vec<Added>, Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let mut added = Vec::with_capacity(descriptions.len());
                let used = endpoint::count(tx, requester.guild).await?;
                let mut room = quota.saturating_sub(used);
                for description in descriptions {
                    let Some(id) = endpoint::insert(tx, requester.guild, &description, now).await?
                    else {
                        added.push(Added::AlreadyThere);
                        continue;
                    };
                    room = room
                        .checked_sub(1)
                        .ok_or(Error::Quota { limit: quota, used })?;
                    append(
                        tx,
                        requester.event(
                            EventKind::EndpointAdded,
                            Some(id),
                            details(&description),
                            now,
                        ),
                    )
                    .await?;
                    added.push(Added::New(id));
                }
                Ok(added)
            })
        })
        .await
}

/// Changes to an endpoint; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct EndpointEdit {
    pub name: Option<String>,
    pub target: Option<crate::domain::endpoints::target::Target>,
    /// `Clear` resets it to that of the settings.
    pub interval: Patch<Duration>,
    /// `Clear` resets all options to their defaults.
    pub http_check: Patch<HttpCheck>,
}

impl EndpointEdit {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.target.is_none()
            && self.interval.is_keep()
            && self.http_check.is_keep()
    }
}

/// Edits an endpoint and returns its new description. A new target starts with the status unknown.
pub async fn edit(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    edit: EndpointEdit,
    now: Timestamp,
) -> Result<Description, Error> {
    let endpoint = get(&store.reader, requester, id).await?;
    let before = endpoint.description.clone();
    let description = Description {
        name: edit.name.unwrap_or(before.name),
        target: edit.target.unwrap_or_else(|| before.target.clone()),
        http_check: edit.http_check.apply(before.http_check),
        interval: edit.interval.apply(before.interval),
    };
    let changed = description.clone();
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if endpoint::update(tx, &endpoint, &description).await? == Effect::Nothing {
                    return Err(Error::Conflict(format!(
                        "`{}` already exists",
                        description.target
                    )));
                }
                if description.target != before.target && endpoint.state.status != Status::Paused {
                    let reason = TransitionReason::Retargeted;
                    let change = Change::from(transition(&endpoint, Status::Unknown, reason, now));
                    reset(tx, &endpoint, change, requester, now).await?;
                }
                append(
                    tx,
                    requester.event(
                        EventKind::EndpointEdited,
                        Some(id),
                        details(&description),
                        now,
                    ),
                )
                .await
            })
        })
        .await?;
    Ok(changed)
}

/// Removes an endpoint and returns it as it was.
pub async fn remove(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    now: Timestamp,
) -> Result<Endpoint, Error> {
    let endpoint = get(&store.reader, requester, id).await?;
    let known = endpoint.clone();
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                // First, because its outages keep its name.
                let reason = TransitionReason::Removed;
                let removal = transition(&known, known.state.status, reason, now);
                let change = Change::by_person(removal, details(&known.description));
                transition::apply_one(tx, change, requester.actor, now).await?;
                match endpoint::remove(tx, requester.guild, id).await? {
                    Effect::Changed => Ok(()),
                    // Another request has removed it; nothing of this one is written.
                    Effect::Nothing => Err(not_found()),
                }
            })
        })
        .await?;
    Ok(endpoint)
}

/// Stops the checks of an endpoint until it is resumed, and closes its open outage.
pub async fn pause(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    now: Timestamp,
) -> Result<Endpoint, Error> {
    switch(store, requester, id, Status::Paused, now).await
}

/// Resumes the checks of a paused endpoint, with the status unknown.
pub async fn resume(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    now: Timestamp,
) -> Result<Endpoint, Error> {
    switch(store, requester, id, Status::Unknown, now).await
}

async fn switch(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    to: Status,
    now: Timestamp,
) -> Result<Endpoint, Error> {
    let endpoint = get(&store.reader, requester, id).await?;
    let name = &endpoint.description.name;
    let reason = match (endpoint.state.status == Status::Paused, to) {
        (true, Status::Paused) => {
            return Err(Error::Conflict(format!("`{name}` is already paused")));
        }
        (false, Status::Paused) => TransitionReason::Paused,
        (true, _) => TransitionReason::Resumed,
        (false, _) => return Err(Error::Conflict(format!("`{name}` is not paused"))),
    };
    let changed = endpoint.clone();
    store
        .writer
        .transact::<_, Error>(move |tx| {
            Box::pin(async move {
                let transition = transition(&endpoint, to, reason, now);
                let change = Change::by_person(transition, details(&endpoint.description));
                Ok(reset(tx, &endpoint, change, requester, now).await?)
            })
        })
        .await?;
    Ok(changed)
}

fn transition(
    endpoint: &Endpoint,
    to: Status,
    reason: TransitionReason,
    now: Timestamp,
) -> Transition {
    Transition {
        monitor: MonitorRef {
            guild: endpoint.guild_id,
            id: endpoint.id,
        },
        kind: MonitorKind::Endpoint,
        from: endpoint.state.status,
        since: endpoint.state.since,
        to,
        at: now,
        reason,
    }
}

/// Puts an endpoint into a status that no check has caused, with no failures counted.
async fn reset(
    tx: &mut Tx<'_>,
    endpoint: &Endpoint,
    mut change: Change,
    requester: Requester,
    now: Timestamp,
) -> Result<(), StoreError> {
    state::load(tx, &[endpoint.id]).await?;
    let Some(before) = state::of(tx, endpoint.id) else {
        return Ok(());
    };
    // A check may have changed the status since the endpoint was read.
    let (from, to) = (before.state.status, change.transition.to);
    if from == Status::Paused && change.transition.reason == TransitionReason::Retargeted {
        return Ok(());
    }
    (change.transition.from, change.transition.since) = (from, before.state.since);
    let since = if from == to { before.state.since } else { now };
    let fresh = Loaded {
        state: State {
            status: to,
            ..State::new(since)
        },
        certificate_expires_at: None,
        ..before
    };
    state::save_details(tx, endpoint.id, fresh).await?;
    transition::apply_one(tx, change, requester.actor, now).await?;
    let Some(last_check_at) = endpoint.last_check_at else {
        return Ok(());
    };
    let cleared = MonitorState {
        monitor_id: endpoint.id,
        last_check_at,
        last_seen_at: None,
        next_check_at: Some(now),
        consecutive_failures: 0,
        latency_us: endpoint.latency.map_or(0, |latency| {
            i64::try_from(latency.as_micros()).unwrap_or(i64::MAX)
        }),
    };
    monitor_state::save(tx, &[cleared]).await
}

async fn get(reader: &Reader, requester: Requester, id: MonitorId) -> Result<Endpoint, Error> {
    endpoint::get(reader, requester.guild, id)
        .await?
        .ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::NotFound("this endpoint does not exist".into())
}

fn details(description: &Description) -> Value {
    json!({ "name": description.name, "target": description.target.to_string() })
}

async fn append(tx: &mut Tx<'_>, event: NewEvent) -> Result<(), Error> {
    Ok(event::append(tx, &event).await?)
}

#[cfg(test)]
mod tests;
