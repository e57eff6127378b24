//! Runs checks: one prober, one deadline, one match over the schemes.
//!
//! Every cost of a check is bounded here or in the files below: its time by the deadline, its memory by the caps in
//! `http`, its destinations by `outbound_policy`. A check owns no client and no task. It is one future over one socket, because a
//! pooled client would test the pool instead of the endpoint and costs more than the connection itself.

mod body;
pub mod connection_limit;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gate;
mod head;
mod http;
mod names;
mod page;
mod redirect;
mod reference_host;
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
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::check_result::{
    CheckResult, Failure, FailureClass, NotChecked, Timings, Verdict,
};
use crate::domain::endpoints::connectivity::ReferenceHost;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::target::{Scheme, Target};

use connection_limit::{AddressBucket, ConnectionLimiter, ConnectionTurn};
use gate::ConnectionGate;
use names::Names;
use resolve::Resolver;
use tls::Tls;
use trace::{Account, Trace};

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
    /// Where redirects may lead.
    pub redirects: RedirectScope,
}

/// Where the redirects of a check may lead. The address policy judges every hop in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectScope {
    Anywhere,
    /// To ports 80 and 443, and to the target's own host and port. Without this limit, anybody's server could redirect checks
    /// to any port of any host.
    UsualPorts,
}

impl RedirectScope {
    fn permits(self, first: &Target, next: &Target) -> bool {
        let is_own = next.host == first.host && next.port == first.port;
        self == Self::Anywhere || is_own || matches!(next.port, 80 | 443)
    }
}

/// The operator's settings for checks. `Default`: public addresses only, the system's resolver, public CAs.
#[derive(Clone, Debug, Default)]
pub struct ProberConfig {
    pub policy: AddressPolicy,
    /// The only name server to query, over UDP and TCP; `None` uses the system's resolver.
    pub resolver: Option<SocketAddr>,
    /// Names that are known to exist. They show whether the resolver works; empty for none.
    pub reference_names: Vec<String>,
    /// PEM text with the operator's own CA certificates, trusted in addition to the public ones; empty for none.
    pub extra_roots_pem: Vec<u8>,
    /// `None`: no limits.
    pub connections: Option<ConnectionRate>,
}

/// How often checks may connect to one address.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionRate {
    /// Connections a second of all guilds together.
    pub per_second: u32,
    /// Whether the limits also hold for addresses on the allow-list.
    pub includes_allowed: bool,
}

/// A check that could not connect yet, because other connections to this bucket come first. Wait for a turn, then check
/// again.
#[derive(Debug)]
pub struct Postponed(pub AddressBucket);

/// A check that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub result: CheckResult,
    /// Where redirects have led if the check passed, without the query; `None` without redirects.
    pub final_target: Option<Box<str>>,
    /// The last response; `None` if there was none, and for checks without HTTP.
    pub response: Option<LastResponse>,
}

/// What is known of the last response of an HTTP check, whether it passed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastResponse {
    pub status: u16,
    pub is_tls: bool,
    /// How many redirects have led to it.
    pub redirects: u8,
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
    names: Names,
    tls: Tls,
    limiter: Option<ConnectionLimiter>,
    limits_allowed: bool,
}

impl Prober {
    /// Creates a prober. Call it within a Tokio runtime.
    ///
    /// # Errors
    /// `ProberError` if this machine's addresses cannot be listed, or if the resolver or TLS cannot be set up.
    pub fn new(config: ProberConfig) -> Result<Self, ProberError> {
        Ok(Self {
            guard: Guard::new(config.policy).map_err(ProberError::OwnAddresses)?,
            names: Names::new(Resolver::new(config.resolver)?, config.reference_names),
            tls: Tls::new(&config.extra_roots_pem)?,
            limiter: config
                .connections
                .map(|rate| ConnectionLimiter::new(rate.per_second)),
            limits_allowed: config.connections.is_some_and(|rate| rate.includes_allowed),
        })
    }

    /// The limits of connections; `None` if there are none.
    pub fn limiter(&self) -> Option<&ConnectionLimiter> {
        self.limiter.as_ref()
    }

    /// Runs one check without limits. Never fails: every error becomes part of the result. Takes `check.timeout` at most, and
    /// some seconds more for a failure of an endpoint that has a name.
    pub async fn check(&self, check: Check<'_>) -> CheckResult {
        let trace = Trace::start(check.timeout);
        match self.complete(check, trace).await {
            Ok(checked) => checked.result,
            Err(Postponed(_)) => CheckResult {
                at: check.now,
                verdict: Verdict::Unknown(NotChecked::Machine("the check did not get its turn")),
                timings: Timings::default(),
                certificate: None,
            },
        }
    }

    /// Runs one check whose connections count for a guild. `turn`: a turn that the check has waited for.
    ///
    /// # Errors
    /// `Postponed` if it is not its turn.
    pub async fn check_in_turn(
        &self,
        check: Check<'_>,
        guild: GuildId,
        turn: Option<ConnectionTurn>,
    ) -> Result<Checked, Postponed> {
        let account = Account {
            guild,
            turn,
            has_connected: false,
        };
        let trace = match self.limiter {
            Some(_) => Trace::on_account(check.timeout, account),
            None => Trace::start(check.timeout),
        };
        self.complete(check, trace).await
    }

