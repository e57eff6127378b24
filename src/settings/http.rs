//! Where the HTTP server listens, and the address that others use to reach it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::read::Variables;
use crate::domain::devices::public_url::PublicUrl;

/// Where the HTTP server listens, and the address that others use to reach it.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    pub bind: SocketAddr,
    /// The address that devices, agents and people use; `None`: the one on which it listens.
    pub public_url: Option<PublicUrl>,
    /// The file to which the address is written, for the health check of a container.
    pub addr_file: Option<PathBuf>,
    /// The networks of the proxies whose `X-Forwarded-For` is read.
    pub trusted_proxies: Vec<IpNet>,
}

impl Variables {
    pub(super) fn http(&mut self) -> HttpSettings {
        HttpSettings {
            bind: self.bind(),
            public_url: self.optional_value(
                "PUBLIC_URL",
                "an http:// or https:// URL of at most 200 bytes, with a host and perhaps a path of letters, digits and `-._~/`",
                "https://rollcall.example.org",
                PublicUrl::parse,
            ),
            addr_file: self.optional("ROLLCALL_ADDR_FILE").map(PathBuf::from),
            trusted_proxies: self
                .optional_value(
                    "TRUSTED_PROXIES",
                    "a comma-separated list of addresses and networks",
                    "127.0.0.1,10.0.0.0/8",
                    networks,
                )
                .unwrap_or_default(),
        }
    }

    fn bind(&mut self) -> SocketAddr {
        if let Some(text) = self.optional("HTTP_BIND")
            && text.parse::<u16>().is_ok()
        {
            self.mistakes.push(format!(
                "HTTP_BIND must have an address before the port, but is `{text}`. Example: HTTP_BIND=127.0.0.1:{text} for this machine only, or HTTP_BIND=:{text} for every network"
            ));
            self.variables.remove("HTTP_BIND");
        }
        self.value(
            "HTTP_BIND",
            "127.0.0.1:8080",
            "an IP address and a port",
            address,
        )
    }
}

/// An address to listen on. `localhost` is the IPv4 loopback address; without a host, every IPv4 address of the machine.
fn address(text: &str) -> Option<SocketAddr> {
    let host = match text.rsplit_once(':') {
        Some(("", _)) => Ipv4Addr::UNSPECIFIED,
        Some((host, _)) if host.eq_ignore_ascii_case("localhost") => Ipv4Addr::LOCALHOST,
        _ => return text.parse().ok(),
    };
    let (_, port) = text.rsplit_once(':')?;
    // A number may begin with a sign.
    let is_plain = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = is_plain.then(|| port.parse().ok())??;
    Some(SocketAddr::from((host, port)))
}

/// Networks, separated by commas; `None` if one is invalid or would never match: one with host bits, or an IPv4-mapped one.
fn networks(text: &str) -> Option<Vec<IpNet>> {
    let items = text.split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).map(network).collect()
}

fn network(item: &str) -> Option<IpNet> {
    let network: IpNet = match item.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().into(),
        Err(_) => item.parse().ok()?,
    };
    let is_mapped = network.addr().to_canonical() != network.addr();
    (network == network.trunc() && !is_mapped).then_some(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_may_be_localhost_or_a_port_behind_a_colon() {
        for (text, expected) in [
            ("127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("[::1]:8080", Some("[::1]:8080")),
            ("localhost:8080", Some("127.0.0.1:8080")),
            ("LocalHost:0", Some("127.0.0.1:0")),
            (":8080", Some("0.0.0.0:8080")),
            (":65535", Some("0.0.0.0:65535")),
            (":65536", None),
            (":+80", None),
            (":", None),
            ("localhost:", None),
            ("localhost", None),
            ("localhost:-1", None),
            ("127.0.0.1", None),
            ("::1:8080", None),
            ("example.org:8080", None),
            ("http://localhost:8080", None),
            ("*:8080", None),
        ] {
            let found = address(text).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn trusted_proxies_are_addresses_and_networks() {
        for (text, expected) in [
            ("127.0.0.1", Some(&["127.0.0.1/32"][..])),
            ("::1, 10.0.0.0/8", Some(&["::1/128", "10.0.0.0/8"])),
            ("::ffff:10.0.0.1", Some(&["10.0.0.1/32"])),
            ("0.0.0.0/0,::/0", Some(&["0.0.0.0/0", "::/0"])),
            ("fd00::/8,", Some(&["fd00::/8"])),
            ("", Some(&[])),
            ("10.0.0.1/8", None),
            ("::ffff:10.0.0.0/104", None),
            ("10.0.0.0/33", None),
            ("proxy", None),
            ("127.0.0.1,lan", None),
        ] {
            let found = networks(text).map(|networks| {
                let texts = networks.iter().map(ToString::to_string);
                texts.collect::<Vec<_>>()
            });
            let expected = expected.map(|texts| texts.iter().map(ToString::to_string).collect());
            assert_eq!(found, expected, "{text}");
        }
    }
}
