//! How we look: one prober, one deadline, one match over the kinds of look.
//!
//! Everything that a look may cost is bounded here or below: its time by the deadline, its memory by the caps of
//! `http`, and where it may go by the `guard`. A look owns no client and no task: it is one future over one socket,
//! because a pooled client answers "is the pool fine" and costs more than the connection itself.

mod body;
mod guard;
mod head;
mod http;
mod redirect;
pub mod reference_host;
mod resolve;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod trace;

use std::net::SocketAddr;
use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::address::AddressPolicy;
use crate::domain::check_result::{CheckResult, Failure, FailureClass, Timings, Verdict};
use crate::domain::http_check::HttpCheck;
use crate::domain::target::{Scheme, Target};

use guard::Guard;
use resolve::Resolver;
use tls::Tls;
use trace::Trace;

/// One look to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    pub target: &'a Target,
    /// What an HTTP look asks for; `None` means `HttpCheck::default()`, and TCP looks ignore it.
    pub http_check: Option<&'a HttpCheck>,
    /// The whole look, from the name to the last byte, takes at most this long.
    pub timeout: Duration,
    /// The instant that the outcome is dated with.
    pub now: Timestamp,
}

/// What the operator decides about looks. `Default`: public addresses only, the system's resolver, public CAs.
#[derive(Clone, Debug, Default)]
pub struct ProberConfig {
    pub policy: AddressPolicy,
    /// The only name server that is asked, over UDP and TCP; `None` asks as the system is set up.
    pub resolver: Option<SocketAddr>,
    /// PEM text with certificates of the operator's own CAs, trusted beside the public ones; empty for none.
    pub extra_roots_pem: Vec<u8>,
}

/// Why a prober cannot be made. All of these are found at start-up, none while looking.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    #[error("the addresses of this machine cannot be listed")]
    OwnAddresses(#[source] std::io::Error),
    #[error("the additional CA certificates are not PEM text with certificates")]
    ExtraRoots(#[source] rustls::pki_types::pem::Error),
    #[error("an additional CA certificate cannot be used")]
    ExtraRoot(#[source] rustls::Error),
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    #[error("the name resolver cannot be set up")]
    Resolver(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Takes looks. Make one and share it: it holds the TLS configurations (building one costs milliseconds), the TLS
/// sessions that make the next look cheap, and the list of this machine's own addresses.
pub struct Prober {
    guard: Guard,
    resolver: Resolver,
    tls: Tls,
}

impl Prober {
    /// Call it within a Tokio runtime.
    ///
    /// # Errors
    /// `ProberError` when the machine's addresses, the resolver or the certificates cannot be had.
    pub fn new(config: ProberConfig) -> Result<Self, ProberError> {
        Ok(Self {
            guard: Guard::new(config.policy)?,
            resolver: Resolver::new(config.resolver)?,
            tls: Tls::new(&config.extra_roots_pem)?,
        })
    }

    /// Takes one look. Never fails and never takes longer than `check.timeout`: whatever happens is the outcome.
    pub async fn check(&self, check: Check<'_>) -> CheckResult {
        let mut trace = Trace::start(check.timeout);
        let deadline = trace.deadline();
        let ended = match tokio::time::timeout_at(deadline, self.take(check, &mut trace)).await {
            Ok(ended) => ended,
            Err(_) => Err(trace.phase().out_of_time()),
        };
        match ended {
            Ok(()) => trace.result(check.now, Verdict::Up),
            Err(Stop::Down(failure)) => trace.result(check.now, Verdict::Down(failure)),
            Err(Stop::NotChecked(why)) => trace.result(check.now, Verdict::Unknown(why.into())),
            // Nothing but the word: a time, too, would tell what is there.
            Err(Stop::Denied) => CheckResult {
                at: check.now,
                verdict: Verdict::Down(Failure::new(FailureClass::NotAllowed)),
                timings: Timings::default(),
                certificate_expires_at: None,
            },
        }
    }

    /// The addresses of a target's host, if looks may go to all of them: for what connects by other means than a look.
    ///
    /// # Errors
    /// `NotAdmitted` where one of them is denied, or there is none within the time.
    pub async fn admit(
        &self,
        target: &Target,
        timeout: Duration,
    ) -> Result<Vec<SocketAddr>, NotAdmitted> {
        let mut trace = Trace::start(timeout);
        let deadline = trace.deadline();
        let resolving = self.resolver.addresses(target, &mut trace);
        let addresses = tokio::time::timeout_at(deadline, resolving)
            .await
            .map_err(|_| NotAdmitted::Unresolved)?
            .map_err(|_| NotAdmitted::Unresolved)?;
        self.guard
            .judge(&addresses)
            .map_err(|_| NotAdmitted::Denied)?;
        Ok(addresses)
    }

    async fn take(&self, check: Check<'_>, trace: &mut Trace) -> Result<(), Stop> {
        match check.target.scheme {
            Scheme::Tcp => self.open(check.target, trace).await.map(drop),
            Scheme::Http | Scheme::Https => self.check_http(check, trace).await,
        }
    }

    /// From a target to an open connection: resolve, judge every answer, connect, judge where we ended up.
    async fn open(
        &self,
        target: &Target,
        trace: &mut Trace,
    ) -> Result<tokio::net::TcpStream, Stop> {
        let addresses = self.resolver.addresses(target, trace).await?;
        self.guard.judge(&addresses)?;
        let stream = tcp::connect(&addresses, trace).await?;
        self.guard.confirm(&stream, &addresses)?;
        Ok(stream)
    }
}

/// Why nothing may go to a host, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    Denied,
    Unresolved,
}

/// Why a look ended without passing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stop {
    Down(Failure),
    /// Our own fault, in words.
    NotChecked(&'static str),
    Denied,
}

impl Stop {
    fn with(class: FailureClass, detail: impl Into<Box<str>>) -> Self {
        Self::Down(Failure::with(class, detail))
    }

    fn plain(class: FailureClass) -> Self {
        Self::Down(Failure::new(class))
    }
}
