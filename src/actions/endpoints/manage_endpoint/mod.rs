//! Adds, edits, pauses, resumes and removes endpoints for people. Each change is one transaction with its audit event.

mod edit_event;
mod named_endpoint;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::endpoint_limits::{Admission, EndpointLimits, LimitedStore, Refusal, is_operator};
use crate::actions::claim_name::{self, TakenName};
use crate::actions::transition::{self, Change};
use crate::actions::{Error, Requester};
use crate::domain::endpoints::http_check_change::HttpCheckChange;
use crate::domain::endpoints::status_rule::State;
use crate::domain::event::EventKind;
use crate::domain::monitor::name::NameKey;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::patch::Patch;
use crate::domain::status::Status;
use crate::domain::status::transition::TransitionReason;
use crate::domain::{Timestamp, millis};
use crate::store::endpoints::endpoint::{self, Description, Endpoint};
use crate::store::endpoints::state::{self, Loaded};
use crate::store::event::{self, NewEvent};
use crate::store::monitors::{monitor_name, monitor_state};
use crate::store::{Effect, Store, StoreError, Tx};

use self::edit_event::edit_details;
pub use self::named_endpoint::NamedEndpoint;

/// Result of adding one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    New(MonitorId),
    AlreadyThere,
    Refused(Refusal),
    /// Another endpoint has the name that was chosen for it.
    NameTaken(TakenName),
}

/// Adds one endpoint; `None` if the target exists already. Fails if a limit refuses it.
pub async fn add_one(
    store: LimitedStore<'_>,
    requester: Requester,
    description: Description,
    now: Timestamp,
) -> Result<Option<MonitorId>, Error> {
    let added = add(store, requester, vec![description], now).await?;
    match added.into_iter().next() {
        Some(Added::New(id)) => Ok(Some(id)),
        Some(Added::Refused(refusal)) => Err(refusal.into()),
        Some(Added::NameTaken(taken)) => Err(taken.into()),
        Some(Added::AlreadyThere) | None => Ok(None),
    }
}

/// Adds endpoints in one transaction. Targets that exist already are skipped, and so are those that a limit refuses, and names
/// that are taken. A default name that is taken is no reason to skip: the endpoint gets the next free form. Fails with `Error::Quota` if the guild would have too many endpoints; then none is added.
pub async fn add(
    LimitedStore { store, limits }: LimitedStore<'_>,
    requester: Requester,
    descriptions: Vec<Description>,
    now: Timestamp,
) -> Result<Vec<Added>, Error> {
    let limits = limits.clone();
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let mut added = Vec::with_capacity(descriptions.len());
                let wanted = descriptions.len() as u64;
                let used = endpoint::count(tx, requester.guild).await?;
                let mut room = limits.quota.saturating_sub(used);
                let mut admission = Admission::start(tx, &limits, requester, now).await?;
                // Many lines of a file may have the same name, and each search for a free form costs many queries.
                let mut taken: HashMap<NameKey, TakenName> = HashMap::new();
                for description in descriptions {
                    let key = NameKey::of(&description.name);
                    if let Some(known) = taken.get(&key)
                        && description.name != description.target.default_name()
                        && !endpoint::has_target(tx, requester.guild, &description.target).await?
                    {
                        added.push(Added::NameTaken(known.clone()));
                        continue;
                    }
                    let result = add_in(tx, &mut admission, &description, now).await?;
                    if let Added::NameTaken(refusal) = &result {
                        taken.insert(key, refusal.clone());
                    }
                    if let Added::New(_) = result {
                        room = room.checked_sub(1).ok_or(Error::Quota {
                            limit: limits.quota,
                            used,
                            wanted,
                        })?;
                    }
                    added.push(result);
                }
                admission.record(tx).await?;
                Ok(added)
            })
        })
        .await
}

