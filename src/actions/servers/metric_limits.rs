//! The limits on what servers report: compares each report with them, and changes them for people.

use serde_json::json;

use crate::actions::servers::figures;
use crate::actions::servers::find_server::{not_found, of_guild};
use crate::actions::{Error, Requester, transition};
use crate::domain::Timestamp;
use crate::domain::event::{Actor, EventKind};
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::servers::metric::Metric;
use crate::domain::servers::metric_limit::{
    ConditionKind, LimitChange, MOST_LIMITS, MetricLimit, Severity,
};
use crate::domain::servers::status_rule::{ServerState, on_limits};
use crate::domain::status::Status;
use crate::domain::status::transition::OutageEnd;
use crate::store::event;
use crate::store::incidents::outage::Excess;
use crate::store::servers::metric_limit::{self, StoredLimit};
use crate::store::servers::server;
use crate::store::{Reader, Store, StoreError, Tx};

/// Compares a report with the limits of its server, and returns the status then. `state` is that after the report itself;
/// `stats` is a JSON object.
pub(super) async fn observe(
    tx: &mut Tx<'_>,
    state: ServerState,
    stats: &str,
    now: Timestamp,
) -> Result<Status, StoreError> {
    let mut limits = metric_limit::of(tx, state.monitor.id).await?;
    if limits.is_empty() {
        return Ok(state.status);
    }
    let figures = figures::of(stats);
    for stored in &mut limits {
        let (progress, change) = stored.limit.observe(&stored.progress, &figures, now);
        match change {
            Some(LimitChange::Exceeded { since, reason }) => {
                let excess = Excess {
                    server: state.monitor,
                    limit: stored.id,
                    severity: stored.limit.severity,
                    started_at: since,
                    reason,
                };
                transition::exceed_limit(tx, &excess, &stored.limit, now).await?;
            }
            Some(LimitChange::Met) => {
                let end = OutageEnd::Recovered;
                transition::meet_limit(tx, state.monitor, stored, end, now).await?;
            }
            None => {}
        }
        if progress != stored.progress {
            metric_limit::set_progress(tx, stored.id, &progress).await?;
            stored.progress = progress;
        }
    }
    adjust_status(tx, state, &limits, now).await
}

/// Brings the status of a server in line with its limits, and returns it.
async fn adjust_status(
    tx: &mut Tx<'_>,
    state: ServerState,
    limits: &[StoredLimit],
    now: Timestamp,
) -> Result<Status, StoreError> {
    let exceeded = worst(limits);
    let of_it = limits
        .iter()
        .filter(|one| one.progress.exceeded.is_some() && Some(one.limit.severity) == exceeded);
    let since = of_it.filter_map(|one| one.progress.beyond_since).min();
    let Some(change) = on_limits(state, exceeded, since.unwrap_or(now), now) else {
        return Ok(state.status);
    };
    let status = change.to;
    transition::apply_one(tx, change, Actor::System, now).await?;
    Ok(status)
}

/// The worst of the limits that are exceeded.
fn worst(limits: &[StoredLimit]) -> Option<Severity> {
    let exceeded = limits.iter().filter(|one| one.progress.exceeded.is_some());
    exceeded.map(|one| one.limit.severity).max()
}

/// A change to the limits of a server.
#[derive(Clone, Debug, PartialEq)]
pub enum LimitEdit {
    /// Sets these, each in place of the one with the same metric and kind of condition.
    Set(Vec<MetricLimit>),
    /// Removes those of a metric; of one kind of condition, if one is given.
    Remove(Metric, Option<ConditionKind>),
    /// Sets these, if the server has no limits yet.
    SetFirst(Vec<MetricLimit>),
    /// Removes all others.
    Replace(Vec<MetricLimit>),
}

