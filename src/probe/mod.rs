//! Runs checks: one prober, one deadline, one match over the schemes.
//!
//! Every cost of a check is bounded here or in the files below: its time by the deadline, its memory by the caps in
//! `http`, its destinations by `outbound_policy`. A check owns no client and no task. It is one future over one socket, because a
//! pooled client would test the pool instead of the endpoint and costs more than the connection itself.

mod body;
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

use outbound_policy::{AddressPolicy, AdmitError, Denied, Guard};

use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{
    CheckResult, Failure, FailureClass, Timings, Verdict,
};
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::target::{Scheme, Target};

use resolve::Resolver;
use tls::Tls;
use trace::Trace;

/// One check to run.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    pub target: &'a Target,
    /// Options of an HTTP check; `None` means `HttpCheck::default()`. TCP checks ignore them.
    pub http_check: Option<&'a HttpCheck>,
    /// Upper bound of the whole check, from name resolution to the last byte.
    pub timeout: Duration,
    /// Timestamp of the check result.
    pub now: Timestamp,
}

/// The operator's settings for checks. `Default`: public addresses only, the system's resolver, public CAs.
#[derive(Clone, Debug, Default)]
pub struct ProberConfig {
    pub policy: AddressPolicy,
    /// The only name server to query, over UDP and TCP; `None` uses the system's resolver.
    pub resolver: Option<SocketAddr>,
    /// PEM text with the operator's own CA certificates, trusted in addition to the public ones; empty for none.
    pub extra_roots_pem: Vec<u8>,
}

/// Why a prober cannot be created. All of these occur at startup, none during a check.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    #[error("the addresses of this machine cannot be listed")]
    OwnAddresses(#[source] std::io::Error),
    #[error("the file contains no PEM certificates")]
    ExtraRoots(#[source] rustls::pki_types::pem::Error),
    #[error("the file contains a certificate that cannot be used")]
    ExtraRoot(#[source] rustls::Error),
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    #[error("the name resolver cannot be set up")]
    Resolver(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Runs checks. Create one and share it: it holds the TLS configurations (building one costs milliseconds), the TLS
/// sessions that make the next check cheap, and the list of this machine's own addresses.
pub struct Prober {
    guard: Guard,
    resolver: Resolver,
    tls: Tls,
}

impl Prober {
    /// Creates a prober. Call it within a Tokio runtime.
    ///
    /// # Errors
    /// `ProberError` if this machine's addresses cannot be listed, or if the resolver or TLS cannot be set up.
    pub fn new(config: ProberConfig) -> Result<Self, ProberError> {
        Ok(Self {
            guard: Guard::new(config.policy).map_err(ProberError::OwnAddresses)?,
            resolver: Resolver::new(config.resolver)?,
            tls: Tls::new(&config.extra_roots_pem)?,
        })
    }

    /// Runs one check. Never fails and never takes longer than `check.timeout`: every error becomes part of the result.
    pub async fn check(&self, check: Check<'_>) -> CheckResult {
        let mut trace = Trace::start(check.timeout);
        let deadline = trace.deadline();
        let ended = match tokio::time::timeout_at(deadline, self.run(check, &mut trace)).await {
            Ok(ended) => ended,
            Err(_) => Err(trace.phase().out_of_time()),
        };
        match ended {
            Ok(()) => trace.result(check.now, Verdict::Up),
            Err(Stop::Down(failure)) => trace.result(check.now, Verdict::Down(failure)),
            Err(Stop::NotChecked(why)) => trace.result(check.now, Verdict::Unknown(why.into())),
            // Only the failure class: a timing would also reveal whether something listens there.
            Err(Stop::Denied) => CheckResult {
                at: check.now,
                verdict: Verdict::Down(Failure::new(FailureClass::NotAllowed)),
                timings: Timings::default(),
                certificate_expires_at: None,
            },
        }
    }

    /// The addresses of a target's host, if checks may connect to all of them. For callers that connect by other means
    /// than a check.
    ///
    /// # Errors
    /// `AddressBlocked` if one of them is denied, or if the name does not resolve within `timeout`.
    pub async fn admit(
        &self,
        target: &Target,
        timeout: Duration,
    ) -> Result<Vec<SocketAddr>, AddressBlocked> {
        let mut trace = Trace::start(timeout);
        let deadline = trace.deadline();
        let admitting = self
            .guard
            .admit(self.resolver.addresses(target, &mut trace));
        match tokio::time::timeout_at(deadline, admitting).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(AdmitError::Denied)) => Err(AddressBlocked::Denied),
            Ok(Err(AdmitError::Lookup(_))) | Err(_) => Err(AddressBlocked::Unresolved),
        }
    }

    async fn run(&self, check: Check<'_>, trace: &mut Trace) -> Result<(), Stop> {
        match check.target.scheme {
            Scheme::Tcp => self.open(check.target, trace).await.map(drop),
            Scheme::Http | Scheme::Https => self.check_http(check, trace).await,
        }
    }

    /// Opens a connection to a target: resolves it, judges every address, connects, judges the peer's address.
    async fn open(
        &self,
        target: &Target,
        trace: &mut Trace,
    ) -> Result<tokio::net::TcpStream, Stop> {
        let lookup = self.resolver.addresses(target, trace);
        let addresses = self
            .guard
            .admit(lookup)
            .await
            .map_err(|error| match error {
                AdmitError::Denied => Stop::Denied,
                AdmitError::Lookup(stop) => stop,
            })?;
        let stream = tcp::connect(&addresses, trace).await?;
        // Without a peer the connection is closed already, and there is nothing left to judge.
        if let Ok(peer) = stream.peer_addr() {
            self.guard
                .confirm(peer, &addresses)
                .map_err(|Denied| Stop::Denied)?;
        }
        Ok(stream)
    }
}

/// Why connections to a host are not allowed, or not possible now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressBlocked {
    Denied,
    Unresolved,
}

/// Why a check ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stop {
    Down(Failure),
    /// Rollcall could not run the check; the reason in words.
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