async fn add_in(
    tx: &mut Tx<'_>,
    admission: &mut Admission<'_>,
    description: &Description,
    now: Timestamp,
) -> Result<Added, Error> {
    let requester = admission.requester();
    if endpoint::has_target(tx, requester.guild, &description.target).await? {
        return Ok(Added::AlreadyThere);
    }
    let name = match free_name(tx, requester, description).await? {
        Ok(name) => name,
        Err(taken) => return Ok(Added::NameTaken(taken)),
    };
    if let Err(refusal) = admission.admit(tx, description, None).await? {
        return Ok(Added::Refused(refusal));
    }
    let description = &Description {
        name,
        ..description.clone()
    };
    let Some(id) = endpoint::insert(tx, requester.guild, description, now).await? else {
        return Ok(Added::AlreadyThere);
    };
    if description.interval.is_some() && is_operator(requester) {
        endpoint::set_operator_interval(tx, id, true).await?;
    }
    let event = requester.event(
        EventKind::EndpointAdded,
        Some(id),
        details(description),
        now,
    );
    append(tx, event).await?;
    Ok(Added::New(id))
}

/// The name of a new endpoint: the one that was chosen, or the next free form of its default name. Nobody chooses the default
/// name, so it needs no question.
async fn free_name(
    tx: &mut Tx<'_>,
    requester: Requester,
    description: &Description,
) -> Result<Result<String, TakenName>, StoreError> {
    let scope = requester.names_of(MonitorKind::Endpoint);
    let name = &description.name;
    if *name == description.target.default_name() {
        return Ok(Ok(monitor_name::free_form(tx, scope, name).await?));
    }
    let claimed = claim_name::for_new(tx, scope, name).await?;
    Ok(claimed.map(|()| name.clone()))
}

/// Changes to an endpoint; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct EndpointEdit {
    pub name: Option<String>,
    pub target: Option<crate::domain::endpoints::target::Target>,
    /// `Clear` resets it to that of the settings.
    pub interval: Patch<Duration>,
    /// `Clear` resets all options to their defaults; `Set` changes the options that it names.
    pub http: Patch<HttpCheckChange>,
}

impl EndpointEdit {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.target.is_none()
            && self.interval.is_keep()
            && self.http.is_keep()
    }

    fn apply(self, before: &Description) -> Result<Description, Error> {
        let target = self.target.unwrap_or_else(|| before.target.clone());
        let known = before.http_check.clone();
        let http_check = match self.http {
            Patch::Keep => known,
            Patch::Clear => None,
            Patch::Set(change) => change
                .apply(known, target.scheme)
                .map_err(|wrong| Error::Conflict(wrong.to_string()))?,
        };
        Ok(Description {
            name: self.name.unwrap_or_else(|| before.name.clone()),
            target,
            http_check,
            interval: self.interval.apply(before.interval),
        })
    }
}

/// Edits an endpoint and returns its new description. A new target starts with the status unknown.
pub async fn edit(
    LimitedStore { store, limits }: LimitedStore<'_>,
    requester: Requester,
    id: MonitorId,
    edit: EndpointEdit,
    now: Timestamp,
) -> Result<Description, Error> {
    let limits = limits.clone();
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let endpoint = find(tx, requester, id).await?;
                let has_new_interval = !edit.interval.is_keep();
                let description = edit.apply(&endpoint.description)?;
                let scope = requester.names_of(MonitorKind::Endpoint);
                claim_name::for_rename(tx, scope, id, &description.name).await??;
                if has_new_interval {
                    limits.check_interval(requester, &description.target, description.interval)?;
                }
                let change = DescriptionChange {
                    endpoint: &endpoint,
                    to: &description,
                };
                admit_change(tx, &limits, requester, change, now).await?;
                if endpoint::update(tx, &endpoint, &description).await? == Effect::Nothing {
                    return Err(Error::Conflict(format!(
                        "`{}` already exists",
                        description.target
                    )));
                }
                let is_retargeted = description.target != endpoint.description.target;
                if is_retargeted && endpoint.state.status != Status::Paused {
                    let known = NamedEndpoint::find(tx, requester, id).await?;
                    let reason = TransitionReason::Retargeted;
                    let change = Change::from(known.transition(Status::Unknown, reason, now));
                    reset(tx, id, change, requester, now).await?;
                }
                let details = edit_details(&endpoint.description, &description);
                let event = requester.event(EventKind::EndpointEdited, Some(id), details, now);
                append(tx, event).await?;
                Ok(description)
            })
        })
        .await
}

