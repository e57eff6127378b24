//! Which connections are accepted: a maximum for all of them and for each client network, with the last slots for clients
//! that had a valid key before, and for this machine.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::stream::OpenConnection;
use crate::clock::Stopwatch;
use crate::health::Health;
use crate::http::client_address::ClientNetwork;
use crate::http::{HttpState, KnownCallers, TrustedProxies};
use crate::metrics::Metrics;

/// The maximum numbers of open connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionLimits {
    pub all: usize,
    /// Of `all`, only for clients that had a valid key recently, for trusted proxies and for this machine.
    pub kept_for_known: usize,
    /// Of `all`, only for this machine.
    pub kept_for_this_machine: usize,
    /// From one client network.
    pub network: usize,
    /// Whether devices and servers send to this port: while it is full, they are not judged.
    pub has_heartbeats: bool,
}

impl ConnectionLimits {
    /// - 1,000 in all: with their buffers of 16 KiB, at most about 32 MB.
    /// - 100 for one network: a whole fleet behind one router may send its heartbeats in the same second, and nine networks
    ///   are needed to take every slot. An idle connection gives way to a new one, so only connections that are in use
    ///   count.
    /// - 100 kept for known clients, so that a flood from many addresses does not shut out the known devices.
    /// - 8 kept for this machine: for the health check of a container, and for metrics.
    pub const DEFAULT: Self = Self {
        all: 1_000,
        kept_for_known: 100,
        kept_for_this_machine: 8,
        network: 100,
        has_heartbeats: true,
    };

    /// Of the port that only the operator's programs use: a few scrapers, health checks and browsers.
    pub const OF_OPERATOR: Self = Self {
        all: 100,
        kept_for_known: 8,
        kept_for_this_machine: 8,
        network: 50,
        has_heartbeats: false,
    };
}

/// What is known of a client before it sends anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientStanding {
    Unknown,
    /// It had a valid key recently.
    Known,
    /// A trusted proxy, whose connections belong to many clients.
    Proxy,
    /// This machine: the client has the address that it connected to.
    ThisMachine,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(super) enum RefusedConnection {
    /// No slot is free.
    Full,
    /// Its network has too many connections.
    TooManyOfNetwork,
}

/// Which limit a new connection would exceed; `None` if it may be opened. `all` and `network` are the numbers of those that
/// are open.
fn exceeded(
    limits: &ConnectionLimits,
    standing: ClientStanding,
    all: usize,
    network: usize,
) -> Option<RefusedConnection> {
    let slots = match standing {
        ClientStanding::Unknown => limits.all - limits.kept_for_known,
        ClientStanding::Known | ClientStanding::Proxy => limits.all - limits.kept_for_this_machine,
        ClientStanding::ThisMachine => limits.all,
    };
    if standing != ClientStanding::Proxy && network >= limits.network {
        return Some(RefusedConnection::TooManyOfNetwork);
    }
    (all >= slots).then_some(RefusedConnection::Full)
}

/// The open connections.
#[derive(Debug)]
pub(super) struct Connections {
    pub limits: ConnectionLimits,
    pub known: KnownCallers,
    pub trusted: TrustedProxies,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    since_start: Stopwatch,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next_id: u64,
    open: HashMap<u64, TableEntry>,
    by_network: HashMap<ClientNetwork, usize>,
}

#[derive(Debug)]
struct TableEntry {
    network: ClientNetwork,
    connection: Arc<OpenConnection>,
}

/// An accepted connection, which frees its slot when it is dropped.
#[derive(Debug)]
pub(super) struct AcceptedConnection {
    connections: Arc<Connections>,
    id: u64,
    pub connection: Arc<OpenConnection>,
}

impl Drop for AcceptedConnection {
    fn drop(&mut self) {
        let mut table = self.connections.table();
        if table.remove(self.id) {
            self.connections.metrics.http_connections.dec();
        }
        self.connections.show_room(&table);
    }
}

impl AcceptedConnection {
    pub fn trusted(&self) -> &TrustedProxies {
        &self.connections.trusted
    }
}

impl Connections {
    pub fn new(limits: ConnectionLimits, app: &HttpState) -> Self {
        Self::with(
            limits,
            app.known_callers.clone(),
            app.trusted_proxies.clone(),
            Arc::clone(&app.metrics),
            Arc::clone(&app.health),
        )
    }

