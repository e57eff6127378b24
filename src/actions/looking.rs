//! Looking at endpoints: at most one look per endpoint at a time, and a result already on its way is shared.
//!
//! Whoever comes first leads: takes the look and has it recorded. Whoever comes while that look is under way follows and
//! gets the recorded result, after the commit.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::record_outcome::{Observation, Recorded, Rules};
use crate::clock::Clock;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::outcome::{Outcome, Verdict};
use crate::domain::sight::Witness;
use crate::domain::target::Target;
pub use crate::probe::NotAdmitted;
use crate::probe::{Look, Prober, witness};
use crate::store::endpoint::Scheduled;
use crate::store::{StoreError, Writer};

/// Somebody who waits for the result of a look that another one took.
#[derive(Debug)]
pub struct Follower(oneshot::Sender<Arc<Recorded>>);

impl Follower {
    /// Tells the result. Whoever has stopped waiting is no concern.
    pub fn tell(self, result: Arc<Recorded>) {
        let _ = self.0.send(result);
    }
}

type UnderWay = Arc<Mutex<HashMap<MonitorId, Vec<Follower>>>>;

/// Everything a look and its record need.
#[derive(Clone)]
pub struct Looking {
    prober: Arc<Prober>,
    under_way: UnderWay,
    /// What fails now says nothing about endpoints.
    is_blind: Arc<AtomicBool>,
    pub writer: Writer,
    pub rules: Rules,
    pub timeout: Duration,
    pub clock: Clock,
}

impl fmt::Debug for Looking {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Looking")
            .field("rules", &self.rules)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The right to look at one endpoint; dropped unfinished, it frees the endpoint and its followers hear of no result.
#[derive(Debug)]
pub struct Lead {
    monitor_id: MonitorId,
    /// `None` once the look is over: the place may be another's by then.
    under_way: Option<UnderWay>,
}

/// What a beginner gets.
#[derive(Debug)]
pub enum Begun {
    Lead(Lead),
    Follow(oneshot::Receiver<Arc<Recorded>>),
}

impl Looking {
    pub fn new(
        prober: Prober,
        writer: Writer,
        rules: Rules,
        timeout: Duration,
        clock: Clock,
    ) -> Self {
        Self {
            prober: Arc::new(prober),
            under_way: UnderWay::default(),
            is_blind: Arc::default(),
            writer,
            rules,
            timeout,
            clock,
        }
    }

    /// Leads, or follows the look that is under way.
    pub fn begin(&self, id: MonitorId) -> Begun {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match under_way.get_mut(&id) {
            Some(followers) => {
                let (teller, result) = oneshot::channel();
                followers.push(Follower(teller));
                Begun::Follow(result)
            }
            None => {
                under_way.insert(id, Vec::new());
                Begun::Lead(Lead {
                    monitor_id: id,
                    under_way: Some(Arc::clone(&self.under_way)),
                })
            }
        }
    }

    /// Takes the look. Recording it is the leader's duty.
    pub async fn look(&self, endpoint: &Scheduled) -> Outcome {
        let look = Look {
            target: &endpoint.target,
            check: endpoint.check.as_deref(),
            timeout: self.timeout,
            now: self.clock.now(),
        };
        self.prober.look(look).await
    }

    /// The addresses of a target's host, if looks may go there.
    pub async fn admit(&self, target: &Target) -> Result<Vec<SocketAddr>, NotAdmitted> {
        self.prober.admit(target, self.timeout).await
    }

    /// Whether any witness answers.
    pub async fn any_answers(&self, witnesses: &[Witness]) -> bool {
        witness::any_answers(witnesses).await
    }

    /// Notes whether we are blind.
    pub fn set_blind(&self, is_blind: bool) {
        self.is_blind.store(is_blind, Ordering::Relaxed);
    }

    /// Whether what fails now says nothing about endpoints.
    pub fn is_blind(&self) -> bool {
        self.is_blind.load(Ordering::Relaxed)
    }

    /// What an outcome is worth: while we are blind, a failure is none.
    pub fn trusted(&self, mut outcome: Outcome) -> Outcome {
        if self.is_blind() && matches!(outcome.verdict, Verdict::Down(_)) {
            outcome.verdict = Verdict::Unknown("the network on this side seems to be down".into());
        }
        outcome
    }

