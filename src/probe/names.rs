//! Resolves the names of targets, again at every check: a name that was harmless yesterday may point to a private address
//! today. IP addresses are never resolved; they are judged as written.
//!
//! After a failed lookup, the reference names are looked up, too, with the same resolver. The rule that decides whether
//! the failure counts is `domain::endpoints::name_resolution`.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::Stop;
use super::resolve::{LookupFailure, LookupPurpose, Resolver};
use super::trace::{PendingLookup, Phase, Trace};
use crate::clock::Stopwatch;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::name_resolution::{
    NameFailure, NameResolution, NameVerdict, ReferenceNames,
};
use crate::domain::endpoints::target::{Host, Target};

/// Detail of a failure without any DNS answer, as opposed to the answer that the name does not exist.
const NO_ANSWER: &str = "the resolver did not respond";

/// A reference name that takes longer counts as not answered.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The shortest time between two lookups of the reference names that nobody waits for.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// The same for lookups that somebody waits for, who needs to know what they show now.
const ASK_NOW_EVERY: Duration = Duration::from_millis(200);

/// The same while they have never resolved and other names do.
const ASK_UNPROVED_EVERY: Duration = Duration::from_secs(300);

/// The names of all targets. A clone shares everything.
#[derive(Clone)]
pub(super) struct Names(Arc<SharedNames>);

struct SharedNames {
    resolver: Resolver,
    references: Vec<String>,
    resolution: Mutex<NameResolution>,
    rounds: watch::Sender<Rounds>,
    /// Held during a round.
    asking: tokio::sync::Mutex<()>,
    since_start: Stopwatch,
}

/// The lookups of the reference names so far.
#[derive(Clone, Copy, Debug, Default)]
struct Rounds {
    begun: u64,
    ended: u64,
    /// When the last one began.
    last: Option<Stopwatch>,
}

impl Names {
    pub(super) fn new(resolver: Resolver, references: Vec<String>) -> Self {
        Self(Arc::new(SharedNames {
            resolver,
            references,
            resolution: Mutex::default(),
            rounds: watch::Sender::default(),
            asking: tokio::sync::Mutex::default(),
            since_start: Stopwatch::start(),
        }))
    }

    /// The addresses of the target's host, at least one, with its port.
    pub(super) async fn addresses(
        &self,
        target: &Target,
        trace: &mut Trace,
    ) -> Result<Vec<SocketAddr>, Stop> {
        let name = match &target.host {
            Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, target.port)]),
            Host::Name(name) => name,
        };
        // Boxed: most checks go to an IP address and should not reserve memory for a DNS exchange.
        let addresses = Box::pin(self.resolve_name(name, trace)).await?;
        Ok(addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, target.port))
            .collect())
    }

    async fn resolve_name(&self, name: &str, trace: &mut Trace) -> Result<Vec<IpAddr>, Stop> {
        let known_as = trace.queue_lookup(name);
        let purpose = LookupPurpose::Target(trace.guild());
        let found = match self.0.resolver.slot(purpose).await {
            Ok(slot) => {
                trace.enter(Phase::Resolving);
                self.0.resolver.lookup(name, slot).await
            }
            Err(failure) => Err(failure),
        };
        let failure = match found {
            Ok(addresses) => {
                self.0.found(&known_as);
                return Ok(addresses);
            }
            Err(LookupFailure::NotRun(why)) => return Err(Stop::NotChecked(why)),
            Err(LookupFailure::Failed(failure)) => failure,
        };
        if failure == NameFailure::NotFound && self.0.have_resolved() {
            trace.deny_lookup();
            // Older answers may be from before the resolver began to fail.
            self.0.ask_now().await;
        }
        Err(self.failed(&known_as, failure))
    }

    /// How a check ends whose deadline passed during a lookup.
    pub(super) fn out_of_time(&self, lookup: &PendingLookup) -> Stop {
        match lookup.is_denied {
            // The reference names would have said whether that counts.
            true => Stop::NotResolved,
            false => self.failed(&lookup.known_as, NameFailure::NoAnswer),
        }
    }

    fn failed(&self, known_as: &str, failure: NameFailure) -> Stop {
        self.0.ask_soon(ASK_EVERY);
        let at = self.0.since_start.elapsed();
        let verdict = self.0.resolution().failed(known_as, failure, at);
        match (verdict, failure) {
            (NameVerdict::Unknown, _) => Stop::NotResolved,
            (NameVerdict::Counts, NameFailure::NotFound) => Stop::plain(FailureClass::NameFailed),
            (NameVerdict::Counts, NameFailure::NoAnswer) => {
                Stop::with(FailureClass::NameFailed, NO_ANSWER)
            }
        }
    }

    /// Whether names resolve, as far as the reference names show now.
    pub(super) async fn resolve(&self) -> bool {
        self.0.ask_now().await;
        let at = self.0.since_start.elapsed();
        !self.0.resolution().reference_names_fail(at)
    }

    /// The addresses of a host that the operator chose; empty if there are none.
    pub(super) async fn of_host(&self, host: &str) -> Vec<IpAddr> {
        match host.parse() {
            Ok(ip) => vec![ip],
            Err(_) => self.0.lookup(host).await.unwrap_or_default(),
        }
    }
}

