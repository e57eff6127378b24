//! Stands between a resolved address and the first packet: the operator's policy, and this machine itself.
//!
//! Our own addresses are denied like private ones (services bound to them think they talk to a neighbour), unless the
//! allow-list covers them. They are read anew at most once a minute, since interfaces come and go.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;

use super::{ProberError, Stop};
use crate::clock::Stopwatch;
use crate::domain::address::{AddressPolicy, destinations};

/// Listing the interfaces costs some 50 µs, a new address of our own is rare.
const OWN_ADDRESSES_KEPT: Duration = Duration::from_secs(60);

pub(super) struct Guard {
    policy: AddressPolicy,
    own: Mutex<OwnAddresses>,
}

struct OwnAddresses {
    list: Vec<IpAddr>,
    read: Stopwatch,
}

impl Guard {
    pub(super) fn new(policy: AddressPolicy) -> Result<Self, ProberError> {
        let list = own_addresses().map_err(ProberError::OwnAddresses)?;
        Ok(Self {
            policy,
            own: Mutex::new(OwnAddresses {
                list,
                read: Stopwatch::start(),
            }),
        })
    }

    /// Judges all addresses of a name: one that is denied refuses them all, or a name with one good and one bad
    /// address would be let through by chance.
    pub(super) fn judge(&self, addresses: &[SocketAddr]) -> Result<(), Stop> {
        if addresses.iter().all(|address| self.is_fine(*address)) {
            Ok(())
        } else {
            Err(Stop::Denied)
        }
    }

    /// Judges where the connection really leads.
    pub(super) fn confirm(&self, stream: &TcpStream, judged: &[SocketAddr]) -> Result<(), Stop> {
        let Ok(peer) = stream.peer_addr() else {
            // Closed again already: there is no connection left that could lead anywhere.
            return Ok(());
        };
        let same =
            |address: &SocketAddr| address.ip() == peer.ip() && address.port() == peer.port();
        if judged.iter().any(same) {
            Ok(())
        } else {
            self.judge(&[peer])
        }
    }

    fn is_fine(&self, address: SocketAddr) -> bool {
        self.policy.names(address)
            || (self.policy.judge(address).is_ok() && !self.is_own(address.ip()))
    }

    fn is_own(&self, ip: IpAddr) -> bool {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.read.elapsed() >= OWN_ADDRESSES_KEPT {
            // When the list cannot be read now (no file descriptors), the one from a minute ago is still the best.
            if let Ok(list) = own_addresses() {
                own.list = list;
            }
            own.read = Stopwatch::start();
        }
        destinations(ip).any(|ip| own.list.contains(&ip))
    }
}

fn own_addresses() -> io::Result<Vec<IpAddr>> {
    Ok(if_addrs::get_if_addrs()?
        .iter()
        .map(if_addrs::Interface::ip)
        .collect())
}
