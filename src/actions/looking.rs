//! Looking at endpoints: at most one look per endpoint at a time, and a result already on its way is shared.
//!
//! Whoever comes first leads: takes the look and has it recorded. Whoever comes while that look is under way follows and
//! gets the recorded result, after the commit.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::record_outcome::{Observation, Recorded, Rules};
use crate::clock::Clock;
use crate::domain::event::Actor;
use crate::domain::monitor::MonitorId;
use crate::domain::outcome::Outcome;
use crate::probe::{Look, Prober};
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

    /// Looks at an endpoint now and records it, or shares the result of the look that is under way.
    ///
    /// `None` where the endpoint was removed meanwhile.
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
            let outcome = self.look(endpoint).await;
            let observation = lead.finish(outcome);
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
    pub fn finish(mut self, outcome: Outcome) -> Observation {
        Observation {
            monitor_id: self.monitor_id,
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
