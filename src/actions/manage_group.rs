//! Adds monitors to user-defined groups, and removes them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Error, Requester};
use crate::actions::field_changes::FieldChanges;
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::monitor::{MonitorId, parse_name};
use crate::store::event;
use crate::store::monitors::{group, monitor};
use crate::store::{Effect, Store, StoreError, Tx};

/// Puts a monitor into the group of that name, or into none (`None`); returns the name as it is stored.
pub async fn set(
    store: &Store,
    requester: Requester,
    monitor: MonitorId,
    name: Option<String>,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let name = name.map(|name| parse_name(&name)).transpose();
    let name = name.map_err(|error| Error::Invalid(format!("`group`: {error}")))?;
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                if set_in(tx, requester, monitor, name.as_deref(), now).await? == Effect::Nothing {
                    return Err(Error::NotFound("this monitor does not exist".into()));
                }
                Ok(name)
            })
        })
        .await
}

/// Changes to a group; `None` leaves a part as it is.
#[derive(Clone, Debug, Default)]
pub struct GroupEdit {
    pub name: Option<String>,
    /// All monitors that it has from now on.
    pub monitors: Option<Vec<MonitorId>>,
}

/// Makes a group of monitors. Each leaves the group that it is in.
pub async fn create(
    store: &Store,
    requester: Requester,
    name: String,
    monitors: Vec<MonitorId>,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                if !group::members(tx, requester.guild, &name).await?.is_empty() {
                    return Err(taken(&name));
                }
                let monitors = known(tx, requester, &monitors).await?;
                Ok(put(tx, requester, &monitors, Some(&name), now).await?)
            })
        })
        .await
}

/// Renames a group, or changes which monitors it has. Its silences follow its name.
pub async fn edit(
    store: &Store,
    requester: Requester,
    name: String,
    edit: GroupEdit,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let before = existing(tx, requester, &name).await?;
                let after = match &edit.monitors {
                    Some(monitors) => known(tx, requester, monitors).await?,
                    None => before.clone(),
                };
                let new = edit.name.as_ref().unwrap_or(&name);
                let is_renamed = *new != name;
                if is_renamed {
                    if !group::members(tx, requester.guild, new).await?.is_empty() {
                        return Err(taken(new));
                    }
                    group::rename_references(tx, requester.guild, &name, new).await?;
                }
                let left = before.difference(&after).copied().collect();
                put(tx, requester, &left, None, now).await?;
                let joined = match is_renamed {
                    true => after,
                    false => after.difference(&before).copied().collect(),
                };
                Ok(put(tx, requester, &joined, Some(new), now).await?)
            })
        })
        .await
}

/// Dissolves a group; its monitors stay.
pub async fn remove(
    store: &Store,
    requester: Requester,
    name: String,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let monitors = existing(tx, requester, &name).await?;
                Ok(put(tx, requester, &monitors, None, now).await?)
            })
        })
        .await
}

fn taken(name: &str) -> Error {
    Error::Conflict(format!("a group named `{name}` already exists"))
}

async fn existing(
    tx: &mut Tx<'_>,
    requester: Requester,
    name: &str,
) -> Result<BTreeSet<MonitorId>, Error> {
    let monitors = group::members(tx, requester.guild, name).await?;
    match monitors.is_empty() {
        true => Err(Error::NotFound(format!("there is no group named `{name}`"))),
        false => Ok(monitors),
    }
}

/// These monitors, all of which the guild has.
async fn known(
    tx: &mut Tx<'_>,
    requester: Requester,
    monitors: &[MonitorId],
) -> Result<BTreeSet<MonitorId>, Error> {
    let wanted: BTreeSet<MonitorId> = monitors.iter().copied().collect();
    let known = monitor::known_among(tx, requester.guild, monitors).await?;
    match wanted.difference(&known).next() {
        Some(missing) => Err(Error::NotFound(format!("there is no monitor {missing}"))),
        None => Ok(known),
    }
}

/// Puts monitors into a group, or into none.
async fn put(
    tx: &mut Tx<'_>,
    requester: Requester,
    monitors: &BTreeSet<MonitorId>,
    name: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for &id in monitors {
        // One that was removed meanwhile stays as it is.
        let _ = set_in(tx, requester, id, name, now).await?;
    }
    Ok(())
}

/// Puts one monitor into a group, or into none, with the event about it.
async fn set_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    id: MonitorId,
    name: Option<&str>,
    now: Timestamp,
) -> Result<Effect, StoreError> {
    let before = monitor::location(tx, id).await?.group;
    if group::set(tx, requester.guild, id, name).await? == Effect::Nothing {
        return Ok(Effect::Nothing);
    }
    let changes = FieldChanges::default().field("group", before, name);
    let details = json!({ "group": name, "changes": Value::from(changes) });
    let event = requester.event(EventKind::MonitorGrouped, Some(id), details, now);
    event::append(tx, &event).await?;
    Ok(Effect::Changed)
}
