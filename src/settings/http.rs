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
    /// The address of `/metrics`, `/healthz` and `/readyz`; `None`: they are at `bind`.
    pub metrics_bind: Option<SocketAddr>,
    /// The address that devices, agents and people use; `None`: the one on which it listens.
    pub public_url: Option<PublicUrl>,
    /// The file to which the address is written, for the health check of a container.
    pub addr_file: Option<PathBuf>,
    /// The networks of the proxies whose `X-Forwarded-For` is read.
    pub trusted_proxies: Vec<IpNet>,
}

impl HttpSettings {
    /// The file with the address of the operator's pages, beside that of the other address, which other programs read;
    /// `None`: they have none of their own, or there is no such file.
    pub fn metrics_addr_file(&self) -> Option<PathBuf> {
        let mut name = self.addr_file.clone()?.into_os_string();
        name.push(".metrics");
        self.metrics_bind.map(|_| PathBuf::from(name))
    }
}

impl Variables {
    pub(super) fn http(&mut self) -> HttpSettings {
        let bind = self.bind();
        HttpSettings {
            bind,
            metrics_bind: self.metrics_bind(bind),
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
        self.refuse_port_alone("HTTP_BIND");
        self.value(
            "HTTP_BIND",
            "127.0.0.1:8080",
            "an IP address and a port",
            address,
        )
    }

    fn metrics_bind(&mut self, bind: SocketAddr) -> Option<SocketAddr> {
        self.refuse_port_alone("METRICS_BIND");
        let metrics = self.optional_value(
            "METRICS_BIND",
            "an IP address and a port",
            "127.0.0.1:9090",
            address,
        )?;
        if are_same_port(metrics, bind) {
            self.mistakes.push(format!(
                "METRICS_BIND must have another port than HTTP_BIND, which is {bind}, but is `{metrics}`. Example: METRICS_BIND=127.0.0.1:9090"
            ));
        }
        Some(metrics)
    }

    /// Refuses a port without an address: it does not say who may reach it.
    fn refuse_port_alone(&mut self, name: &str) {
        if let Some(text) = self.optional(name)
            && text.parse::<u16>().is_ok()
        {
            self.mistakes.push(format!(
                "{name} must have an address before the port, but is `{text}`. Example: {name}=127.0.0.1:{text} for this machine only, or {name}=:{text} for every network"
            ));
            self.variables.remove(name);
        }
    }
}

/// Whether only one program can listen on both addresses. A program that listens on every address uses the port of each.
fn are_same_port(one: SocketAddr, other: SocketAddr) -> bool {
    let is_every = |address: SocketAddr| address.ip().is_unspecified();
    let overlap = one.ip() == other.ip() || is_every(one) || is_every(other);
    one.port() == other.port() && one.port() != 0 && overlap
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
    fn the_metrics_need_a_port_that_the_other_pages_do_not_use() {
        for (metrics, http, expected) in [
            ("127.0.0.1:9090", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "127.0.0.1:8080", false),
            ("127.0.0.1:8081", "127.0.0.1:8080", true),
            ("127.0.0.2:8080", "127.0.0.1:8080", true),
            (":8080", "127.0.0.1:8080", false),
            ("localhost:8080", ":8080", false),
            ("127.0.0.1:8080", "[::]:8080", false),
            ("127.0.0.1:0", "127.0.0.1:0", true),
        ] {
            let [one, other] = [metrics, http].map(|text| address(text).unwrap());
            assert_eq!(!are_same_port(one, other), expected, "{metrics} {http}");
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
