//! What connections are counted for: one address, or one name on one address.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use outbound_policy::reached_host;

/// Length of the network part of an IPv6 address, in bits: what one host or one customer has.
const NETWORK_BITS: u32 = 64;

/// What connections are counted for.
///
/// An IPv6 address counts by itself, like an IPv4 address, because the hosts of one LAN share their /64. All addresses of a
/// /64 also share the limit of their network: a single host may answer on all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressBucket {
    address: IpAddr,
    /// The name in the certificate that the address has shown; `None` until then, and for everything but HTTPS.
    name: Option<Arc<str>>,
}

impl AddressBucket {
    /// An IPv4 address inside an IPv6 address (mapped, NAT64, 6to4) counts as that IPv4 address.
    pub(super) fn new(ip: IpAddr, name: Option<Arc<str>>) -> Self {
        Self {
            address: reached_host(ip),
            name,
        }
    }

    /// The IPv4 address, or the /64 of an IPv6 address.
    pub(super) fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => self.address,
            IpAddr::V6(ip) => {
                let network = ip.to_bits() & (u128::MAX << NETWORK_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(network))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(ip: &str) -> AddressBucket {
        AddressBucket::new(ip.parse().unwrap(), None)
    }

    #[test]
    fn mapped_and_translated_addresses_count_as_ipv4() {
        for ip in ["::ffff:192.0.2.1", "64:ff9b::192.0.2.1", "2002:c000:201::1"] {
            assert_eq!(bucket(ip), bucket("192.0.2.1"), "{ip}");
        }
        assert_ne!(bucket("192.0.2.2"), bucket("192.0.2.1"));
    }

    #[test]
    fn ipv6_addresses_count_apart_and_share_the_network_of_their_first_64_bits() {
        let [one, two, other] = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(bucket);
        assert_ne!(one, two);
        assert_eq!(one.network(), two.network());
        assert_ne!(one.network(), other.network());
        assert_ne!(bucket("192.0.2.1").network(), bucket("192.0.2.2").network());
    }
}
