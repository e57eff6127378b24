//! The only path from a check result to a status: loads the state, applies the status rule, saves all consequences (state,
//! result row, outage, event) in one transaction, and sends the recorded result to its waiters after the commit.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::completed_check::{CompletedCheck, Recorded};
use crate::actions::incidents::outage;
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{CheckResult, Failure};
use crate::domain::endpoints::schedule;
use crate::domain::endpoints::status_rule::{Decision, NextCheck, Policy, StatusChange, decide};
use crate::domain::event::{Actor, EventKind};
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::status::Status;
use crate::store::endpoints::state::Loaded;
use crate::store::endpoints::{check_result, state};
use crate::store::event::NewEvent;
use crate::store::monitors::monitor_state;
use crate::store::monitors::monitor_state::{MonitorState, SteadyPass};
use crate::store::{StoreError, Tx, Writer, event};

/// Settings that the status rule uses.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// For endpoints that have no interval of their own.
    pub interval: Duration,
    pub retry_interval: Duration,
    pub recheck_interval: Duration,
    pub failures_to_offline: u32,
}

impl Rules {
    /// Policy of an endpoint that has this interval, or none of its own (`None`).
    pub fn policy(&self, interval: Option<Duration>) -> Policy {
        Policy {
            interval: interval.unwrap_or(self.interval),
            retry_interval: self.retry_interval,
            recheck_interval: self.recheck_interval,
            failures_to_offline: self.failures_to_offline,
        }
    }
}

/// Records check results in order, in one transaction. Results for a removed endpoint or an older revision of it are
/// dropped.
pub async fn record(
    writer: &Writer,
    completed: Vec<CompletedCheck>,
    rules: Rules,
    actor: Actor,
    now: Timestamp,
) -> Result<Vec<Arc<Recorded>>, StoreError> {
    let mut waiters = Vec::new();
    let mut checked = Vec::with_capacity(completed.len());
    for completed in completed {
        waiters.extend(
            completed
                .waiters
                .into_iter()
                .map(|waiter| (completed.monitor_id, waiter)),
        );
        let whose = (completed.monitor_id, completed.revision);
        checked.push((whose, completed.result));
    }
    let recorded = writer
        .transact(move |tx| {
            Box::pin(async move { record_in(tx, checked, rules, actor, now).await })
        })
        .await?;
    for (id, waiter) in waiters {
        // The waiters of a dropped result are dropped, too, and thereby learn that there is none.
        if let Some(result) = recorded
            .iter()
            .rev()
            .find(|recorded| recorded.monitor_id == id)
        {
            waiter.send(Arc::clone(result));
        }
    }
    Ok(recorded)
}

async fn record_in(
    tx: &mut Tx<'_>,
    checked: Vec<((MonitorId, u32), CheckResult)>,
    rules: Rules,
    actor: Actor,
    now: Timestamp,
) -> Result<Vec<Arc<Recorded>>, StoreError> {
    let ids: Vec<MonitorId> = checked.iter().map(|((id, _), _)| *id).collect();
    state::load(tx, &ids).await?;
    let mut results = Vec::with_capacity(checked.len());
    let (mut rows, mut steady, mut changed) =
        (Vec::with_capacity(checked.len()), Vec::new(), Vec::new());
    for ((id, revision), result) in checked {
        let Some(before) = state::of(tx, id).filter(|before| before.revision == revision) else {
            continue;
        };
        let policy = rules.policy(before.interval);
        let decision = decide(&before.state, &result, &policy);
        let row = check_result::Row::new(id, &result);
        let monitor_state = state_of(&row, &decision, id);
        rows.push(row);
        if is_steady(&before, &decision, &result) {
            steady.push(SteadyPass {
                monitor_id: id,
                at: row.at,
                latency_us: row.latency_us,
            });
        } else {
            changed.push(monitor_state);
            save_change(
                tx,
                id,
                &before,
                &decision,
                &Trigger {
                    result: &result,
                    actor,
                    now,
                },
            )
            .await?;
        }
        let next_check_at = match decision.next {
            NextCheck::Slot => Some(schedule::next_slot(id.0, policy.interval, result.at)),
            _ => monitor_state.next_check_at,
        };
        let Decision { state, change, .. } = decision;
        let status_before = before.state.status;
        results.push(Arc::new(Recorded {
            monitor_id: id,
            result,
            status_before,
            state,
            change,
            next_check_at,
        }));
    }
    check_result::append(tx, &rows).await?;
    monitor_state::touch(tx, &steady, now).await?;
    monitor_state::save(tx, &changed).await?;
    Ok(results)
}