    pub fn with(
        limits: ConnectionLimits,
        known: KnownCallers,
        trusted: TrustedProxies,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
    ) -> Self {
        Self {
            limits,
            known,
            trusted,
            metrics,
            health,
            since_start: Stopwatch::start(),
            table: Mutex::default(),
        }
    }

    /// Takes a slot for a connection of this address; `own` is the address of this machine that it connected to. At a limit, the connection that has been idle for longest gives way.
    pub fn accept(
        self: &Arc<Self>,
        address: IpAddr,
        own: Option<IpAddr>,
    ) -> Result<AcceptedConnection, RefusedConnection> {
        let network = ClientNetwork::from(address);
        let standing = match own == Some(address) {
            true => ClientStanding::ThisMachine,
            false => self.standing(address, network),
        };
        let mut table = self.table();
        // The first one may give way in the network, the second one among all.
        for _ in 0..2 {
            let of_network = table.by_network.get(&network).copied().unwrap_or_default();
            let Some(refused) = exceeded(&self.limits, standing, table.open.len(), of_network)
            else {
                break;
            };
            let among = (refused == RefusedConnection::TooManyOfNetwork).then_some(network);
            if !table.replace_idle(among) {
                if refused == RefusedConnection::Full {
                    self.note_full();
                }
                return Err(refused);
            }
            self.metrics.http_connections.dec();
        }
        let connection = Arc::new(OpenConnection::new(self.since_start));
        let id = table.add(network, Arc::clone(&connection));
        self.metrics.http_connections.inc();
        self.show_room(&table);
        Ok(AcceptedConnection {
            connections: Arc::clone(self),
            id,
            connection,
        })
    }

    fn standing(&self, address: IpAddr, network: ClientNetwork) -> ClientStanding {
        if self.trusted.contains(address) {
            ClientStanding::Proxy
        } else if self.known.has_network(network) {
            ClientStanding::Known
        } else {
            ClientStanding::Unknown
        }
    }

    /// Records that a connection was refused, because no slot is free.
    pub fn note_full(&self) {
        if self.limits.has_heartbeats {
            self.health.http_is_full();
        }
    }

