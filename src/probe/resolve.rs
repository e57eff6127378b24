//! Resolves a name to addresses. Two ways: the system's resolver (`getaddrinfo`), or, if the operator set one, a single
//! name server without cache or hosts file.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
    ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ProberError, Stop, tcp};
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::name_resolution::NameFailure;

/// Limit of concurrent system lookups. `getaddrinfo` blocks a thread until the system gives up, long after our
/// deadline. Lower than tokio's 512 threads for blocking work, so that a dead resolver cannot stop the rest of the
/// program.
const SYSTEM_LOOKUPS: usize = 256;

/// Why a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookupFailure {
    Failed(NameFailure),
    /// Rollcall could not run the lookup; the reason in words.
    NotRun(&'static str),
}

/// The part of them that one guild may use: names whose servers do not answer must not delay the checks of others.
const LOOKUPS_PER_GUILD: usize = 64;

/// Lookups of reference names, which must not wait for those of targets.
const REFERENCE_LOOKUPS: usize = 32;

/// Guilds that are remembered before those without lookups are dropped.
const GUILDS: usize = 1_000;

/// The operator's resolver.
pub(super) enum Resolver {
    System(SystemSlots),
    Server(Box<TokioResolver>),
}

/// The slots of system lookups.
pub(super) struct SystemSlots {
    targets: Arc<Semaphore>,
    references: Arc<Semaphore>,
    guilds: Mutex<HashMap<GuildId, Arc<Semaphore>>>,
}

impl SystemSlots {
    fn new() -> Self {
        Self {
            targets: Arc::new(Semaphore::new(SYSTEM_LOOKUPS)),
            references: Arc::new(Semaphore::new(REFERENCE_LOOKUPS)),
            guilds: Mutex::default(),
        }
    }

    fn of_guild(&self, guild: GuildId) -> Arc<Semaphore> {
        let mut guilds = self.guilds.lock().unwrap_or_else(PoisonError::into_inner);
        if guilds.len() >= GUILDS {
            guilds.retain(|_, slots| Arc::strong_count(slots) > 1);
        }
        let new = || Arc::new(Semaphore::new(LOOKUPS_PER_GUILD));
        Arc::clone(guilds.entry(guild).or_insert_with(new))
    }
}

/// For what a name is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) enum LookupPurpose {
    /// A check of this guild, or of no guild.
    Target(Option<GuildId>),
    Reference,
}

