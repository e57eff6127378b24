//! Which client sent a request: the peer of the connection or, behind a trusted proxy, the address that the proxy reports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What counts as one client: an IPv4 address or, because a client has 2^64 IPv6 addresses, a /64 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ClientNetwork {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl From<IpAddr> for ClientNetwork {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [first, second, third, fourth, ..] = address.segments();
                Self::V6([first, second, third, fourth])
            }
        }
    }
}

/// The proxies whose `X-Forwarded-For` is read.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl From<Vec<IpNet>> for TrustedProxies {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks.into())
    }
}

impl TrustedProxies {
    /// Whether this is the address of a trusted proxy.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request. The header is read from the right, because its left part may come from the client; trusted
    /// proxies are skipped. If all are trusted, it is the leftmost one. A malformed header counts as absent.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let mut client = peer;
        for value in headers.get_all(FORWARDED_FOR).iter().rev() {
            let Ok(list) = value.to_str() else {
                return peer;
            };
            for item in list.rsplit(',') {
                let Some(address) = parse(item.trim()) else {
                    return peer;
                };
                client = address;
                if !self.contains(client) {
                    return client;
                }
            }
        }
        client
    }
}

/// An address, with or without a port; an IPv6 address with a port stands in brackets.
fn parse(item: &str) -> Option<IpAddr> {
    let with_port = || Some(item.parse::<SocketAddr>().ok()?.ip());
    let address: Option<IpAddr> = item.parse().ok().or_else(with_port);
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> ClientNetwork {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn an_ipv6_network_counts_as_one_client() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:0:0:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn an_ipv4_mapped_address_counts_as_ipv4() {
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("::ffff:192.0.2.1"), network("::ffff:192.0.2.2"));
    }

    #[test]
    fn only_trusted_proxies_report_the_client() {
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
        let trusted = TrustedProxies::from(networks.to_vec());
        for (peer, headers, client) in [
            ("10.0.0.1", &[][..], "10.0.0.1"),
            ("192.0.2.1", &["203.0.113.5"], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.5"], "203.0.113.5"),
            ("::ffff:10.0.0.1", &["203.0.113.5"], "203.0.113.5"),
            ("2001:db8::1", &["2001:db9::7"], "2001:db9::7"),
            // The left part may be forged, and is not read.
            ("10.0.0.1", &["198.51.100.1, 203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["nonsense, 203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.5"], "203.0.113.5"),
            (
                "10.0.0.1",
                &["203.0.113.5, 10.0.0.2,10.0.0.3"],
                "203.0.113.5",
            ),
            ("10.0.0.1", &["203.0.113.5", "10.0.0.2"], "203.0.113.5"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["203.0.113.5:1234"], "203.0.113.5"),
            ("10.0.0.1", &["[2001:db9::7]:1234"], "2001:db9::7"),
            ("10.0.0.1", &["::ffff:203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["203.0.113.5, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.5,"], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["nonsense, 10.0.0.2"], "10.0.0.1"),
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
        ] {
            let mut map = HeaderMap::new();
            for header in headers {
                map.append(FORWARDED_FOR, header.parse().unwrap());
            }
            let found = trusted.client(peer.parse().unwrap(), &map);
            assert_eq!(found.to_string(), client, "{peer} {headers:?}");
        }
        let none = TrustedProxies::default();
        let map = HeaderMap::from_iter([(FORWARDED_FOR, "203.0.113.5".parse().unwrap())]);
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(none.client(peer, &map), peer);
    }
}
