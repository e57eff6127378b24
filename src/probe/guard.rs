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

#[cfg(test)]
mod tests {
    use super::*;

    /// A guard of a machine with a public address, whatever the machine that runs the test has.
    fn guard(allowed: &str, own: &[&str]) -> Guard {
        let list = own.iter().map(|ip| ip.parse().unwrap()).collect();
        Guard {
            policy: allowed.parse().unwrap(),
            own: Mutex::new(OwnAddresses {
                list,
                read: Stopwatch::start(),
            }),
        }
    }

    fn judge(guard: &Guard, addresses: &[&str]) -> Result<(), Stop> {
        let addresses: Vec<_> = addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect();
        guard.judge(&addresses)
    }

    #[test]
    fn a_public_address_of_our_own_is_denied_unless_named() {
        let strict = guard("", &["8.8.8.8", "2607:f8b0::1"]);
        for address in [
            "8.8.8.8:80",
            "[::ffff:8.8.8.8]:80",
            "[2002:808:808::1]:80",
            "[2607:f8b0::1]:80",
        ] {
            assert_eq!(judge(&strict, &[address]), Err(Stop::Denied), "{address}");
        }
        assert_eq!(judge(&strict, &["8.8.8.9:80"]), Ok(()));
        assert_eq!(
            judge(&strict, &["8.8.8.9:80", "8.8.8.8:80"]),
            Err(Stop::Denied)
        );
        let named = guard("8.8.8.8:80", &["8.8.8.8"]);
        assert_eq!(judge(&named, &["8.8.8.8:80"]), Ok(()));
        assert_eq!(judge(&named, &["8.8.8.8:81"]), Err(Stop::Denied));
    }

    #[tokio::test]
    async fn where_a_connection_ended_up_is_judged_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let stream = TcpStream::connect(here).await.unwrap();
        let elsewhere = "8.8.8.8:80".parse().unwrap();
        assert_eq!(
            guard("", &[]).confirm(&stream, &[elsewhere]),
            Err(Stop::Denied)
        );
        assert_eq!(
            guard("loopback", &[]).confirm(&stream, &[elsewhere]),
            Ok(())
        );
        assert_eq!(guard("", &[]).confirm(&stream, &[elsewhere, here]), Ok(()));
    }

    #[test]
    fn our_own_addresses_are_read_from_the_system() {
        let guard = Guard::new(AddressPolicy::default()).unwrap();
        let own = guard.own.lock().unwrap();
        assert!(own.list.iter().any(IpAddr::is_loopback));
    }
}
