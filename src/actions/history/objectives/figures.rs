//! How much of the error budgets of objectives is used, by the one definition of uptime.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::no_objective;
use crate::actions::Error;
use crate::actions::history::uptime;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::objective::budget::{BudgetUse, ErrorBudget, recent};
use crate::domain::history::objective::{ObjectiveId, ObjectiveSubject, ObjectiveWindow};
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;
use crate::store::history::monitor_history::{self, MonitorHistory};
use crate::store::history::objective::{self, StoredObjective};
use crate::store::{Reader, StoreError};

/// An objective with its error budget.
#[derive(Clone, Debug)]
pub struct ObjectiveFigures {
    pub stored: StoredObjective,
    pub budget: ErrorBudget,
    /// How many monitors it is about: 1, or those that the group has now.
    pub monitors: u64,
    /// The one of them with the most downtime. `None`: the group has no monitors.
    pub worst: Option<MonitorId>,
}

/// The objectives of a guild, those with the largest share of their budget used first.
pub async fn list(
    reader: &Reader,
    guild: GuildId,
    now: Timestamp,
) -> Result<Vec<ObjectiveFigures>, StoreError> {
    let stored = objective::list(reader, guild).await?;
    let mut all = of(reader, stored, now).await?;
    // In millionths; those that are alike stay in the order of their names.
    all.sort_by_key(|one| {
        let used = one.budget.used.as_millis() * 1_000_000;
        Reverse(used / one.budget.allowed.as_millis().max(1))
    });
    Ok(all)
}

/// The objective of a monitor or a group of a guild.
///
/// # Errors
/// `NotFound` if it has none.
pub async fn one(
    reader: &Reader,
    guild: GuildId,
    subject: &ObjectiveSubject,
    now: Timestamp,
) -> Result<ObjectiveFigures, Error> {
    let stored = objective::of(reader, guild, subject).await?;
    let stored = stored.ok_or_else(|| no_objective(subject))?;
    let found = of(reader, vec![stored], now).await?.pop();
    found.ok_or_else(|| no_objective(subject))
}

/// What each monitor used, by the window of the objective.
type Uses = HashMap<(ObjectiveWindow, MonitorId), BudgetUse>;

/// The figures of these objectives, in their order.
pub(super) async fn of(
    reader: &Reader,
    stored: Vec<StoredObjective>,
    now: Timestamp,
) -> Result<Vec<ObjectiveFigures>, StoreError> {
    let ids: Vec<ObjectiveId> = stored.iter().map(|one| one.id).collect();
    let members = objective::monitors(reader, &ids).await?;
    // A monitor with an objective in a group with one of the same window is read once.
    let mut by_window: BTreeMap<ObjectiveWindow, BTreeMap<MonitorId, &MonitorHistory>> =
        BTreeMap::new();
    for one in &stored {
        let monitors = by_window.entry(one.objective.window).or_default();
        let of_it = members.get(&one.id).into_iter().flatten();
        monitors.extend(of_it.map(|monitor| (monitor.id, monitor)));
    }
    let uses = uses(reader, by_window, now).await?;
    let figures = |one: StoredObjective| {
        let members = members.get(&one.id).map(Vec::as_slice).unwrap_or_default();
        figures(one, members, &uses, now)
    };
    Ok(stored.into_iter().map(figures).collect())
}

fn figures(
    stored: StoredObjective,
    members: &[MonitorHistory],
    uses: &Uses,
    now: Timestamp,
) -> ObjectiveFigures {
    let window = stored.objective.window;
    let of_monitor = |id| uses.get(&(window, id)).copied().unwrap_or_default();
    let used: Vec<BudgetUse> = members.iter().map(|one| of_monitor(one.id)).collect();
    let worst = members
        .iter()
        .zip(&used)
        .max_by_key(|(_, used)| used.offline);
    ObjectiveFigures {
        budget: ErrorBudget::of(stored.objective, &BudgetUse::mean(&used), now),
        stored,
        monitors: members.len() as u64,
        worst: worst.map(|(monitor, _)| monitor.id),
    }
}

async fn uses(
    reader: &Reader,
    by_window: BTreeMap<ObjectiveWindow, BTreeMap<MonitorId, &MonitorHistory>>,
    now: Timestamp,
) -> Result<Uses, StoreError> {
    let mut uses = HashMap::new();
    let Some(longest) = by_window.keys().next_back() else {
        return Ok(uses);
    };
    let observed = uptime::observed(reader, range(*longest, now), now).await?;
    for (window, monitors) in by_window {
        let (range, monitors) = (range(window, now), monitors.into_values().cloned());
        let recent = recent(range);
        let of_window = monitor_history::each(reader, monitors.collect(), range, |monitor| {
            let [all, late] =
                [range, recent].map(|part| uptime::summarize(&monitor, &observed, part));
            (monitor.id, monitor.exact_from, all, late)
        });
        for (id, exact_from, all, late) in of_window.await? {
            let all = uptime::with_recorded_days(reader, id, exact_from, range, all).await?;
            let late = uptime::with_recorded_days(reader, id, exact_from, recent, late).await?;
            uses.insert((window, id), BudgetUse::of(&all.times, &late.times));
        }
    }
    Ok(uses)
}

fn range(window: ObjectiveWindow, now: Timestamp) -> HistoryRange {
    HistoryRange {
        from: now.minus(window.length()),
        to: now,
    }
}
