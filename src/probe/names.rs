//! Resolves the names of targets, again at every check: a name that was harmless yesterday may point to a private address
//! today. IP addresses are never resolved; they are judged as written.
//!
//! After a failed check, the reference names are looked up, too, with the same resolver. The rule that decides whether the
//! failure counts is `domain::endpoints::name_resolution`.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::Stop;
use super::resolve::{LookupFailure, LookupPurpose, Resolver};
use super::trace::{Phase, Trace};
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

/// The shortest time between two lookups of the reference names in the background.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// The same for lookups whose result a check waits for.
const ASK_NOW_EVERY: Duration = Duration::from_secs(1);

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
        match found {
            Ok(addresses) => {
                self.0.found(&known_as);
                Ok(addresses)
            }
            Err(LookupFailure::NotRun(why)) => Err(Stop::NotChecked(why)),
            Err(LookupFailure::Failed(NameFailure::NoAnswer)) => Err(self.no_answer(&known_as)),
            Err(LookupFailure::Failed(NameFailure::NotFound)) => {
                self.0.resolution().absent(&known_as);
                Err(Stop::plain(FailureClass::NameFailed))
            }
        }
    }

    /// How a check ends that got no answer for a name, or whose deadline passed before.
    pub(super) fn no_answer(&self, known_as: &str) -> Stop {
        self.0.ask_soon(ASK_EVERY);
        let at = self.0.since_start.elapsed();
        match self.0.resolution().unanswered(known_as, at) {
            NameVerdict::Unknown => Stop::NotResolved,
            NameVerdict::Counts => Stop::with(FailureClass::NameFailed, NO_ANSWER),
        }
    }

    /// Whether a failure of an endpoint that has a name counts. It needs no lookup if the reference names prove nothing.
    pub(super) async fn failures_count(&self) -> bool {
        !self.0.have_resolved() || self.resolve().await
    }

    /// Whether names resolve now, according to the reference names.
    pub(super) async fn resolve(&self) -> bool {
        self.0.ask_now().await;
        let at = self.0.since_start.elapsed();
        !self.0.resolution().reference_names_fail(at)
    }

    /// The addresses of a host that the operator chose; empty if there are none.
    pub(super) async fn of_host(&self, host: &str) -> Vec<IpAddr> {
        match host.parse() {
            Ok(ip) => vec![ip],
            Err(_) => match self.0.lookup(host).await {
                Some(Ok(addresses)) => addresses,
                Some(Err(_)) | None => Vec::new(),
            },
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

    /// Looks up the reference names in the background, for the next check that fails.
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
        Some(ReferenceNames::shown_by(&name?, &unused?))
    }

    /// Looks up a name that is no target; `None` if that could not be run.
    async fn lookup(&self, name: &str) -> Option<Result<Vec<IpAddr>, NameFailure>> {
        let lookup = async {
            let slot = self.resolver.slot(LookupPurpose::Reference).await?;
            self.resolver.lookup(name, slot).await
        };
        match tokio::time::timeout(TIMEOUT, lookup).await {
            Ok(Ok(addresses)) => Some(Ok(addresses)),
            Ok(Err(LookupFailure::Failed(failure))) => Some(Err(failure)),
            Ok(Err(LookupFailure::NotRun(_))) => None,
            Err(_) => Some(Err(NameFailure::NoAnswer)),
        }
    }
}