/// Whether the endpoint is online and nothing but the timestamps of the check has changed.
fn is_steady(before: &Loaded, decision: &Decision, result: &CheckResult) -> bool {
    let same_certificate = result.certificate_expires_at.is_none()
        || result.certificate_expires_at == before.certificate_expires_at;
    decision.state == before.state && decision.state.status == Status::Online && same_certificate
}

fn state_of(row: &check_result::Row, decision: &Decision, id: MonitorId) -> MonitorState {
    let next_check_at = match decision.next {
        NextCheck::After(gap) => Some(row.at.plus(gap)),
        NextCheck::Slot | NextCheck::Recheck => None,
    };
    MonitorState {
        monitor_id: id,
        last_check_at: row.at,
        last_seen_at: row.is_up().then_some(row.at),
        next_check_at,
        consecutive_failures: decision.state.consecutive_failures,
        latency_us: row.latency_us,
    }
}

/// The result that caused a change, who requested the check, and when it is recorded.
struct Trigger<'a> {
    result: &'a CheckResult,
    actor: Actor,
    now: Timestamp,
}

async fn save_change(
    tx: &mut Tx<'_>,
    id: MonitorId,
    before: &Loaded,
    decision: &Decision,
    trigger: &Trigger<'_>,
) -> Result<(), StoreError> {
    let after = Loaded {
        state: decision.state.clone(),
        certificate_expires_at: trigger
            .result
            .certificate_expires_at
            .or(before.certificate_expires_at),
        ..before.clone()
    };
    let only_count_changed = decision.change.is_none()
        && decision.state.failure == before.state.failure
        && after.certificate_expires_at == before.certificate_expires_at;
    if only_count_changed {
        state::remember(tx, id, after);
    } else {
        state::save(tx, id, after).await?;
    }
    if decision.state.status == Status::Offline {
        state::checked_while_inactive(tx, id, trigger.result.at).await?;
    }
    let Some(change) = &decision.change else {
        return Ok(());
    };
    let at = match change {
        // Dated at the first failure, not at the one that reached the limit.
        StatusChange::WentOffline => decision.state.since,
        _ => trigger.result.at,
    };
    match change {
        StatusChange::WentOffline => {
            let reason = decision
                .state
                .failure
                .as_ref()
                // Nothing is offline without a failure.
                .map_or(OutageReason::Unreachable, |failure| failure.class.into());
            let monitor = MonitorRef {
                guild: before.guild_id,
                id,
            };
            outage::open(tx, monitor, at, reason, trigger.now).await?;
        }
        StatusChange::Recovered { .. } => outage::close(tx, id, at).await?,
        StatusChange::FirstPass
        | StatusChange::Warned
        | StatusChange::WarningCleared
        | StatusChange::BecameUnknown => {}
    }
    let event = NewEvent {
        guild_id: before.guild_id,
        monitor_id: Some(id),
        kind: EventKind::from(change),
        at,
        noticed_at: trigger.now,
        actor: trigger.actor,
        details: details(change, decision.state.failure.as_ref()),
    };
    event::append(tx, &event).await
}

fn details(change: &StatusChange, failure: Option<&Failure>) -> serde_json::Value {
    match change {
        StatusChange::Recovered { down_for } => {
            json!({ "down_for_ms": crate::domain::millis(*down_for) })
        }
        _ => match failure {
            Some(failure) => {
                json!({ "reason": failure.class.as_str(), "detail": failure.detail.as_deref() })
            }
            None => json!({}),
        },
    }
}

#[cfg(test)]
mod tests;
