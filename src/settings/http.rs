//! Where the HTTP server listens.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::read::Variables;

/// Where the HTTP server listens.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    pub bind: SocketAddr,
    /// The file to which the address is written, for the health check of a container.
    pub addr_file: Option<PathBuf>,
    /// The networks of the proxies whose `X-Forwarded-For` is read.
    pub trusted_proxies: Vec<IpNet>,
}

impl Variables {
    pub(super) fn http(&mut self) -> HttpSettings {
        HttpSettings {
            bind: self.value(
                "HTTP_BIND",
                "127.0.0.1:8080",
                "an IP address and a port",
                |text| text.parse().ok(),
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
