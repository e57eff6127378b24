//! Decides at connect time: which resolved addresses may be connected to, by the policy and this machine's own addresses.
//!
//! This machine's addresses are denied like private ones (services bound to them may trust connections from the same
//! machine), unless the allow-list covers them. The list is read again at most once a minute, because interfaces come
//! and go.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::embedded::destinations;
use crate::{AddressPolicy, Denied};

/// How long the list of own addresses is kept. Listing the interfaces costs about 50 µs, and a new address is rare.
const OWN_ADDRESSES_KEPT: Duration = Duration::from_secs(60);

/// A policy together with this machine's own addresses. Create one and share it.
#[derive(Debug)]
pub struct Guard {
    policy: AddressPolicy,
    own: Mutex<OwnAddresses>,
}

#[derive(Debug)]
struct OwnAddresses {
    list: Vec<IpAddr>,
    read: Stopwatch,
}

/// Why a lookup gave no addresses to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmitError<E> {
    /// At least one of the addresses is not allowed.
    Denied,
    /// The lookup itself failed.
    Lookup(E),
}

impl Guard {
    /// # Errors
    /// The system's error if this machine's addresses cannot be listed.
    pub fn new(policy: AddressPolicy) -> io::Result<Self> {
        Ok(Self {
            policy,
            own: Mutex::new(OwnAddresses {
                list: own_addresses()?,
                read: Stopwatch::start(),
            }),
        })
    }

    /// Judges all addresses of a name. One denied address denies them all; otherwise a name with one allowed and one
    /// denied address would pass by chance.
    ///
    /// # Errors
    /// `Denied` if one of them is not allowed.
    pub fn judge(&self, addresses: &[SocketAddr]) -> Result<(), Denied> {
        if addresses.iter().all(|address| self.is_allowed(*address)) {
            Ok(())
        } else {
            Err(Denied)
        }
    }

    /// Runs a name lookup and judges its result: the hook for a resolver of any kind. Look a name up again for every
    /// connection, because a name that was harmless yesterday may point to a private address today.
    ///
    /// # Errors
    /// `AdmitError` if the lookup fails, or if one of its addresses is not allowed.
    pub async fn admit<E>(
        &self,
        lookup: impl Future<Output = Result<Vec<SocketAddr>, E>>,
    ) -> Result<Vec<SocketAddr>, AdmitError<E>> {
        let addresses = lookup.await.map_err(AdmitError::Lookup)?;
        self.judge(&addresses)
            .map_err(|Denied| AdmitError::Denied)?;
        Ok(addresses)
    }

    /// Judges the address at the other end of an open connection, unless it is one of `judged`.
    ///
    /// # Errors
    /// `Denied` if it is another address that is not allowed. Close the connection without writing to it.
    pub fn confirm(&self, peer: SocketAddr, judged: &[SocketAddr]) -> Result<(), Denied> {
        let same =
            |address: &SocketAddr| address.ip() == peer.ip() && address.port() == peer.port();
        if judged.iter().any(same) {
            Ok(())
        } else {
            self.judge(&[peer])
        }
    }

    /// Whether the operator's allow-list covers the address; see `AddressPolicy::is_listed`.
    pub fn is_listed(&self, address: SocketAddr) -> bool {
        self.policy.is_listed(address)
    }

    fn is_allowed(&self, address: SocketAddr) -> bool {
        self.policy.is_listed(address)
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

    fn parsed(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect()
    }

    fn judge(guard: &Guard, addresses: &[&str]) -> Result<(), Denied> {
        guard.judge(&parsed(addresses))
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
            assert_eq!(judge(&strict, &[address]), Err(Denied), "{address}");
        }
        assert_eq!(judge(&strict, &["8.8.8.9:80"]), Ok(()));
        assert_eq!(judge(&strict, &["8.8.8.9:80", "8.8.8.8:80"]), Err(Denied));
        let named = guard("8.8.8.8:80", &["8.8.8.8"]);
        assert_eq!(judge(&named, &["8.8.8.8:80"]), Ok(()));
        assert_eq!(judge(&named, &["8.8.8.8:81"]), Err(Denied));
    }

    #[test]
    fn the_other_end_of_a_connection_is_judged_again() {
        let [here, elsewhere] =
            ["127.0.0.1:80", "8.8.8.8:80"].map(|address| address.parse().unwrap());
        assert_eq!(guard("", &[]).confirm(here, &[elsewhere]), Err(Denied));
        assert_eq!(guard("loopback", &[]).confirm(here, &[elsewhere]), Ok(()));
        assert_eq!(guard("", &[]).confirm(here, &[elsewhere, here]), Ok(()));
    }

    #[tokio::test]
    async fn a_lookup_is_admitted_only_as_a_whole() {
        let guard = guard("", &[]);
        let lookup = |addresses: &[&str]| {
            let addresses = parsed(addresses);
            async move { Ok::<_, &str>(addresses) }
        };
        let public = ["8.8.8.8:80", "1.1.1.1:80"];
        assert_eq!(guard.admit(lookup(&public)).await, Ok(parsed(&public)));
        assert_eq!(
            guard.admit(lookup(&["8.8.8.8:80", "10.0.0.1:80"])).await,
            Err(AdmitError::Denied)
        );
        assert_eq!(
            guard.admit(async { Err("no such name") }).await,
            Err(AdmitError::Lookup("no such name"))
        );
    }

    #[test]
    fn own_addresses_are_read_from_the_system() {
        let guard = Guard::new(AddressPolicy::default()).unwrap();
        let own = guard.own.lock().unwrap();
        assert!(own.list.iter().any(IpAddr::is_loopback));
    }
}