    fn show_room(&self, table: &Table) {
        let has_room =
            exceeded(&self.limits, ClientStanding::Unknown, table.open.len(), 0).is_none();
        if has_room && self.limits.has_heartbeats {
            self.health.http_has_room();
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn add(&mut self, network: ClientNetwork, connection: Arc<OpenConnection>) -> u64 {
        self.next_id += 1;
        let entry = TableEntry {
            network,
            connection,
        };
        self.open.insert(self.next_id, entry);
        *self.by_network.entry(network).or_default() += 1;
        self.next_id
    }

    /// Removes a connection, unless it was removed before; returns whether it did.
    fn remove(&mut self, id: u64) -> bool {
        let Some(TableEntry { network, .. }) = self.open.remove(&id) else {
            return false;
        };
        let count = self.by_network.get_mut(&network);
        if count.is_none_or(|count| {
            *count -= 1;
            *count == 0
        }) {
            self.by_network.remove(&network);
        }
        true
    }

    /// Ends the connection that has been idle for longest, in one network or (`None`) among all; returns whether there was
    /// one. Its slot is free at once.
    fn replace_idle(&mut self, network: Option<ClientNetwork>) -> bool {
        let candidates = self.open.iter();
        let candidates =
            candidates.filter(|(_, entry)| network.is_none_or(|of| of == entry.network));
        let idle = candidates.filter_map(|(id, entry)| {
            let since = entry.connection.progress().idle_since()?;
            Some((since, *id))
        });
        let Some((_, id)) = idle.min() else {
            return false;
        };
        let is_replaced = self.open.get(&id).is_some_and(|entry| {
            let is_replaced = entry.connection.progress().replace();
            entry.connection.wake.notify_one();
            is_replaced
        });
        if is_replaced {
            self.remove(id);
        }
        is_replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 250));

    const SMALL: ConnectionLimits = ConnectionLimits {
        all: 10,
        kept_for_known: 3,
        kept_for_this_machine: 1,
        network: 4,
        has_heartbeats: true,
    };

    #[test]
    fn the_last_slots_are_kept_for_known_clients_and_for_this_machine() {
        use RefusedConnection::{Full, TooManyOfNetwork};
        for (standing, all, network, expected) in [
            (ClientStanding::Unknown, 6, 0, None),
            (ClientStanding::Unknown, 7, 0, Some(Full)),
            (ClientStanding::Unknown, 6, 3, None),
            (ClientStanding::Unknown, 6, 4, Some(TooManyOfNetwork)),
            (ClientStanding::Known, 8, 3, None),
            (ClientStanding::Known, 9, 3, Some(Full)),
            (ClientStanding::Known, 8, 4, Some(TooManyOfNetwork)),
            (ClientStanding::Proxy, 8, 8, None),
            (ClientStanding::Proxy, 9, 9, Some(Full)),
            (ClientStanding::ThisMachine, 9, 3, None),
            (ClientStanding::ThisMachine, 10, 0, Some(Full)),
            (ClientStanding::ThisMachine, 9, 4, Some(TooManyOfNetwork)),
        ] {
            let found = exceeded(&SMALL, standing, all, network);
            assert_eq!(found, expected, "{standing:?} {all} {network}");
        }
    }

    #[test]
    fn only_a_port_with_heartbeats_stops_the_judging_when_it_is_full() {
        for (limits, is_saturated) in [
            (ConnectionLimits::DEFAULT, true),
            (ConnectionLimits::OF_OPERATOR, false),
        ] {
            let health = Arc::new(Health::new());
            let connections = Connections::with(
                limits,
                KnownCallers::default(),
                Vec::new().into(),
                Arc::new(Metrics::new().unwrap()),
                Arc::clone(&health),
            );
            connections.note_full();
            assert_eq!(health.http_is_saturated(), is_saturated, "{limits:?}");
        }
    }

    fn connections() -> Arc<Connections> {
        Arc::new(Connections::with(
            SMALL,
            KnownCallers::default(),
            vec!["192.0.2.9/32".parse().unwrap()].into(),
            Arc::new(Metrics::new().unwrap()),
            Arc::new(Health::new()),
        ))
    }

    /// Ends the first request of a connection.
    fn finish_request(accepted: &AcceptedConnection) {
        let now = accepted.connection.now();
        let mut progress = accepted.connection.progress();
        progress.begin_request(now);
        progress.complete_response();
        progress.flushed(now);
    }

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn the_longest_idle_connection_of_a_network_gives_way_at_its_limit() {
        let connections = connections();
        let mut open = Vec::new();
        for _ in 0..4 {
            open.push(connections.accept(address(1), Some(OWN)).unwrap());
        }
        let refused = connections.accept(address(1), Some(OWN)).unwrap_err();
        assert_eq!(refused, RefusedConnection::TooManyOfNetwork);
        // An idle connection of another network stays.
        let other = connections.accept(address(2), Some(OWN)).unwrap();
        finish_request(&other);
        assert!(connections.accept(address(1), Some(OWN)).is_err());
        finish_request(&open[2]);
        finish_request(&open[1]);
        open.push(connections.accept(address(1), Some(OWN)).unwrap());
        assert!(
            open[2].connection.progress().idle_since().is_none(),
            "replaced"
        );
        assert!(open[1].connection.progress().idle_since().is_some());
        assert!(other.connection.progress().idle_since().is_some());
        // The end of a replaced connection frees no second slot.
        drop(open.remove(2));
        assert_eq!(connections.table().open.len(), 5);
        open.push(connections.accept(address(1), Some(OWN)).unwrap());
        assert!(connections.accept(address(1), Some(OWN)).is_err());
        drop(open.pop());
        assert!(connections.accept(address(1), Some(OWN)).is_ok());
        drop((open, other));
        assert!(connections.table().by_network.is_empty());
    }

    #[test]
    fn a_full_server_accepts_known_clients_proxies_and_this_machine() {
        let connections = connections();
        let mut open = Vec::new();
        for number in 1..=7 {
            open.push(connections.accept(address(number), Some(OWN)).unwrap());
        }
        let refused = connections.accept(address(8), Some(OWN)).unwrap_err();
        assert_eq!(refused, RefusedConnection::Full);
        connections.known.note_network(address(8).into());
        open.push(connections.accept(address(8), Some(OWN)).unwrap());
        open.push(connections.accept(address(9), Some(OWN)).unwrap());
        assert!(connections.accept(address(8), Some(OWN)).is_err());
        open.push(connections.accept(OWN, Some(OWN)).unwrap());
        assert!(connections.accept(OWN, Some(OWN)).is_err());
        finish_request(&open[0]);
        assert!(connections.accept(OWN, Some(OWN)).is_ok());
        assert_eq!(connections.metrics.http_connections.get(), 9);
    }
}
