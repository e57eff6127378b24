//! Resolves the names of targets, again at every check: a name that was harmless yesterday may point to a private address
//! today. IP addresses are never resolved; they are judged as written.
//!
//! After a failed lookup, the reference names are looked up, too, with the same resolver. The rule that decides whether
//! the failure counts is `domain::endpoints::name_resolution`.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use super::Stop;
use super::resolve::{LookupFailure, Resolver};
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
    /// When the last lookup of the reference names began.
    asked: Mutex<Option<Stopwatch>>,
    /// Held during the lookups of the reference names, so that everybody who needs them shares them.
    asking: tokio::sync::Mutex<()>,
    since_start: Stopwatch,
}

impl Names {
    pub(super) fn new(resolver: Resolver, references: Vec<String>) -> Self {
        Self(Arc::new(SharedNames {
            resolver,
            references,
            resolution: Mutex::default(),
            asked: Mutex::default(),
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
        trace.queue_name(name);
        // Boxed: most checks go to an IP address and should not reserve memory for a DNS exchange.
        let addresses = Box::pin(self.resolve_name(name, trace)).await?;
        Ok(addresses
            .into_iter()
            .map(|ip| SocketAddr::new(ip, target.port))
            .collect())
    }

    async fn resolve_name(&self, name: &str, trace: &mut Trace) -> Result<Vec<IpAddr>, Stop> {
        let not_run = |why| Err(Stop::NotChecked(why));
        let slot = match self.0.resolver.slot().await {
            Ok(slot) => slot,
            Err(LookupFailure::NotRun(why)) => return not_run(why),
            Err(LookupFailure::Failed(failure)) => return Err(self.failed(name, failure)),
        };
        trace.enter(Phase::Resolving);
        match self.0.resolver.lookup(name, slot).await {
            Ok(addresses) => {
                self.0
                    .resolution()
                    .found(name, self.0.since_start.elapsed());
                if self.0.must_prove() {
                    self.ask_soon();
                }
                Ok(addresses)
            }
            Err(LookupFailure::NotRun(why)) => not_run(why),
            Err(LookupFailure::Failed(failure)) => {
                if failure == NameFailure::NotFound {
                    // Older answers may be from before the resolver began to fail.
                    self.0.ask_now().await;
                }
                Err(self.failed(name, failure))
            }
        }
    }

    /// How a check ends whose deadline passed before there was an answer.
    pub(super) fn no_answer(&self, name: &str) -> Stop {
        self.failed(name, NameFailure::NoAnswer)
    }

    fn failed(&self, name: &str, failure: NameFailure) -> Stop {
        if failure == NameFailure::NoAnswer {
            self.ask_soon();
        }
        let at = self.0.since_start.elapsed();
        let verdict = self.0.resolution().failed(name, failure, at);
        match (verdict, failure) {
            (NameVerdict::Unknown, _) => Stop::NotResolved,
            (NameVerdict::Counts, NameFailure::NotFound) => Stop::plain(FailureClass::NameFailed),
            (NameVerdict::Counts, NameFailure::NoAnswer) => {
                Stop::with(FailureClass::NameFailed, NO_ANSWER)
            }
        }
    }

    /// Whether names resolve, as far as the reference names show.
    pub(super) async fn resolve(&self) -> bool {
        self.0.ask_now().await;
        !self.0.resolution().reference_names_fail()
    }

    /// The addresses of a host that the operator chose; empty if there are none.
    pub(super) async fn of_host(&self, host: &str) -> Vec<IpAddr> {
        match host.parse() {
            Ok(ip) => vec![ip],
            Err(_) => self.0.lookup(host).await.unwrap_or_default(),
        }
    }

    /// Looks up the reference names, beside the check that needs them next time.
    fn ask_soon(&self) {
        if self.0.references.is_empty() || !self.0.may_ask(ASK_EVERY) {
            return;
        }
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            let _asking = shared.asking.lock().await;
            if shared.may_ask(ASK_EVERY) {
                shared.ask().await;
            }
        });
    }
}

impl SharedNames {
    fn resolution(&self) -> MutexGuard<'_, NameResolution> {
        self.resolution
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, Option<Stopwatch>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_ask(&self, every: Duration) -> bool {
        self.asked().is_none_or(|since| since.elapsed() >= every)
    }

    /// Whether the reference names must be looked up although nothing fails: to learn that they resolve here at all.
    fn must_prove(&self) -> bool {
        !self.resolution().have_resolved() && self.may_ask(ASK_UNPROVED_EVERY)
    }

    /// Looks up the reference names, or shares a lookup that begins later than now.
    async fn ask_now(&self) {
        if self.references.is_empty() {
            return;
        }
        let called = Stopwatch::start();
        let _asking = self.asking.lock().await;
        let last = self.asked().map(|since| since.elapsed());
        match last {
            Some(last) if last <= called.elapsed() => return,
            Some(last) => tokio::time::sleep(ASK_NOW_EVERY.saturating_sub(last)).await,
            None => {}
        }
        self.ask().await;
    }

    /// Looks up the reference names. Call it with `asking` locked.
    async fn ask(&self) {
        *self.asked() = Some(Stopwatch::start());
        let lookups = self.references.iter().map(|name| self.shown_by(name));
        let shown = ReferenceNames::of_all(&join_all(lookups).await);
        self.resolution()
            .references(shown, self.since_start.elapsed());
    }

    async fn shown_by(&self, name: &str) -> ReferenceNames {
        let unused = format!("rollcall-{:016x}.{name}", fastrand::u64(..));
        let (name, unused) = tokio::join!(self.lookup(name), self.lookup(&unused));
        ReferenceNames::shown_by(&name, &unused)
    }

    /// Looks up a name that is no target. A lookup that cannot be run has no answer.
    async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, NameFailure> {
        let lookup = async {
            let slot = self.resolver.slot().await?;
            self.resolver.lookup(name, slot).await
        };
        match tokio::time::timeout(TIMEOUT, lookup).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(LookupFailure::Failed(failure))) => Err(failure),
            Ok(Err(LookupFailure::NotRun(_))) | Err(_) => Err(NameFailure::NoAnswer),
        }
    }
}