/// Applies the limits to a change, and stores whose interval the endpoint has from now on.
async fn admit_change(
    tx: &mut Tx<'_>,
    limits: &EndpointLimits,
    requester: Requester,
    change: DescriptionChange<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let DescriptionChange { endpoint, to } = change;
    let before = &endpoint.description;
    if (&before.target, before.interval) == (&to.target, to.interval) {
        return Ok(());
    }
    let mut admission = Admission::start(tx, limits, requester, now).await?;
    admission.admit(tx, to, Some(endpoint)).await??;
    admission.record(tx).await?;
    let has_operator_interval = to.interval.is_some() && is_operator(requester);
    Ok(endpoint::set_operator_interval(tx, endpoint.id, has_operator_interval).await?)
}

/// An endpoint and the description that it gets.
struct DescriptionChange<'a> {
    endpoint: &'a Endpoint,
    to: &'a Description,
}

/// Removes an endpoint and returns it as it was.
pub async fn remove(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    now: Timestamp,
) -> Result<NamedEndpoint, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = NamedEndpoint::find(tx, requester, id).await?;
                // First, because its outages keep its name.
                let reason = TransitionReason::Removed;
                let removal = known.transition(known.monitor.status, reason, now);
                let change = Change::by_person(removal, known.details());
                transition::apply_one(tx, change, requester.actor, now).await?;
                match endpoint::remove(tx, requester.guild, id).await? {
                    Effect::Changed => Ok(known),
                    Effect::Nothing => Err(not_found()),
                }
            })
        })
        .await
}

/// Stops the checks of an endpoint until it is resumed, and closes its open outage.
pub async fn pause(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    now: Timestamp,
) -> Result<NamedEndpoint, Error> {
    switch(store, requester, id, Status::Paused, now).await
}

/// Resumes the checks of a paused endpoint, with the status unknown.
pub async fn resume(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    now: Timestamp,
) -> Result<NamedEndpoint, Error> {
    switch(store, requester, id, Status::Unknown, now).await
}

async fn switch(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    to: Status,
    now: Timestamp,
) -> Result<NamedEndpoint, Error> {
    store
        .writer
        .transact_for::<_, Error>(requester.guild, move |tx| {
            Box::pin(async move {
                let known = NamedEndpoint::find(tx, requester, id).await?;
                let name = &known.monitor.name;
                let reason = match (known.monitor.status == Status::Paused, to) {
                    (true, Status::Paused) => {
                        return Err(Error::Conflict(format!("`{name}` is already paused")));
                    }
                    (false, Status::Paused) => TransitionReason::Paused,
                    (true, _) => TransitionReason::Resumed,
                    (false, _) => return Err(Error::Conflict(format!("`{name}` is not paused"))),
                };
                let change = Change::by_person(known.transition(to, reason, now), known.details());
                reset(tx, id, change, requester, now).await?;
                Ok(known)
            })
        })
        .await
}

/// Puts an endpoint into a status that no check has caused, with no failures counted.
async fn reset(
    tx: &mut Tx<'_>,
    id: MonitorId,
    mut change: Change,
    requester: Requester,
    now: Timestamp,
) -> Result<(), StoreError> {
    state::load(tx, &[id]).await?;
    let Some(before) = state::of(tx, id) else {
        return Ok(());
    };
    let (from, to) = (before.state.status, change.transition.to);
    (change.transition.from, change.transition.since) = (from, before.state.since);
    let since = if from == to { before.state.since } else { now };
    let fresh = Loaded {
        state: State {
            status: to,
            ..State::new(since)
        },
        certificate: None,
        ..before
    };
    state::save_details(tx, id, fresh).await?;
    transition::apply_one(tx, change, requester.actor, now).await?;
    monitor_state::start_over(tx, id, now).await
}

async fn find(tx: &mut Tx<'_>, requester: Requester, id: MonitorId) -> Result<Endpoint, Error> {
    let found = endpoint::find(tx, requester.guild, id).await?;
    found.ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::NotFound("this endpoint does not exist".into())
}

fn details(description: &Description) -> Value {
    let interval_ms = description.interval.map(millis);
    json!({
        "name": description.name, "target": description.target.to_string(),
        "interval_ms": interval_ms,
    })
}

async fn append(tx: &mut Tx<'_>, event: NewEvent) -> Result<(), Error> {
    Ok(event::append(tx, &event).await?)
}

#[cfg(test)]
mod tests;
