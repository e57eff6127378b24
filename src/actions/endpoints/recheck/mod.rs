//! Rechecks endpoints that stopped answering: one that a requester names, or all that are due for a recheck.

mod find_endpoint;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use super::check_runner::{CheckAttempt, CheckRunner};
use super::completed_check::Recorded;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::domain::status::transition::Transition;
use crate::store::endpoints::endpoint::{self, Scheduled};
use crate::store::endpoints::state;
use crate::store::{Reader, StoreError};

pub use self::find_endpoint::{find, scheduled};

/// Result of a run over several endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub found: u64,
    /// Were offline and are online again.
    pub reactivated: u64,
    /// Are online, and were not offline before.
    pub online: u64,
    pub still_offline: u64,
    /// Failing, but not offline yet.
    pub warning: u64,
    /// Could not be checked, or were changed or removed meanwhile.
    pub unknown: u64,
}

impl Summary {
    fn add(&mut self, transition: Option<&Transition>, status: Status) {
        self.found += 1;
        if transition.and_then(Transition::recovered_after).is_some() {
            self.reactivated += 1;
            return;
        }
        match status {
            Status::Online => self.online += 1,
            Status::Offline => self.still_offline += 1,
            Status::Warning => self.warning += 1,
            Status::Unknown | Status::Paused => self.unknown += 1,
        }
    }
}

/// Batch size and concurrency of a run, and how old the last check of an endpoint must be.
#[derive(Clone, Copy, Debug)]
pub struct RecheckOptions {
    pub min_age: Duration,
    pub batch: u32,
    pub concurrency: usize,
}

/// Checks `endpoints`, at most `concurrency` at a time; calls `on_result` after each check, in no particular order.
pub async fn many(
    checks: &CheckRunner,
    endpoints: Vec<Scheduled>,
    concurrency: usize,
    actor: Actor,
    on_result: impl FnMut(&Scheduled, &str),
) -> Result<Summary, StoreError> {
    let mut group = GroupCheck::new(checks, concurrency, actor, on_result);
    group.check(endpoints).await?;
    group.check_postponed().await?;
    Ok(group.summary)
}

/// A check of several endpoints. Those that cannot connect yet are checked at the end, so that the endpoints of one guild on
/// one address do not delay the others.
struct GroupCheck<'a, F> {
    checks: &'a CheckRunner,
    concurrency: usize,
    actor: Actor,
    on_result: F,
    summary: Summary,
    postponed: Vec<Scheduled>,
}

impl<'a, F: FnMut(&Scheduled, &str)> GroupCheck<'a, F> {
    fn new(checks: &'a CheckRunner, concurrency: usize, actor: Actor, on_result: F) -> Self {
        Self {
            checks,
            concurrency: concurrency.max(1),
            actor,
            on_result,
            summary: Summary::default(),
            postponed: Vec::new(),
        }
    }

    async fn check(&mut self, endpoints: Vec<Scheduled>) -> Result<(), StoreError> {
        let (checks, actor) = (self.checks, self.actor);
        let mut results = stream::iter(endpoints)
            .map(|endpoint| async move {
                (
                    checks.check_and_record_now(&endpoint, actor).await,
                    endpoint,
                )
            })
            .buffer_unordered(self.concurrency);
        while let Some((attempt, endpoint)) = results.next().await {
            match attempt? {
                CheckAttempt::Completed(recorded) => self.add(&endpoint, recorded.as_deref()),
                CheckAttempt::Postponed => self.postponed.push(endpoint),
            }
        }
        Ok(())
    }

    /// Checks the postponed endpoints: one at a time of each guild, all guilds at once. Returns their ids.
    async fn check_postponed(&mut self) -> Result<Vec<MonitorId>, StoreError> {
        let (checks, actor) = (self.checks, self.actor);
        let mut guilds: HashMap<GuildId, Vec<Scheduled>> = HashMap::new();
        let mut ids = Vec::with_capacity(self.postponed.len());
        for endpoint in self.postponed.drain(..) {
            ids.push(endpoint.id);
            guilds.entry(endpoint.guild).or_default().push(endpoint);
        }
        let guilds = guilds.into_values().map(|endpoints| {
            let results = stream::iter(endpoints).then(move |endpoint| async move {
                (checks.check_and_record(&endpoint, actor).await, endpoint)
            });
            Box::pin(results)
        });
        let mut results = stream::select_all(guilds);
        while let Some((recorded, endpoint)) = results.next().await {
            self.add(&endpoint, recorded?.as_deref());
        }
        Ok(ids)
    }

    fn add(&mut self, endpoint: &Scheduled, recorded: Option<&Recorded>) {
        let Some(recorded) = recorded else {
            self.summary.add(None, Status::Unknown);
            return;
        };
        let state = &recorded.state;
        self.summary.add(recorded.transition.as_ref(), state.status);
        let failure = state.failure.as_ref().map(ToString::to_string);
        (self.on_result)(
            endpoint,
            failure.as_deref().unwrap_or(state.status.as_str()),
        );
    }
}