    async fn complete(&self, check: Check<'_>, mut trace: Trace) -> Result<Checked, Postponed> {
        let end = self.run_in_time(check, &mut trace).await;
        let (final_target, response) = (trace.final_target.take(), trace.response);
        let result = match end {
            Ok(()) => trace.result(check.now, Verdict::Up),
            Err(Stop::Down(failure)) => trace.result(check.now, Verdict::Down(failure)),
            Err(Stop::NotChecked(why)) => {
                trace.result(check.now, Verdict::Unknown(NotChecked::Machine(why)))
            }
            Err(Stop::NotResolved) => {
                trace.result(check.now, Verdict::Unknown(NotChecked::Resolver))
            }
            // Only the failure class: a timing would also reveal whether something listens there.
            Err(Stop::Denied) => CheckResult {
                at: check.now,
                verdict: Verdict::Down(Failure::new(FailureClass::NotAllowed)),
                timings: Timings::default(),
                certificate: None,
            },
            Err(Stop::Postponed(bucket)) => return Err(Postponed(bucket)),
        };
        Ok(Checked {
            result: self.confirmed(check.target, result).await,
            final_target,
            response,
        })
    }

    /// A failure is confirmed by reference names that resolve: without them, the name may have got a wrong address, such as
    /// that of a captive portal, or none. This takes some seconds at most, after the deadline of the check.
    async fn confirmed(&self, target: &Target, mut result: CheckResult) -> CheckResult {
        let has_name = target.has_name() || result.timings.resolve.is_some();
        let is_failure = matches!(result.verdict, Verdict::Down(_));
        if is_failure && has_name && !self.names.failures_count().await {
            result.verdict = Verdict::Unknown(NotChecked::NameResolution);
        }
        result
    }

    /// Runs a check until its deadline, which moves while the check waits for a turn.
    async fn run_in_time(&self, check: Check<'_>, trace: &mut Trace) -> Result<(), Stop> {
        let time = trace.time();
        {
            let mut running = std::pin::pin!(self.run(check, trace));
            while !time.is_over() {
                if let Ok(ended) = tokio::time::timeout_at(time.deadline(), &mut running).await {
                    return ended;
                }
            }
        }
        Err(match trace.pending_lookup() {
            Some(known_as) => self.names.no_answer(known_as),
            None => trace.phase().out_of_time(),
        })
    }

    /// Whether any of the reference hosts answers; `false` for an empty list.
    pub async fn any_answers(&self, reference_hosts: &[ReferenceHost]) -> bool {
        reference_host::any_answers(&self.names, reference_hosts).await
    }

    /// Whether names resolve, according to the reference names. `true` if those have never resolved, or if there are none.
    pub async fn names_resolve(&self) -> bool {
        self.names.resolve().await
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
        let deadline = trace.time().deadline();
        let admitting = self.guard.admit(self.names.addresses(target, &mut trace));
        match tokio::time::timeout_at(deadline, admitting).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(AdmitError::Denied)) => Err(AddressBlocked::Denied),
            Ok(Err(AdmitError::Lookup(_))) | Err(_) => Err(AddressBlocked::Unresolved),
        }
    }

    async fn run(&self, check: Check<'_>, trace: &mut Trace) -> Result<(), Stop> {
        match check.target.scheme {
            Scheme::Tcp => self.open(check.target, self.gate(), trace).await.map(drop),
            Scheme::Http | Scheme::Https => self.check_http(check, trace).await,
        }
    }

    fn gate(&self) -> ConnectionGate<'_> {
        let exempt = (!self.limits_allowed).then_some(&self.guard);
        ConnectionGate::new(self.limiter.as_ref(), exempt)
    }

    /// Opens a connection to a target: resolves it, judges every address, connects when it is its turn,
    /// judges the peer's address.
    async fn open(
        &self,
        target: &Target,
        gate: ConnectionGate<'_>,
        trace: &mut Trace,
    ) -> Result<tokio::net::TcpStream, Stop> {
        let lookup = self.names.addresses(target, trace);
        let addresses = self
            .guard
            .admit(lookup)
            .await
            .map_err(|error| match error {
                AdmitError::Denied => Stop::Denied,
                AdmitError::Lookup(stop) => stop,
            })?;
        let stream = tcp::connect(&addresses, gate, trace).await?;
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
    /// The name was not resolved, and the resolver may be the cause.
    NotResolved,
    Denied,
    /// Other connections to this bucket come first.
    Postponed(AddressBucket),
}

impl Stop {
    fn with(class: FailureClass, detail: impl Into<Box<str>>) -> Self {
        Self::Down(Failure::with(class, detail))
    }

    fn plain(class: FailureClass) -> Self {
        Self::Down(Failure::new(class))
    }
}