impl LimitEdit {
    /// The limits that a server has afterward.
    fn apply(self, known: Vec<MetricLimit>) -> Result<Vec<MetricLimit>, Error> {
        let mut wanted = known;
        match self {
            Self::Set(limits) => put_all(&mut wanted, limits),
            Self::SetFirst(_) if !wanted.is_empty() => {
                return Err(Error::Conflict("this server has limits already".into()));
            }
            Self::SetFirst(limits) => put_all(&mut wanted, limits),
            Self::Replace(limits) => {
                wanted.clear();
                put_all(&mut wanted, limits);
            }
            Self::Remove(metric, kind) => {
                let before = wanted.len();
                wanted.retain(|one| {
                    let is_other = |kind| kind != one.condition.kind();
                    one.metric != metric || kind.is_some_and(is_other)
                });
                if wanted.len() == before {
                    return Err(Error::NotFound("this server has no such limit".into()));
                }
            }
        }
        if wanted.len() > MOST_LIMITS {
            return Err(Error::Conflict(format!(
                "a server may have at most {MOST_LIMITS} limits. Remove one first"
            )));
        }
        Ok(wanted)
    }
}

fn put_all(known: &mut Vec<MetricLimit>, limits: Vec<MetricLimit>) {
    for limit in limits {
        known.retain(|one| !is_same(one, &limit));
        known.push(limit);
    }
}

fn is_same(one: &MetricLimit, other: &MetricLimit) -> bool {
    one.metric == other.metric && one.condition.kind() == other.condition.kind()
}

/// The limits of a server of the requester's guild.
///
/// # Errors
/// `NotFound` if the guild has no such server.
pub async fn list(
    reader: &Reader,
    requester: Requester,
    id: MonitorId,
) -> Result<Vec<StoredLimit>, Error> {
    if server::get(reader, requester.guild, id).await?.is_none() {
        return Err(not_found());
    }
    Ok(metric_limit::list(reader, requester.guild, id).await?)
}

/// Changes the limits of a server. One that stays as it is keeps what the reports have shown; the outage of any other ends.
///
/// # Errors
/// `NotFound` if the guild has no such server or the server no such limit, `Conflict` for more limits than a server may have, or for
/// first limits of a server that has some.
pub async fn edit(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    edit: LimitEdit,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(edit_in(tx, requester, id, edit, now))
        })
        .await
}

async fn edit_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    id: MonitorId,
    edit: LimitEdit,
    now: Timestamp,
) -> Result<(), Error> {
    let server = of_guild(tx, requester, id).await?;
    let known = metric_limit::of(tx, id).await?;
    let before: Vec<MetricLimit> = known.iter().map(|one| one.limit.clone()).collect();
    let wanted = edit.apply(before.clone())?;
    let of = requester.monitor(id);
    remove_others(tx, of, &known, &wanted, now).await?;
    for limit in &wanted {
        if !before.contains(limit) {
            metric_limit::insert(tx, of, limit, now).await?;
        }
    }
    let after = metric_limit::of(tx, id).await?;
    adjust_status(tx, server.state(), &after, now).await?;
    let (removed, set) = (texts(&before, &wanted), texts(&wanted, &before));
    if removed.is_empty() && set.is_empty() {
        return Ok(());
    }
    let details = json!({ "name": server.name, "removed": removed, "set": set });
    let event = requester.event(EventKind::ServerLimitsChanged, Some(id), details, now);
    Ok(event::append(tx, &event).await?)
}

/// Removes the limits that are not wanted as they are.
async fn remove_others(
    tx: &mut Tx<'_>,
    server: MonitorRef,
    known: &[StoredLimit],
    wanted: &[MetricLimit],
    now: Timestamp,
) -> Result<(), StoreError> {
    for stored in known.iter().filter(|one| !wanted.contains(&one.limit)) {
        transition::meet_limit(tx, server, stored, OutageEnd::LimitChanged, now).await?;
        metric_limit::remove(tx, stored.id).await?;
    }
    Ok(())
}

/// The limits that are not among others, for the audit log: with the severity, where it is not the usual one.
fn texts(limits: &[MetricLimit], others: &[MetricLimit]) -> Vec<String> {
    let text = |limit: &MetricLimit| match limit.severity {
        Severity::Warning => limit.to_string(),
        Severity::Outage => format!("{limit} (outage)"),
    };
    let new = limits.iter().filter(|limit| !others.contains(limit));
    new.map(text).collect()
}

#[cfg(test)]
#[path = "metric_limits_tests.rs"]
mod tests;
