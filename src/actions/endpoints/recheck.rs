//! Rechecks endpoints that stopped answering: one that a requester names, or all that are due for a recheck.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use super::check_runner::{CheckAttempt, CheckRunner};
use super::completed_check::Recorded;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::typed_target;
use crate::domain::event::Actor;
use crate::domain::monitor::nearest_names::did_you_mean;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::status::Status;
use crate::domain::transition::Transition;
use crate::store::endpoints::endpoint::{self, Endpoint, Scheduled};
use crate::store::endpoints::state;
use crate::store::monitors::search::near_name;
use crate::store::{Reader, StoreError};

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

/// Finds the one endpoint that `address` identifies: `#id`, a target, a host with or without a port, or a name.
pub async fn find(
    reader: &Reader,
    requester: Requester,
    address: &str,
    port: Option<u16>,
) -> Result<Endpoint, Error> {
    let address = address.trim();
    if let Some(id) = address.strip_prefix('#').and_then(|id| id.parse().ok())
        && let Some(endpoint) = endpoint::get(reader, requester.guild, MonitorId(id)).await?
    {
        return Ok(endpoint);
    }
    if let Some(endpoint) = endpoint::with_target(reader, requester.guild, address).await? {
        return Ok(endpoint);
    }
    let target = address
        .parse::<crate::domain::endpoints::target::Target>()
        .ok();
    if let Some(target) = &target
        && let Some(endpoint) =
            endpoint::with_target(reader, requester.guild, &target.to_string()).await?
    {
        return Ok(endpoint);
    }
    let host = target.as_ref().map_or_else(
        || address.trim_matches(['[', ']']).to_lowercase(),
        |target| target.host.to_string(),
    );
    let port = port.or(target.map(|target| target.port));
    let mut found = endpoint::with_address(reader, requester.guild, &host, port).await?;
    if found.len() == 1 {
        return Ok(found.remove(0));
    }
    // A name is unique, so it means one endpoint even if it is the name of a host, too.
    if let Some(endpoint) = endpoint::with_name(reader, requester.guild, address).await? {
        return Ok(endpoint);
    }
    match found.is_empty() {
        true => {
            let near = near_name(
                reader,
                requester.guild,
                Some(MonitorKind::Endpoint),
                address,
            );
            Err(Error::NotFound(unknown(address, &near.await?)))
        }
        false => Err(Error::Conflict(ambiguous(&host, &found))),
    }
}

/// `near`: names that may be meant.
fn unknown(address: &str, near: &[String]) -> String {
    let problem = format!(
        "no endpoint has the address or name `{}`",
        typed_target::shown(address)
    );
    match did_you_mean(near) {
        Some(question) => format!("{problem}. {question}"),
        None => problem,
    }
}

/// Endpoints that the sentence about an ambiguous address names.
const NAMED_CANDIDATES: usize = 10;

/// Addresses that are longer stand in the sentence as an id: it must fit into a message.
const LONGEST_CANDIDATE: usize = 100;

fn ambiguous(host: &str, found: &[Endpoint]) -> String {
    let candidates: Vec<String> = found
        .iter()
        .take(NAMED_CANDIDATES)
        .map(|endpoint| {
            let target = endpoint.description.target.to_string();
            match target.len() <= LONGEST_CANDIDATE {
                true => format!("`{target}`"),
                false => format!("`#{}`", endpoint.id),
            }
        })
        .collect();
    let candidates = candidates.join(", ");
    match found.len() > NAMED_CANDIDATES {
        true => format!(
            "`{host}` has more than {NAMED_CANDIDATES} endpoints: {candidates} and others. Enter the address of one endpoint"
        ),
        false => format!(
            "`{host}` has {} endpoints: {candidates}. Enter the address of one endpoint",
            found.len()
        ),
    }
}

/// The endpoint in the form that a check needs. Fails if it is paused.
pub async fn scheduled(reader: &Reader, endpoint: &Endpoint) -> Result<Scheduled, Error> {
    let found = endpoint::scheduled_among(reader, &[endpoint.id]).await?;
    found.into_iter().next().ok_or_else(|| {
        Error::Conflict(format!(
            "`{}` is paused. Resume it before you check it",
            endpoint.description.name
        ))
    })
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

    async fn with_targets(targets: &[String]) -> TestStore {
        let store = TestStore::open().await;
        for target in targets {
            store.add_endpoint(GuildId(1), target).await;
        }
        store
    }

    async fn ambiguity(store: &TestStore, address: &str, port: Option<u16>) -> String {
        let requester = Requester::system(GuildId(1));
        match find(&store.reader, requester, address, port).await {
            Err(Error::Conflict(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_ambiguous_address_is_answered_with_its_endpoints() {
        let long = format!("http://192.0.2.1:82/{}", "x".repeat(100));
        let targets = ["tcp://192.0.2.1:80", "http://192.0.2.1:80/a", &long];
        let store = with_targets(&targets.map(str::to_owned)).await;
        assert_eq!(
            ambiguity(&store, "192.0.2.1", None).await,
            "`192.0.2.1` has 3 endpoints: `tcp://192.0.2.1:80`, `http://192.0.2.1/a`, `#3`. Enter the address of one endpoint"
        );
        assert_eq!(
            ambiguity(&store, "192.0.2.1", Some(80)).await,
            "`192.0.2.1` has 2 endpoints: `tcp://192.0.2.1:80`, `http://192.0.2.1/a`. Enter the address of one endpoint"
        );
        store
            .execute("UPDATE monitors SET name = '192.0.2.1', name_key = '192.0.2.1' WHERE id = 2")
            .await;
        let requester = Requester::system(GuildId(1));
        let found = find(&store.reader, requester, "192.0.2.1", None).await;
        assert_eq!(found.unwrap().id, MonitorId(2), "a name means one endpoint");
    }

    #[tokio::test]
    async fn an_ambiguous_address_names_at_most_ten_endpoints() {
        for (count, beginning, end) in [
            (
                10,
                "`192.0.2.1` has 10 endpoints: `tcp://192.0.2.1:1`",
                ":10`. Enter",
            ),
            (
                11,
                "`192.0.2.1` has more than 10 endpoints: `tcp",
                ":10` and others. Enter",
            ),
        ] {
            let ports = 1..=count;
            let targets: Vec<String> = ports
                .map(|port| format!("tcp://192.0.2.1:{port}"))
                .collect();
            let store = with_targets(&targets).await;
            let sentence = ambiguity(&store, "192.0.2.1", None).await;
            assert!(
                sentence.starts_with(beginning) && sentence.contains(end),
                "{sentence}"
            );
        }
    }
}