    /// Looks at an endpoint now and records it, or shares the result of the look that is under way.
    ///
    /// `None` where the endpoint was removed or became another one meanwhile.
    pub async fn look_and_record(
        &self,
        endpoint: &Scheduled,
        actor: Actor,
    ) -> Result<Option<Arc<Recorded>>, StoreError> {
        loop {
            let lead = match self.begin(endpoint.id) {
                Begun::Lead(lead) => lead,
                Begun::Follow(result) => match result.await {
                    Ok(result) => return Ok(Some(result)),
                    // The leader gave up (it is shutting down, or the endpoint went away): look for ourselves.
                    Err(_) => continue,
                },
            };
            let outcome = self.trusted(self.look(endpoint).await);
            let observation = lead.finish(endpoint, outcome);
            let now = self.clock.now();
            let recorded = super::record_outcome::record(
                &self.writer,
                vec![observation],
                self.rules,
                actor,
                now,
            )
            .await?;
            return Ok(recorded.into_iter().next());
        }
    }
}

impl Lead {
    /// The look is over: the next one may begin, and whoever followed is told when this one is recorded.
    pub fn finish(mut self, endpoint: &Scheduled, outcome: Outcome) -> Observation {
        Observation {
            monitor_id: self.monitor_id,
            edition: endpoint.edition,
            outcome,
            followers: self.give_up_place(),
        }
    }

    fn give_up_place(&mut self) -> Vec<Follower> {
        let Some(under_way) = self.under_way.take() else {
            return Vec::new();
        };
        let mut under_way = under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.remove(&self.monitor_id).unwrap_or_default()
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        drop(self.give_up_place());
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::monitor::GuildId;
    use crate::domain::outcome::Timings;
    use crate::domain::status::Status;
    use crate::probe::ProberConfig;
    use crate::store::endpoint::{self, Description};
    use crate::store::testing::TestStore;

    const RULES: Rules = Rules {
        interval: Duration::from_secs(60),
        retry_interval: Duration::from_secs(10),
        recheck_interval: Duration::from_secs(3600),
        failures_to_offline: 3,
    };

    fn looking(store: &TestStore) -> Looking {
        let config = ProberConfig {
            policy: "loopback".parse().unwrap(),
            ..ProberConfig::default()
        };
        let clock = Clock::SYSTEM;
        Looking::new(
            Prober::new(config).unwrap(),
            store.writer.clone(),
            RULES,
            Duration::from_secs(10),
            clock,
        )
    }

    async fn add(store: &TestStore, target: String) -> Scheduled {
        let said = Description {
            name: "x".into(),
            target: target.parse().unwrap(),
            check: None,
            interval: None,
        };
        let id = store
            .write(move |tx| {
                Box::pin(async move {
                    endpoint::insert(tx, GuildId(1), &said, Timestamp::from_millis(1)).await
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
    async fn those_who_ask_at_the_same_time_share_one_look_and_one_record() {
        let store = TestStore::open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = add(
            &store,
            format!("http://{}/", listener.local_addr().unwrap()),
        )
        .await;
        let looking = looking(&store);
        let ask = || looking.look_and_record(&endpoint, Actor::System);
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
        // All three ask before the one connection is answered: joined futures are polled in their order.
        let (first, second, third, _stream) = tokio::join!(ask(), ask(), ask(), answer);
        let results = [first, second, third].map(|result| result.unwrap().unwrap());
        assert!(
            results
                .iter()
                .all(|result| result.state.status == Status::Online)
        );
        let rows: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM outcomes").await;
        assert_eq!(rows, [(1,)]);
    }

    #[tokio::test]
    async fn a_leader_that_gives_up_lets_the_next_one_look() {
        let store = TestStore::open().await;
        let endpoint = add(&store, "tcp://127.0.0.1:9".into()).await;
        let looking = looking(&store);
        let Begun::Lead(lead) = looking.begin(endpoint.id) else {
            panic!("nobody else looks")
        };
        let mut following = Box::pin(looking.look_and_record(&endpoint, Actor::System));
        assert!(futures_util::poll!(&mut following).is_pending());
        drop(lead);
        assert!(following.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_finished_lead_does_not_take_the_place_of_the_next() {
        let store = TestStore::open().await;
        let endpoint = add(&store, "tcp://127.0.0.1:9".into()).await;
        let (looking, id) = (looking(&store), endpoint.id);
        let Begun::Lead(first) = looking.begin(id) else {
            panic!("nobody else looks")
        };
        let at = Timestamp::from_millis(1);
        let up = Outcome {
            at,
            verdict: Verdict::Up,
            timings: Timings::default(),
            certificate_expires_at: None,
        };
        drop(first.finish(&endpoint, up));
        let Begun::Lead(_second) = looking.begin(id) else {
            panic!("the first has ended")
        };
        assert!(matches!(looking.begin(id), Begun::Follow(_)));
    }
}
