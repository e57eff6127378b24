//! The operator's list as text, and its mistakes as sentences.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::AddressPolicy;
use crate::ranges::{v4, v6};

/// One item of the allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AllowRule {
    net: IpNet,
    /// First and last port.
    ports: (u16, u16),
}

impl AllowRule {
    pub(crate) fn covers(&self, ip: IpAddr, port: u16) -> bool {
        self.net.contains(&ip) && (self.ports.0..=self.ports.1).contains(&port)
    }

    /// Whether the rule lists one address, not a network.
    pub(crate) fn is_single(&self) -> bool {
        self.net.prefix_len() == self.net.max_prefix_len()
    }
}

const LAN: [IpNet; 4] = [
    IpNet::V4(v4([10, 0, 0, 0], 8)),
    IpNet::V4(v4([172, 16, 0, 0], 12)),
    IpNet::V4(v4([192, 168, 0, 0], 16)),
    IpNet::V6(v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7)),
];

const LOOPBACK: [IpNet; 2] = [
    IpNet::V4(v4([127, 0, 0, 0], 8)),
    IpNet::V6(v6([0, 0, 0, 0, 0, 0, 0, 1], 128)),
];

pub(crate) const NET_EXAMPLE: &str = "192.168.0.0/16";
pub(crate) const PORT_EXAMPLE: &str = "10.0.0.0/8:80-443";
pub(crate) const V6_EXAMPLE: &str = "[fd00::/8]:8080";

/// Why a text is not a valid allow-list. `Display` is a sentence for the operator, with a valid example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowListError {
    item: String,
    problem: String,
    example: &'static str,
}

impl fmt::Display for AllowListError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "`{}` {}. Example: `{}`",
            self.item, self.problem, self.example
        )
    }
}

impl std::error::Error for AllowListError {}

impl FromStr for AddressPolicy {
    type Err = AllowListError;

    fn from_str(text: &str) -> Result<Self, AllowListError> {
        let mut allowed = Vec::new();
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let (network, ports) = split_ports(item);
            let ports = ports.map_or(Ok((1, u16::MAX)), parse_ports);
            let nets = parse_network(network).and_then(|nets| Ok((nets, ports?)));
            let (nets, ports) = nets.map_err(|(problem, example)| AllowListError {
                item: item.to_owned(),
                problem,
                example,
            })?;
            allowed.extend(nets.into_iter().map(|net| AllowRule { net, ports }));
        }
        Ok(Self { allowed })
    }
}

/// The problem with an item, and a valid example.
type Mistake = (String, &'static str);

/// Splits `network:ports`; a bare IPv6 network has no ports, even if its last colon looks like a separator.
fn split_ports(item: &str) -> (&str, Option<&str>) {
    if let Some(rest) = item.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((inside, "")) => (inside, None),
            Some((inside, after)) => (inside, Some(after.strip_prefix(':').unwrap_or(after))),
            None => (item, None),
        };
    }
    match item.split_once(':') {
        Some((network, ports)) if !ports.contains(':') && !ports.contains('/') => {
            (network, Some(ports))
        }
        _ => (item, None),
    }
}

fn parse_ports(text: &str) -> Result<(u16, u16), Mistake> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |part: &str| {
        let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u16>().ok().filter(|port| plain && *port != 0)
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err((
            "must end in a port or a range of ports from 1 to 65535".into(),
            PORT_EXAMPLE,
        )),
    }
}

fn parse_network(text: &str) -> Result<Vec<IpNet>, Mistake> {
    match text {
        "lan" => return Ok(LAN.to_vec()),
        "loopback" => return Ok(LOOPBACK.to_vec()),
        _ => {}
    }
    let net = match text.parse::<IpAddr>() {
        Ok(ip) => IpNet::from(ip),
        Err(_) => text.parse::<IpNet>().map_err(|_| not_a_network(text))?,
    };
    if net != net.trunc() {
        let right = format!(
            "has host bits set; write `{}` for the network, or omit the prefix length for one address",
            net.trunc()
        );
        return Err((right, NET_EXAMPLE));
    }
    if let IpNet::V6(net) = net
        && v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96).contains(&net)
    {
        return Err((
            "is an IPv4-mapped IPv6 address; write it as an IPv4 address".into(),
            NET_EXAMPLE,
        ));
    }
    Ok(vec![net])
}

fn not_a_network(text: &str) -> Mistake {
    if text.bytes().filter(|byte| *byte == b':').count() > 1 {
        let problem = "is not an IPv6 network (with a port, the network goes in brackets)";
        return (problem.into(), V6_EXAMPLE);
    }
    (
        "must be a network, an address, `lan` or `loopback`".into(),
        NET_EXAMPLE,
    )
}
