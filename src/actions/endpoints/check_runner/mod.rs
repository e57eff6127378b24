//! Checks endpoints: at most one check per endpoint at a time, whose result all concurrent requesters share.
//!
//! `flight.rs` decides who runs a check and who waits for it.

mod flight;
mod not_checked;
mod one_off;
mod one_off_targets;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use flight::Flights;
pub use flight::{Flight, Started};
use not_checked::NotCheckedReasons;
pub use one_off::{NoResult, OneOffCheck, OneOffRefusal};
use one_off_targets::OneOffTargets;

use super::completed_check::Recorded;
use super::connectivity_state::ConnectivityState;
use super::endpoint_limits::{EndpointLimits, LimitedStore};
use super::final_targets::FinalTargets;
use super::record_result::Rules;
use crate::clock::{Clock, Stopwatch};
use crate::domain::endpoints::check_result::CheckResult;
use crate::domain::endpoints::connectivity::{Loss, ReferenceAnswers, ReferenceHost};
use crate::domain::endpoints::target::Target;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::probe::connection_limit::Urgency;
pub use crate::probe::connection_limit::{
    AddressBucket, ConnectionLimiter, ConnectionTurn, QueuePlace, TurnOfEndpoint, TurnSender,
};
pub use crate::probe::{AddressBlocked, Checked, LastResponse, Postponed};
use crate::probe::{Check, Prober, RedirectScope};
use crate::store::endpoints::endpoint::Scheduled;
use crate::store::{Store, StoreError, Writer};

/// Everything that is needed to check endpoints and record the results.
#[derive(Clone)]
pub struct CheckRunner {
    prober: Arc<Prober>,
    flights: Flights,
    /// Whether failed checks say anything about their endpoints.
    pub connectivity: Arc<ConnectivityState>,
    /// Where redirects lead.
    pub final_targets: Arc<FinalTargets>,
    /// Why checks could not be run.
    pub not_checked: Arc<NotCheckedReasons>,
    /// What people may add.
    pub limits: Arc<EndpointLimits>,
    /// What they have had checked without adding it.
    one_off_targets: OneOffTargets,
    pub writer: Writer,
    pub rules: Rules,
    pub timeout: Duration,
    pub clock: Clock,
}

