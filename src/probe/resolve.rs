//! Resolves a host to addresses, again at every check: a name that was harmless yesterday may point to a private
//! address today.
//!
//! Two ways: the system's resolver (`getaddrinfo`), or, if the operator set one, a single name server without cache or
//! hosts file. IP addresses are never resolved; they are judged as written.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
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
use tokio::sync::Semaphore;

use super::trace::{NO_ANSWER, Phase, Trace};
use super::{ProberError, Stop, tcp};
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::target::{Host, Target};

/// Limit of concurrent system lookups. `getaddrinfo` blocks a thread until the system gives up, long after our
/// deadline. Lower than tokio's 512 threads for blocking work, so that a dead resolver cannot stop the rest of the
/// program.
const SYSTEM_LOOKUPS: usize = 256;

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
        let mut addresses = match self {
            Self::System(slots) => Box::pin(ask_system(slots, name, trace)).await?,
            Self::Server(resolver) => Box::pin(ask_server(resolver, name, trace)).await?,
        };
        if addresses.is_empty() {
            return Err(Stop::plain(FailureClass::NameFailed));
        }
        addresses
            .iter_mut()
            .for_each(|address| address.set_port(target.port));
        Ok(addresses)
    }
}

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

async fn ask_system(
    slots: &Arc<Semaphore>,
    name: &str,
    trace: &mut Trace,
) -> Result<Vec<SocketAddr>, Stop> {
    let closed = |_| Stop::NotChecked("the resolver is shut down");
    let slot = Arc::clone(slots).acquire_owned().await.map_err(closed)?;
    trace.enter(Phase::Resolving);
    // No trailing dot: it would keep `/etc/hosts` and mDNS from matching.
    let hostname = name.to_owned();
    let lookup = tokio::task::spawn_blocking(move || {
        // Held by the thread, not by the check: a check that timed out leaves its thread running.
        let _slot = slot;
        (hostname.as_str(), 0)
            .to_socket_addrs()
            .map(Iterator::collect)
    });
    match lookup.await {
        Ok(found) => found.map_err(|error| explain_system(&error)),
        Err(_) => Err(Stop::NotChecked("the name lookup was interrupted")),
    }
}

/// Classifies a `getaddrinfo` failure. It has no code, only the C library's English text (glibc, musl, BSD).
fn explain_system(error: &io::Error) -> Stop {
    if let Some(stop) = tcp::own_limit(error) {
        return stop;
    }
    let text = error.to_string();
    let absent = [
        "not known",
        "No address associated",
        "does not resolve",
        "no usable address",
        "nodename nor servname",
    ];
    if absent.iter().any(|words| text.contains(words)) {
        Stop::plain(FailureClass::NameFailed)
    } else {
        Stop::with(FailureClass::NameFailed, NO_ANSWER)
    }
}

async fn ask_server(
    resolver: &TokioResolver,
    name: &str,
    trace: &mut Trace,
) -> Result<Vec<SocketAddr>, Stop> {
    trace.enter(Phase::Resolving);
    match resolver.lookup_ip(format!("{name}.")).await {
        Ok(found) => Ok(found
            .iter()
            .map(|ip: IpAddr| SocketAddr::new(ip, 0))
            .collect()),
        Err(error) => Err(explain_server(&error)),
    }
}

fn explain_server(error: &NetError) -> Stop {
    match error {
        NetError::Busy => Stop::NotChecked("too many names are being resolved at once"),
        NetError::Io(error) => {
            tcp::own_limit(error).unwrap_or_else(|| Stop::with(FailureClass::NameFailed, NO_ANSWER))
        }
        NetError::Dns(DnsError::NoRecordsFound(found))
            if matches!(
                found.response_code,
                ResponseCode::NXDomain | ResponseCode::NoError
            ) =>
        {
            Stop::plain(FailureClass::NameFailed)
        }
        _ => Stop::with(FailureClass::NameFailed, NO_ANSWER),
    }
}
