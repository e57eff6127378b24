//! Resolves a name to addresses. Two ways: the system's resolver (`getaddrinfo`), or, if the operator set one, a single
//! name server without cache or hosts file.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
    ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ProberError, Stop, tcp};
use crate::domain::endpoints::name_resolution::NameFailure;

/// Limit of concurrent system lookups. `getaddrinfo` blocks a thread until the system gives up, long after our
/// deadline. Lower than tokio's 512 threads for blocking work, so that a dead resolver cannot stop the rest of the
/// program.
const SYSTEM_LOOKUPS: usize = 256;

/// Why a name has no address.
#[derive(Debug)]
pub(super) enum LookupFailure {
    Failed(NameFailure),
    /// Rollcall could not run the lookup; the reason in words.
    NotRun(&'static str),
}

/// The operator's resolver.
pub(super) enum Resolver {
    System(Arc<Semaphore>),
    Server(Box<TokioResolver>),
}

impl Resolver {
    pub(super) fn new(server: Option<SocketAddr>) -> Result<Self, ProberError> {
        let Some(server) = server else {
            return Ok(Self::System(Arc::new(Semaphore::new(SYSTEM_LOOKUPS))));
        };
        let connections =
            [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
        let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
        let config = ResolverConfig::from_name_servers(vec![server]);
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options())
            .build()
            .map_err(|error| ProberError::Resolver(Box::new(error)))?;
        Ok(Self::Server(Box::new(resolver)))
    }

    /// Waits until a lookup may begin.
    ///
    /// # Errors
    /// `LookupFailure::NotRun` during shutdown.
    pub(super) async fn slot(&self) -> Result<LookupSlot, LookupFailure> {
        let closed = |_| LookupFailure::NotRun("the resolver is shut down");
        match self {
            Self::System(slots) => {
                let slot = Arc::clone(slots).acquire_owned().await;
                slot.map(Some).map_err(closed)
            }
            Self::Server(_) => Ok(None),
        }
    }

    /// The addresses of a name, at least one.
    ///
    /// # Errors
    /// `LookupFailure` if there is none, or if it could not be looked up.
    pub(super) async fn lookup(
        &self,
        name: &str,
        slot: LookupSlot,
    ) -> Result<Vec<IpAddr>, LookupFailure> {
        let addresses = match self {
            Self::System(_) => ask_system(slot, name).await?,
            Self::Server(resolver) => ask_server(resolver, name).await?,
        };
        match addresses.is_empty() {
            true => Err(LookupFailure::Failed(NameFailure::NotFound)),
            false => Ok(addresses),
        }
    }
}

/// The right to one lookup; a name server needs none.
pub(super) type LookupSlot = Option<OwnedSemaphorePermit>;

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.timeout = Duration::from_secs(2);
    options.attempts = 2;
    // With the default of 32 concurrent queries, a burst of checks would get "busy" errors.
    options.max_active_requests = 4096;
    options
}

async fn ask_system(slot: LookupSlot, name: &str) -> Result<Vec<IpAddr>, LookupFailure> {
    // No trailing dot: it would keep `/etc/hosts` and mDNS from matching.
    let hostname = name.to_owned();
    let lookup = tokio::task::spawn_blocking(move || {
        // Held by the thread, not by the check: a check that timed out leaves its thread running.
        let _slot = slot;
        (hostname.as_str(), 0)
            .to_socket_addrs()
            .map(|found| found.map(|address| address.ip()).collect())
    });
    match lookup.await {
        Ok(found) => found.map_err(|error| explain_system(&error)),
        Err(_) => Err(LookupFailure::NotRun("the name lookup was interrupted")),
    }
}

/// Classifies a `getaddrinfo` failure. It has no code, only the C library's English text (glibc, musl, BSD).
fn explain_system(error: &io::Error) -> LookupFailure {
    if let Some(failure) = own_limit(error) {
        return failure;
    }
    let text = error.to_string();
    let absent = [
        "not known",
        "No address associated",
        "does not resolve",
        "no usable address",
        "nodename nor servname",
    ];
    LookupFailure::Failed(match absent.iter().any(|words| text.contains(words)) {
        true => NameFailure::NotFound,
        false => NameFailure::NoAnswer,
    })
}

async fn ask_server(resolver: &TokioResolver, name: &str) -> Result<Vec<IpAddr>, LookupFailure> {
    match resolver.lookup_ip(format!("{name}.")).await {
        Ok(found) => Ok(found.iter().collect()),
        Err(error) => Err(explain_server(&error)),
    }
}

fn explain_server(error: &NetError) -> LookupFailure {
    let no_answer = LookupFailure::Failed(NameFailure::NoAnswer);
    match error {
        NetError::Busy => LookupFailure::NotRun("too many names are being resolved at once"),
        NetError::Io(error) => own_limit(error).unwrap_or(no_answer),
        NetError::Dns(DnsError::NoRecordsFound(found))
            if matches!(
                found.response_code,
                ResponseCode::NXDomain | ResponseCode::NoError
            ) =>
        {
            LookupFailure::Failed(NameFailure::NotFound)
        }
        _ => no_answer,
    }
}

fn own_limit(error: &io::Error) -> Option<LookupFailure> {
    match tcp::own_limit(error)? {
        Stop::NotChecked(why) => Some(LookupFailure::NotRun(why)),
        _ => None,
    }
}