impl fmt::Debug for CheckRunner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CheckRunner")
            .field("rules", &self.rules)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl CheckRunner {
    pub fn new(
        prober: Prober,
        writer: Writer,
        rules: Rules,
        timeout: Duration,
        clock: Clock,
    ) -> Self {
        Self {
            prober: Arc::new(prober),
            flights: Flights::default(),
            connectivity: Arc::new(ConnectivityState::new(false)),
            final_targets: Arc::default(),
            not_checked: Arc::default(),
            limits: Arc::default(),
            one_off_targets: OneOffTargets::default(),
            writer,
            rules,
            timeout,
            clock,
        }
    }

    /// The same with the limits of what people may add.
    pub fn with_limits(self, limits: EndpointLimits) -> Self {
        Self {
            limits: Arc::new(limits),
            ..self
        }
    }

    /// The same, with connectivity tested by a job.
    pub fn with_connectivity_test(self) -> Self {
        Self {
            connectivity: Arc::new(ConnectivityState::new(true)),
            ..self
        }
    }

    /// A store with these limits.
    pub fn limited<'a>(&'a self, store: &'a Store) -> LimitedStore<'a> {
        LimitedStore {
            store,
            limits: &self.limits,
        }
    }

    /// Starts a flight, or waits for the one that is running.
    pub fn begin(&self, id: MonitorId) -> Started {
        self.flights.begin(id)
    }

    /// Runs the check. The holder of the flight must record the result. `turn`: a turn that the check has waited for.
    ///
    /// # Errors
    /// `Postponed` if other connections to the same address come first.
    pub async fn check(
        &self,
        endpoint: &Scheduled,
        turn: Option<ConnectionTurn>,
    ) -> Result<CheckResult, Postponed> {
        let check = Check {
            target: &endpoint.target,
            http_check: endpoint.http_check.as_deref(),
            timeout: self.timeout,
            now: self.clock.now(),
            redirects: RedirectScope::Anywhere,
        };
        let checked = self
            .prober
            .check_in_turn(check, endpoint.guild, turn)
            .await?;
        self.final_targets.record(endpoint.id, checked.final_target);
        Ok(checked.result)
    }

    /// The limits of connections to one address; `None` if there are none.
    pub fn limiter(&self) -> Option<&ConnectionLimiter> {
        self.prober.limiter()
    }

    /// Resolves the host of a target to its addresses, if the address policy allows all of them.
    pub async fn admit(&self, target: &Target) -> Result<Vec<SocketAddr>, AddressBlocked> {
        self.prober.admit(target, self.timeout).await
    }

    /// Tests whether any of the reference hosts answers, and whether the reference names resolve.
    pub async fn test_connectivity(&self, reference_hosts: &[ReferenceHost]) -> ReferenceAnswers {
        let hosts =
            async { reference_hosts.is_empty() || self.prober.any_answers(reference_hosts).await };
        let (hosts, names) = tokio::join!(hosts, self.prober.names_resolve());
        ReferenceAnswers { hosts, names }
    }

    /// Whether the network is lost, so that failed checks say nothing about their endpoints.
    pub fn is_connectivity_lost(&self) -> bool {
        self.has_lost(Loss::Network)
    }

    /// Whether name resolution is lost, so that failed checks of endpoints that have a name say nothing.
    pub fn is_name_resolution_lost(&self) -> bool {
        self.has_lost(Loss::NameResolution)
    }

    fn has_lost(&self, loss: Loss) -> bool {
        self.connectivity.view().connectivity.loss() == Some(loss)
    }

    /// Checks an endpoint when it is its turn and records the result, or shares the result of the check that is running.
    ///
    /// `None` if the endpoint was removed or its revision changed meanwhile.
    pub async fn check_and_record(
        &self,
        endpoint: &Scheduled,
        actor: Actor,
    ) -> Result<Option<Arc<Recorded>>, StoreError> {
        loop {
            if let CheckAttempt::Completed(recorded) = self
                .attempt(endpoint, actor, Patience::UntilItsTurn)
                .await?
            {
                return Ok(recorded);
            }
        }
    }

    /// Does the same, unless other connections to the same address come first.
    pub async fn check_and_record_now(
        &self,
        endpoint: &Scheduled,
        actor: Actor,
    ) -> Result<CheckAttempt, StoreError> {
        self.attempt(endpoint, actor, Patience::None).await
    }

    /// The result; unknown if Rollcall's own connectivity may be the cause of a failure.
    async fn judged(&self, endpoint: &Scheduled, result: CheckResult) -> CheckResult {
        let results = [(endpoint.id, endpoint.status, &result)];
        self.connectivity.record(results, self.clock.now());
        if !result.is_up() {
            self.connectivity.is_settled(Stopwatch::start()).await;
        }
        let result = self
            .connectivity
            .trusted(result, endpoint.target.has_name());
        self.not_checked.record(endpoint.id, &result.verdict);
        result
    }

    async fn attempt(
        &self,
        endpoint: &Scheduled,
        actor: Actor,
        patience: Patience,
    ) -> Result<CheckAttempt, StoreError> {
        let flight = loop {
            match self.begin(endpoint.id) {
                Started::Flight(flight) => break flight,
                Started::Waiting(result) => match result.await {
                    Ok(result) => return Ok(CheckAttempt::Completed(Some(result))),
                    // The flight ended without a result (shutdown, postponed, or the endpoint was removed): try again.
                    Err(_) => continue,
                },
            }
        };
        let mut turn = None;
        let result = loop {
            let Postponed(bucket) = match self.check(endpoint, turn.take()).await {
                Ok(result) => break self.judged(endpoint, result).await,
                Err(postponed) => postponed,
            };
            let limiter = match patience {
                Patience::UntilItsTurn => self.limiter(),
                Patience::None => None,
            };
            let Some(limiter) = limiter else {
                return Ok(CheckAttempt::Postponed);
            };
            turn = Some(limiter.turn(endpoint.guild, &bucket, urgency(actor)).await);
        };
        let completed = flight.finish(endpoint, result);
        let now = self.clock.now();
        let recorded =
            super::record_result::record(&self.writer, vec![completed], self.rules, actor, now)
                .await?;
        Ok(CheckAttempt::Completed(recorded.into_iter().next()))
    }
}

/// Result of `CheckRunner::check_and_record_now`.
#[derive(Debug)]
pub enum CheckAttempt {
    /// `None` if the endpoint was removed or its revision changed meanwhile.
    Completed(Option<Arc<Recorded>>),
    Postponed,
}

/// Whether a check waits for its turn to connect.
#[derive(Clone, Copy, Debug)]
enum Patience {
    UntilItsTurn,
    None,
}

