//! Decides which resolved addresses may be connected to, by the operator's policy and this machine's own addresses.
//!
//! This machine's addresses are denied like private ones (services bound to them may trust connections from the same
//! machine), unless the allow-list covers them. The list is read again at most once a minute, because interfaces come
//! and go.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;

use super::{ProberError, Stop};
use crate::clock::Stopwatch;
use crate::domain::endpoints::address::{AddressPolicy, destinations};

/// How long the list of own addresses is kept. Listing the interfaces costs about 50 µs, and a new address is rare.
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

    /// Judges all addresses of a name. One denied address denies them all; otherwise a name with one allowed and one
    /// denied address would pass by chance.
    pub(super) fn judge(&self, addresses: &[SocketAddr]) -> Result<(), Stop> {
        if addresses.iter().all(|address| self.is_allowed(*address)) {
            Ok(())
        } else {
            Err(Stop::Denied)
        }
    }

    /// Judges the peer's real address, unless it is one of `judged`.
    pub(super) fn confirm(&self, stream: &TcpStream, judged: &[SocketAddr]) -> Result<(), Stop> {
        let Ok(peer) = stream.peer_addr() else {
            // Already closed: there is no connection left to judge.
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

    fn is_allowed(&self, address: SocketAddr) -> bool {
        self.policy.names(address)
            || (self.policy.judge(address).is_ok() && !self.is_own(address.ip()))
    }

    fn is_own(&self, ip: IpAddr) -> bool {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.read.elapsed() >= OWN_ADDRESSES_KEPT {
            // If the list cannot be read now (no file descriptors), the one from a minute ago is still the best.
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

    /// A guard with these own addresses, independent of the machine that runs the test.
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
    fn own_public_addresses_are_denied_unless_allowed() {
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
    async fn the_peer_address_of_a_connection_is_judged_again() {
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
    fn own_addresses_are_read_from_the_system() {
        let guard = Guard::new(AddressPolicy::default()).unwrap();
        let own = guard.own.lock().unwrap();
        assert!(own.list.iter().any(IpAddr::is_loopback));
    }
}
