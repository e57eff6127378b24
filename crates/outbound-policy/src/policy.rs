//! The rule: public unicast addresses, and what the operator lists.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::allow_list::AllowRule;
use crate::embedded::destinations;
use crate::ranges::{MAIL_PORTS, METADATA, is_global};

/// The operator's rules on where a program may connect. `Default` is the strictest: public addresses only.
///
/// Read with `FromStr`: comma-separated items, each
///
/// - `lan` (10/8, 172.16/12, 192.168/16, fc00::/7; not link-local, which contains cloud metadata services) or
///   `loopback` (127/8, ::1),
/// - an address or network: `192.168.0.7`, `10.0.0.0/8`, `fd00::/8`,
/// - any of these followed by a port or a range of ports: `lan:80`, `10.0.0.0/8:80-443`; an IPv6 network then stands in
///   brackets, including its mask: `[fd00::/8]:8080`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    pub(crate) allowed: Vec<AllowRule>,
}

/// The address is not allowed. Deliberately without a reason: an error that distinguishes private addresses, metadata
/// services and own addresses would turn the program into a scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied;

impl fmt::Display for Denied {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("this address is not allowed")
    }
}

impl std::error::Error for Denied {}

impl AddressPolicy {
    /// Whether a connection to `address` may be opened.
    ///
    /// # Errors
    /// `Denied` when the address, or an IPv4 address inside it, is neither global unicast on a port other than mail's
    /// nor covered by the allow-list.
    pub fn judge(&self, address: SocketAddr) -> Result<(), Denied> {
        if address.port() == 0 {
            return Err(Denied);
        }
        if destinations(address.ip()).all(|ip| self.passes(ip, address.port())) {
            Ok(())
        } else {
            Err(Denied)
        }
    }

    /// Whether the operator's allow-list covers the address (and every address embedded in it) on that port. Distinguishes
    /// "explicitly allowed" from "public", for restrictions that only the operator may lift.
    pub fn is_listed(&self, address: SocketAddr) -> bool {
        destinations(address.ip()).all(|ip| self.covers(ip, address.port()))
    }

    fn passes(&self, ip: IpAddr, port: u16) -> bool {
        self.covers(ip, port)
            || (is_global(ip) && !METADATA.contains(&ip) && !MAIL_PORTS.contains(&port))
    }

    /// Metadata services return credentials, so a listed network that happens to contain one does not allow it: its exact
    /// address must be listed.
    fn covers(&self, ip: IpAddr, port: u16) -> bool {
        let needs_exact = METADATA.contains(&ip);
        self.allowed
            .iter()
            .any(|rule| rule.covers(ip, port) && (rule.is_single() || !needs_exact))
    }
}