impl Resolver {
    pub(super) fn new(server: Option<SocketAddr>) -> Result<Self, ProberError> {
        let Some(server) = server else {
            return Ok(Self::System(SystemSlots::new()));
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
    pub(super) async fn slot(&self, purpose: LookupPurpose) -> Result<LookupSlot, LookupFailure> {
        let Self::System(slots) = self else {
            return Ok(LookupSlot::default());
        };
        let (guild, all) = match purpose {
            LookupPurpose::Target(guild) => {
                (guild.map(|guild| slots.of_guild(guild)), &slots.targets)
            }
            LookupPurpose::Reference => (None, &slots.references),
        };
        let closed = |_| LookupFailure::NotRun("the resolver is shut down");
        let guild = match guild {
            Some(guild) => Some(guild.acquire_owned().await.map_err(closed)?),
            None => None,
        };
        let all = Arc::clone(all).acquire_owned().await.map_err(closed)?;
        Ok(LookupSlot {
            _permits: [guild, Some(all)],
        })
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
#[derive(Default)]
pub(super) struct LookupSlot {
    _permits: [Option<OwnedSemaphorePermit>; 2],
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

/// Asks for both kinds of addresses. One kind is enough, but that there is none takes both answers.
async fn ask_server(resolver: &TokioResolver, name: &str) -> Result<Vec<IpAddr>, LookupFailure> {
    let ask = |kind| resolver.lookup(format!("{name}."), kind);
    let (v4, v6) = tokio::join!(ask(RecordType::A), ask(RecordType::AAAA));
    let addresses: Vec<IpAddr> = [&v4, &v6]
        .into_iter()
        .flatten()
        .flat_map(Lookup::answers)
        .filter_map(|record| record.data.ip_addr())
        .collect();
    if !addresses.is_empty() {
        return Ok(addresses);
    }
    let failures = [v4, v6].map(|answer| match answer {
        Ok(_) => ServerFailure::NoAddress,
        Err(error) => explain_server(&error),
    });
    Err(combined(failures))
}

/// How one query to a name server failed.
#[derive(Debug)]
enum ServerFailure {
    NoSuchName,
    /// The name exists, without an address of this kind.
    NoAddress,
    Other(LookupFailure),
}

/// What the failures of both queries say about the name.
fn combined(failures: [ServerFailure; 2]) -> LookupFailure {
    use ServerFailure::{NoAddress, NoSuchName, Other};
    match failures {
        [NoSuchName, _] | [_, NoSuchName] | [NoAddress, NoAddress] => {
            LookupFailure::Failed(NameFailure::NotFound)
        }
        [Other(not_run @ LookupFailure::NotRun(_)), _]
        | [_, Other(not_run @ LookupFailure::NotRun(_))] => not_run,
        [Other(failure), _] | [_, Other(failure)] => failure,
    }
}

fn explain_server(error: &NetError) -> ServerFailure {
    let no_answer = LookupFailure::Failed(NameFailure::NoAnswer);
    match error {
        NetError::Busy => ServerFailure::Other(LookupFailure::NotRun(
            "too many names are being resolved at once",
        )),
        NetError::Io(error) => ServerFailure::Other(own_limit(error).unwrap_or(no_answer)),
        NetError::Dns(DnsError::NoRecordsFound(found)) => match found.response_code {
            ResponseCode::NXDomain => ServerFailure::NoSuchName,
            ResponseCode::NoError => ServerFailure::NoAddress,
            _ => ServerFailure::Other(no_answer),
        },
        _ => ServerFailure::Other(no_answer),
    }
}

fn own_limit(error: &io::Error) -> Option<LookupFailure> {
    match tcp::own_limit(error)? {
        Stop::NotChecked(why) => Some(LookupFailure::NotRun(why)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_absent_only_if_both_answers_say_so() {
        use ServerFailure::{NoAddress, NoSuchName, Other};
        let not_found = LookupFailure::Failed(NameFailure::NotFound);
        let no_answer = LookupFailure::Failed(NameFailure::NoAnswer);
        let busy = LookupFailure::NotRun("busy");
        for (failures, expected) in [
            ([NoSuchName, NoSuchName], not_found),
            ([NoAddress, NoAddress], not_found),
            ([NoSuchName, Other(no_answer)], not_found),
            ([NoAddress, Other(no_answer)], no_answer),
            ([Other(no_answer), NoAddress], no_answer),
            ([Other(no_answer), Other(no_answer)], no_answer),
            ([Other(no_answer), Other(busy)], busy),
            ([Other(busy), NoAddress], busy),
        ] {
            let shown = format!("{failures:?}");
            assert_eq!(combined(failures), expected, "{shown}");
        }
    }

    #[tokio::test]
    async fn a_guild_uses_only_a_part_of_the_slots() {
        let slots = Resolver::System(SystemSlots::new());
        let of = |guild| LookupPurpose::Target(Some(GuildId(guild)));
        let mut held = Vec::new();
        for _ in 0..LOOKUPS_PER_GUILD {
            held.push(slots.slot(of(1)).await.unwrap());
        }
        let mut next = Box::pin(slots.slot(of(1)));
        assert!(futures_util::poll!(&mut next).is_pending());
        assert!(slots.slot(of(2)).await.is_ok());
        held.pop();
        assert!(next.await.is_ok());
        // All slots of targets are used, and reference names are looked up.
        for guild in 2..=(SYSTEM_LOOKUPS / LOOKUPS_PER_GUILD) as u64 {
            for _ in 0..LOOKUPS_PER_GUILD {
                held.push(slots.slot(of(guild)).await.unwrap());
            }
        }
        held.push(slots.slot(of(1)).await.unwrap());
        let mut next = Box::pin(slots.slot(of(99)));
        assert!(futures_util::poll!(&mut next).is_pending());
        assert!(slots.slot(LookupPurpose::Reference).await.is_ok());
    }
}