impl SharedNames {
    fn resolution(&self) -> MutexGuard<'_, NameResolution> {
        self.resolution
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn have_resolved(&self) -> bool {
        self.resolution().have_resolved()
    }

    fn found(self: &Arc<Self>, known_as: &str) {
        self.resolution()
            .found(known_as, self.since_start.elapsed());
        if !self.have_resolved() {
            // To learn that they resolve here at all.
            self.ask_soon(ASK_UNPROVED_EVERY);
        }
    }

    fn is_due(&self, every: Duration) -> bool {
        let last = self.rounds.borrow().last;
        !self.references.is_empty() && last.is_none_or(|since| since.elapsed() >= every)
    }

    /// Looks up the reference names, beside the check that needs them next time.
    fn ask_soon(self: &Arc<Self>, every: Duration) {
        if self.is_due(every) {
            let shared = Arc::clone(self);
            tokio::spawn(async move {
                let _asking = shared.asking.lock().await;
                if shared.is_due(every) {
                    shared.ask().await;
                }
            });
        }
    }

    /// Waits for a lookup of the reference names that begins later than now. Everybody who needs one shares it, and it goes
    /// on if a check that waits for it runs out of time.
    async fn ask_now(self: &Arc<Self>) {
        if self.references.is_empty() {
            return;
        }
        let needed = self.rounds.borrow().begun + 1;
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let _asking = shared.asking.lock().await;
            let Rounds { begun, last, .. } = *shared.rounds.borrow();
            if begun < needed {
                let since = last.map_or(ASK_NOW_EVERY, |last| last.elapsed());
                tokio::time::sleep(ASK_NOW_EVERY.saturating_sub(since)).await;
                shared.ask().await;
            }
        });
        let mut rounds = self.rounds.subscribe();
        // The sender lives as long as this value, so this is no error.
        let _ = rounds.wait_for(|rounds| rounds.ended >= needed).await;
    }

    /// Looks up the reference names. Call it with `asking` locked.
    async fn ask(&self) {
        self.rounds.send_modify(|rounds| {
            rounds.begun += 1;
            rounds.last = Some(Stopwatch::start());
        });
        let lookups = self.references.iter().map(|name| self.shown_by(name));
        let shown: Vec<ReferenceNames> = join_all(lookups).await.into_iter().flatten().collect();
        if !shown.is_empty() {
            let shown = ReferenceNames::of_all(&shown);
            self.resolution()
                .references(shown, self.since_start.elapsed());
        }
        self.rounds
            .send_modify(|rounds| rounds.ended = rounds.begun);
    }

    /// What a reference name shows; `None` if its lookup could not be run, which says nothing about the resolver.
    async fn shown_by(&self, name: &str) -> Option<ReferenceNames> {
        let unused = format!("rollcall-{:016x}.{name}", fastrand::u64(..));
        let (name, unused) = tokio::join!(self.lookup(name), self.lookup(&unused));
        match (name, unused) {
            (Err(LookupFailure::NotRun(_)), _) | (_, Err(LookupFailure::NotRun(_))) => None,
            (name, unused) => Some(ReferenceNames::shown_by(
                &name.map_err(failed),
                &unused.map_err(failed),
            )),
        }
    }

    /// Looks up a name that is no target.
    async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, LookupFailure> {
        let lookup = async {
            let slot = self.resolver.slot(LookupPurpose::Reference).await?;
            self.resolver.lookup(name, slot).await
        };
        let late = |_| Err(LookupFailure::Failed(NameFailure::NoAnswer));
        tokio::time::timeout(TIMEOUT, lookup)
            .await
            .unwrap_or_else(late)
    }
}

fn failed(failure: LookupFailure) -> NameFailure {
    match failure {
        LookupFailure::Failed(failure) => failure,
        LookupFailure::NotRun(_) => NameFailure::NoAnswer,
    }
}