/// A run over all endpoints that are due for a recheck.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// `None`: all guilds.
    pub guild: Option<GuildId>,
    pub options: RecheckOptions,
    pub actor: Actor,
}

/// Rechecks every inactive endpoint not checked for `options.min_age`, batch by batch, each once.
///
/// The checks of a run count as done when the run began: a run that begins exactly `min_age` later checks all of them
/// again, however long the first one took. `on_result` is called after each check, in no particular order.
pub async fn all_due(
    checks: &CheckRunner,
    reader: &Reader,
    run: Run,
    on_result: impl FnMut(&Scheduled, &str),
) -> Result<Summary, StoreError> {
    let began_at = checks.clock.now();
    let checked_before = began_at.minus(run.options.min_age);
    let mut group = GroupCheck::new(checks, run.options.concurrency, run.actor, on_result);
    let mut done = HashSet::new();
    loop {
        let mut batch =
            endpoint::due_for_recheck(reader, run.guild, checked_before, run.options.batch.max(1))
                .await?;
        // A check that was running when the run began is shared, and dated before the run: it is not repeated.
        batch.retain(|endpoint| done.insert(endpoint.id));
        if batch.is_empty() {
            break;
        }
        let ids = batch.iter().map(|endpoint| endpoint.id).collect();
        group.check(batch).await?;
        // Postponed ones, too: the next batch has others.
        mark(checks, ids, began_at).await?;
    }
    let ids = group.check_postponed().await?;
    if !ids.is_empty() {
        mark(checks, ids, began_at).await?;
    }
    Ok(group.summary)
}

/// Stores that endpoints were checked by the run that began at this time.
async fn mark(
    checks: &CheckRunner,
    ids: Vec<MonitorId>,
    began_at: Timestamp,
) -> Result<(), StoreError> {
    checks
        .writer
        .transact::<_, StoreError>(move |tx| {
            Box::pin(async move { state::recheck_began(tx, &ids, began_at).await })
        })
        .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::actions::endpoints::record_result::Rules;
    use crate::clock::Clock;
    use crate::probe::{Prober, ProberConfig};
    use crate::store::endpoints::endpoint::Description;
    use crate::store::testing::TestStore;

    const HOUR: Duration = Duration::from_secs(3600);

    static NOW: AtomicI64 = AtomicI64::new(0);

    /// A clock that advances by one second with every reading.
    fn ticking() -> Timestamp {
        Timestamp::from_millis(NOW.fetch_add(1000, Ordering::SeqCst))
    }

    /// Adds seven offline endpoints; returns the runner to check them.
    async fn seven_offline(store: &TestStore) -> CheckRunner {
        let rules = Rules {
            interval: HOUR,
            retry_interval: HOUR,
            recheck_interval: HOUR,
            failures_to_offline: 1,
        };
        // No address is allowed: every check fails at once, and no packet is sent.
        let prober = Prober::new(ProberConfig::default()).unwrap();
        let checks = CheckRunner::new(
            prober,
            store.writer.clone(),
            rules,
            Duration::from_secs(1),
            Clock(ticking),
        );
        let mut endpoints = Vec::new();
        for port in 1..=7 {
            let target: crate::domain::endpoints::target::Target =
                format!("tcp://127.0.0.1:{port}").parse().unwrap();
            let description = Description {
                name: target.to_string(),
                target,
                http_check: None,
                interval: None,
            };
            let id = store
                .write(move |tx| {
                    Box::pin(async move {
                        endpoint::insert(tx, GuildId(1), &description, Timestamp::from_millis(0))
                            .await
                    })
                })
                .await;
            endpoints.extend(
                endpoint::scheduled_among(&store.reader, &[id.unwrap()])
                    .await
                    .unwrap(),
            );
        }
        many(&checks, endpoints, 1, Actor::System, |_, _| {})
            .await
            .unwrap();
        checks
    }

    #[tokio::test]
    async fn a_run_min_age_after_the_last_checks_every_endpoint_again() {
        let store = TestStore::open().await;
        let checks = seven_offline(&store).await;
        let options = RecheckOptions {
            min_age: HOUR,
            batch: 2,
            concurrency: 1,
        };
        let run = Run {
            guild: None,
            options,
            actor: Actor::System,
        };
        let mut found = Vec::new();
        for hours in 2..=6 {
            // Each run begins an hour after the beginning of the last, to the millisecond.
            NOW.store(hours * 3_600_000, Ordering::SeqCst);
            found.push(
                all_due(&checks, &store.reader, run, |_, _| {})
                    .await
                    .unwrap()
                    .found,
            );
        }
        assert_eq!(found, [7; 5]);
    }
}
