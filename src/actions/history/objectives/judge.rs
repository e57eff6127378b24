//! Notifies guilds once when half of an error budget is used, and once when more than all of it is.
//!
//! Nothing is sent while the monitor is silenced or its notifications are off, or in a guild without a destination; of a group, its
//! monitor with the most downtime counts. Once that ends, the state is announced that the budget has then.

use std::collections::BTreeMap;

use super::figures::{self, ObjectiveFigures};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::objective::ObjectiveId;
use crate::domain::history::objective::budget::BudgetState;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::notification_kind::{
    MAX_OBJECTIVES, NotificationKind, UsedBudget,
};
use crate::store::history::objective;
use crate::store::incidents::incident;
use crate::store::notifications::{alert_override, delivery, destination};
use crate::store::silences::silence;
use crate::store::{Effect, Store, StoreError, Tx};

/// Objectives whose figures are read at once.
const AT_ONCE: u32 = 200;

/// An objective whose state is another one than people know.
struct StateChange {
    figures: ObjectiveFigures,
    next: BudgetState,
}

/// Judges every objective that may have changed; returns the number of objectives that people were notified of.
pub async fn judge(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let mut notified = 0;
    let mut failed = None;
    let mut after = ObjectiveId(0);
    loop {
        let batch = objective::to_judge(&store.reader, after, now, AT_ONCE).await?;
        let Some(last) = batch.last else {
            return failed.map_or(Ok(notified), Err);
        };
        after = last;
        let figures = figures::of(&store.reader, batch.objectives, now).await?;
        for (guild, changes) in in_batches(figures) {
            let recorded = store
                .writer
                .transact_for::<_, StoreError>(guild, move |tx| {
                    Box::pin(async move { record(tx, guild, changes, now).await })
                });
            match recorded.await {
                Ok(count) => notified += count,
                // The other guilds do not wait for this one.
                Err(error) => {
                    tracing::error!(%error, %guild, "cannot announce error budgets");
                    failed.get_or_insert(error);
                }
            }
        }
    }
}

/// The objectives whose state changes, by guild, at most as many as one message names.
fn in_batches(all: Vec<ObjectiveFigures>) -> Vec<(GuildId, Vec<StateChange>)> {
    let mut guilds: BTreeMap<GuildId, Vec<StateChange>> = BTreeMap::new();
    for figures in all {
        let known = &figures.stored;
        let next = known.notified.next(&figures.budget);
        if next != known.notified {
            let of_guild = guilds.entry(known.guild).or_default();
            of_guild.push(StateChange { figures, next });
        }
    }
    let mut batches = Vec::new();
    for (guild, changes) in guilds {
        let mut rest = changes.into_iter();
        loop {
            let batch: Vec<StateChange> = rest.by_ref().take(MAX_OBJECTIVES).collect();
            if batch.is_empty() {
                break;
            }
            batches.push((guild, batch));
        }
    }
    batches
}

/// Records the states, and announces those that are worse than what people know.
async fn record(
    tx: &mut Tx<'_>,
    guild: GuildId,
    changes: Vec<StateChange>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let has_destination = !destination::of(tx, guild).await?.is_empty();
    let (mut at_risk, mut missed) = (Vec::new(), Vec::new());
    for StateChange { figures, next } in changes {
        let known = &figures.stored;
        let is_worse = next > known.notified;
        if is_worse && !(has_destination && is_notified(tx, figures.worst, now).await?) {
            continue;
        }
        if objective::set_notified(tx, known, next).await? == Effect::Nothing || !is_worse {
            continue;
        }
        let state = next.as_str();
        tracing::info!(%guild, objective = known.id.0, state, "error budget used");
        match next {
            BudgetState::Missed => missed.push(used(figures)),
            BudgetState::Met | BudgetState::AtRisk => at_risk.push(used(figures)),
        }
    }
    let mut notified = 0;
    for (is_missed, objectives) in [(false, at_risk), (true, missed)] {
        if objectives.is_empty() {
            continue;
        }
        notified += objectives.len() as u64;
        let kind = NotificationKind::ErrorBudgetUsed {
            is_missed,
            objectives,
        };
        let incident = incident::announce(tx, guild, &kind, now).await?;
        delivery::enqueue(tx, guild, incident).await?;
    }
    Ok(notified)
}

fn used(figures: ObjectiveFigures) -> UsedBudget {
    UsedBudget {
        subject: figures.stored.subject,
        name: figures.stored.name,
        objective: figures.stored.objective,
        budget: figures.budget,
    }
}

/// Whether people are notified of this monitor now.
async fn is_notified(
    tx: &mut Tx<'_>,
    monitor: Option<MonitorId>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(monitor) = monitor else {
        return Ok(false);
    };
    if silence::of(tx, monitor, now).await?.is_some() {
        return Ok(false);
    }
    let own = alert_override::of(tx, monitor).await?;
    Ok(own.is_none_or(|own| own.notify))
}
