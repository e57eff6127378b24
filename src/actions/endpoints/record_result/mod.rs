//! The only path from a check result to a status: loads the state, applies the status rule, saves all consequences (state,
//! result row, outage, event) in one transaction, and sends the recorded result to its waiters after the commit.

use std::sync::Arc;
use std::time::Duration;

use super::completed_check::{CompletedCheck, Recorded};
use crate::actions::incidents::notify;
use crate::actions::transition::{self, Change};
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{CheckResult, Failure, FailureClass};
use crate::domain::endpoints::schedule;
use crate::domain::endpoints::status_rule::{Decision, NextCheck, Policy, decide, is_steady};
use crate::domain::event::Actor;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::status::Status;
use crate::store::endpoints::state::Loaded;
use crate::store::endpoints::{check_result, state};
use crate::store::monitors::monitor_state;
use crate::store::monitors::monitor_state::{MonitorState, SteadyPass};
use crate::store::{StoreError, Tx, Writer};

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
    let mut batch = ResultBatch::default();
    let mut results = Vec::with_capacity(checked.len());
    for ((id, revision), result) in checked {
        let Some(before) = state::of(tx, id).filter(|before| before.revision == revision) else {
            continue;
        };
        let monitor = MonitorRef {
            guild: before.guild_id,
            id,
        };
        let policy = rules.policy(before.interval);
        let decision = decide(monitor, &before.state, &result, &policy);
        let judged = Judged {
            id,
            before: &before,
            decision: &decision,
            result: &result,
        };
        let next_check_at = batch.add(tx, &judged).await?;
        let next_check_at = match decision.next {
            NextCheck::Slot => Some(schedule::next_slot(id.0, policy.interval, result.at)),
            _ => next_check_at,
        };
        results.push(Arc::new(Recorded {
            monitor_id: id,
            result,
            status_before: before.state.status,
            state: decision.state,
            transition: decision.transition,
            next_check_at,
        }));
    }
    batch.save(tx, actor, now).await?;
    Ok(results)
}

/// A result, and what the rule decided by it.
struct Judged<'a> {
    id: MonitorId,
    before: &'a Loaded,
    decision: &'a Decision,
    result: &'a CheckResult,
}

/// What the results of one transaction write, in few statements.
#[derive(Default)]
struct ResultBatch {
    rows: Vec<check_result::Row>,
    steady: Vec<SteadyPass>,
    changed: Vec<MonitorState>,
    transitions: Vec<Change>,
    /// Offline endpoints that the address policy allows by now. Their outages may not have been announced.
    allowed_again: Vec<MonitorRef>,
    /// Checks of endpoints that are inactive after them.
    checked_while_inactive: Vec<(MonitorId, Timestamp)>,
}

impl ResultBatch {
    /// Returns when the next check is due, as far as the narrow row says so.
    async fn add(
        &mut self,
        tx: &mut Tx<'_>,
        judged: &Judged<'_>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Judged {
            id,
            before,
            decision,
            result,
        } = *judged;
        let row = check_result::Row::new(id, result);
        let monitor_state = state_of(&row, decision, id);
        let next_check_at = monitor_state.next_check_at;
        let has_same_certificate =
            result.certificate.is_none() || result.certificate == before.certificate;
        if is_steady(before.state.status, &result.verdict) && has_same_certificate {
            self.steady.push(SteadyPass {
                monitor_id: id,
                at: row.at,
                latency_us: row.latency_us,
            });
        } else {
            self.changed.push(monitor_state);
            save_details(tx, judged).await?;
            if decision.state.status == Status::Offline {
                self.checked_while_inactive.push((id, result.at));
                self.allowed_again.extend(allowed_again(judged));
            }
            let transition = decision.transition.clone();
            self.transitions.extend(transition.map(Change::from));
        }
        self.rows.push(row);
        Ok(next_check_at)
    }

    async fn save(self, tx: &mut Tx<'_>, actor: Actor, now: Timestamp) -> Result<(), StoreError> {
        transition::apply(tx, &self.transitions, actor, now).await?;
        for monitor in self.allowed_again {
            notify::notify_if_open(tx, monitor, now).await?;
        }
        for (id, at) in self.checked_while_inactive {
            state::checked_while_inactive(tx, id, at).await?;
        }
        check_result::append(tx, &self.rows).await?;
        monitor_state::touch(tx, &self.steady, now).await?;
        monitor_state::save(tx, &self.changed).await
    }
}

/// The monitor of a check that the address policy refused the last time, and that fails for another reason now.
fn allowed_again(judged: &Judged<'_>) -> Option<MonitorRef> {
    let is_refused = |failure: &Option<Failure>| {
        let failure = failure.as_ref();
        failure.is_some_and(|failure| failure.class == FailureClass::NotAllowed)
    };
    let was_refused = is_refused(&judged.before.state.failure);
    (was_refused && !is_refused(&judged.decision.state.failure)).then_some(MonitorRef {
        guild: judged.before.guild_id,
        id: judged.id,
    })
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

/// Saves the failure and the certificate, if they changed; the caller saves the rest.
async fn save_details(tx: &mut Tx<'_>, judged: &Judged<'_>) -> Result<(), StoreError> {
    let Judged {
        id,
        before,
        decision,
        result,
    } = *judged;
    let certificate = result.certificate.as_ref().or(before.certificate.as_ref());
    let after = Loaded {
        state: decision.state.clone(),
        certificate: certificate.cloned(),
        ..before.clone()
    };
    let is_unchanged =
        decision.state.failure == before.state.failure && after.certificate == before.certificate;
    if is_unchanged {
        state::remember(tx, id, after);
        return Ok(());
    }
    state::save_details(tx, id, after).await
}

#[cfg(test)]
mod tests;
