//! Sets and removes objectives, shows how much of their error budgets is used, and notifies people of it.

pub mod figures;
pub mod judge;

use serde_json::json;

use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::history::objective::{MOST_OBJECTIVES, Objective, ObjectiveSubject};
use crate::domain::monitor::MonitorId;
use crate::store::event;
use crate::store::history::objective::{self, NewObjective};
use crate::store::monitors::{group, monitor};
use crate::store::{Effect, Store, Tx};

/// Sets the objective of a monitor or a group, in place of the one that it has. One that stays the same changes nothing.
///
/// # Errors
/// `NotFound` if the guild has no such monitor or group, `Conflict` for more objectives than a guild may have.
pub async fn set(
    store: &Store,
    requester: Requester,
    subject: ObjectiveSubject,
    objective: Objective,
    now: Timestamp,
) -> Result<(), Error> {
    let new = NewObjective {
        guild: requester.guild,
        subject,
        objective,
    };
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(set_in(tx, requester, new, now))
        })
        .await
}

async fn set_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: NewObjective,
    now: Timestamp,
) -> Result<(), Error> {
    check(tx, requester, &new.subject).await?;
    let before = objective::current(tx, requester.guild, &new.subject).await?;
    let before = before.map(|known| known.objective);
    if before == Some(new.objective) {
        return Ok(());
    }
    if before.is_none() && objective::count(tx, requester.guild).await? >= MOST_OBJECTIVES {
        return Err(Error::Conflict(format!(
            "this Discord server has {MOST_OBJECTIVES} objectives, and may not have more. Remove one first"
        )));
    }
    objective::set(tx, &new, now).await?;
    let (monitor, group) = parts(&new.subject);
    let details = json!({
        "group": group, "objective": new.objective.to_string(), "before": before.map(|before| before.to_string()),
    });
    let event = requester.event(EventKind::ObjectiveSet, monitor, details, now);
    Ok(event::append(tx, &event).await?)
}

/// Removes the objective of a monitor or a group.
///
/// # Errors
/// `NotFound` if it has none.
pub async fn remove(
    store: &Store,
    requester: Requester,
    subject: ObjectiveSubject,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                if objective::remove(tx, requester.guild, &subject).await? == Effect::Nothing {
                    return Err(no_objective(&subject));
                }
                let (monitor, group) = parts(&subject);
                let details = json!({ "group": group });
                let event = requester.event(EventKind::ObjectiveRemoved, monitor, details, now);
                Ok(event::append(tx, &event).await?)
            })
        })
        .await
}

/// Refuses a monitor and a group that the guild does not have.
async fn check(
    tx: &mut Tx<'_>,
    requester: Requester,
    subject: &ObjectiveSubject,
) -> Result<(), Error> {
    match subject {
        ObjectiveSubject::Monitor(id) => {
            let known = monitor::known_among(tx, requester.guild, &[*id]).await?;
            match known.contains(id) {
                true => Ok(()),
                false => Err(Error::NotFound(format!("there is no monitor {id}"))),
            }
        }
        ObjectiveSubject::Group(name) => {
            match group::members(tx, requester.guild, name).await?.is_empty() {
                true => Err(Error::NotFound(format!("there is no group named `{name}`"))),
                false => Ok(()),
            }
        }
    }
}

fn parts(subject: &ObjectiveSubject) -> (Option<MonitorId>, Option<&str>) {
    match subject {
        ObjectiveSubject::Monitor(id) => (Some(*id), None),
        ObjectiveSubject::Group(name) => (None, Some(name)),
    }
}

fn no_objective(subject: &ObjectiveSubject) -> Error {
    Error::NotFound(match subject {
        ObjectiveSubject::Monitor(_) => "this monitor has no objective".to_owned(),
        ObjectiveSubject::Group(name) => format!("the group `{name}` has no objective"),
    })
}

#[cfg(test)]
mod tests;