/// A person who waits for a result comes before the scheduled checks of the same guild.
fn urgency(actor: Actor) -> Urgency {
    match actor {
        Actor::System => Urgency::Scheduled,
        Actor::CommandLine | Actor::Member(_) | Actor::Key(_) => Urgency::Soon,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::discord_id::GuildId;
    use crate::domain::endpoints::check_result::{NotChecked, Timings, Verdict};
    use crate::domain::endpoints::connectivity::Connectivity;
    use crate::domain::status::Status;
    use crate::probe::ProberConfig;
    use crate::store::endpoints::endpoint::{self, Description};
    use crate::store::testing::TestStore;

    const RULES: Rules = Rules {
        interval: Duration::from_secs(60),
        retry_interval: Duration::from_secs(10),
        recheck_interval: Duration::from_secs(3600),
        failures_to_offline: 3,
    };

    fn checks(store: &TestStore) -> CheckRunner {
        let config = ProberConfig {
            policy: "loopback".parse().unwrap(),
            ..ProberConfig::default()
        };
        let clock = Clock::SYSTEM;
        CheckRunner::new(
            Prober::new(config).unwrap(),
            store.writer.clone(),
            RULES,
            Duration::from_secs(10),
            clock,
        )
    }

    async fn add(store: &TestStore, target: String) -> Scheduled {
        let description = Description {
            name: target.clone(),
            target: target.parse().unwrap(),
            http_check: None,
            interval: None,
        };
        let id = store
            .write(move |tx| {
                Box::pin(async move {
                    endpoint::insert(tx, GuildId(1), &description, Timestamp::from_millis(1)).await
                })
            })
            .await
            .unwrap();
        endpoint::scheduled_among(&store.reader, &[id])
            .await
            .unwrap()
            .remove(0)
    }

    #[tokio::test]
    async fn concurrent_requests_share_one_check_and_one_record() {
        let store = TestStore::open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = add(
            &store,
            format!("http://{}/", listener.local_addr().unwrap()),
        )
        .await;
        let checks = checks(&store);
        let ask = || checks.check_and_record(&endpoint, Actor::System);
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 512];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .await
                .unwrap();
            stream
        };
        // All three requests start before the only connection is answered: joined futures are polled in order.
        let (first, second, third, _stream) = tokio::join!(ask(), ask(), ask(), answer);
        let results = [first, second, third].map(|result| result.unwrap().unwrap());
        assert!(
            results
                .iter()
                .all(|result| result.state.status == Status::Online)
        );
        let rows: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM check_results").await;
        assert_eq!(rows, [(1,)]);
    }

    #[tokio::test]
    async fn a_waiter_checks_itself_when_the_flight_is_dropped() {
        let store = TestStore::open().await;
        let endpoint = add(&store, "tcp://127.0.0.1:9".into()).await;
        let checks = checks(&store);
        let Started::Flight(flight) = checks.begin(endpoint.id) else {
            panic!("no other check is running")
        };
        let mut waiting = Box::pin(checks.check_and_record(&endpoint, Actor::System));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(flight);
        assert!(waiting.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_finished_flight_allows_exactly_one_new_flight() {
        let store = TestStore::open().await;
        let endpoint = add(&store, "tcp://127.0.0.1:9".into()).await;
        let (checks, id) = (checks(&store), endpoint.id);
        let Started::Flight(first) = checks.begin(id) else {
            panic!("no other check is running")
        };
        let at = Timestamp::from_millis(1);
        let up = CheckResult {
            at,
            verdict: Verdict::Up,
            timings: Timings::default(),
            certificate: None,
        };
        drop(first.finish(&endpoint, up));
        let Started::Flight(_second) = checks.begin(id) else {
            panic!("the first flight has finished")
        };
        assert!(matches!(checks.begin(id), Started::Waiting(_)));
    }

    #[tokio::test]
    async fn checks_that_people_start_count_for_connectivity() {
        let store = TestStore::open().await;
        let checks = checks(&store).with_connectivity_test();
        let mut endpoints = Vec::new();
        for port in 1..=5 {
            endpoints.push(add(&store, format!("tcp://127.0.0.1:{port}")).await);
        }
        let all = endpoints
            .iter()
            .map(|endpoint| checks.check_and_record(endpoint, Actor::CommandLine));
        let test = async {
            checks.connectivity.test_is_requested().await;
            checks.connectivity.settle(Connectivity::Down {
                loss: Loss::Network,
                since: Timestamp::from_millis(0),
            });
        };
        let (results, ()) = tokio::join!(futures_util::future::join_all(all), test);
        let unknown = results
            .into_iter()
            .filter(|result| {
                let recorded = result.as_ref().unwrap().as_ref().unwrap();
                recorded.result.verdict == Verdict::Unknown(NotChecked::Connectivity)
            })
            .count();
        // Those that were recorded before the fifth failed counted.
        assert!(unknown >= 1 && checks.is_connectivity_lost());
    }
}
