//! Decides which addresses Rollcall may connect to: global unicast only, unless the operator lists more in `PROBE_ALLOW`.
//!
//! A monitor that strangers can point at any address is a weapon against its own network. So the rule applies to addresses,
//! never to spellings: every resolved address is judged here, and so is every IPv4 address embedded in an IPv6 one (mapped,
//! NAT64, 6to4, Teredo, ISATAP), because a translator on the path would extract it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The operator's rules on where checks may connect. `Default` is the strictest: public addresses only.
///
/// Read from `PROBE_ALLOW` with `FromStr`: comma-separated items, each
///
/// - `lan` (10/8, 172.16/12, 192.168/16, fc00::/7; not link-local, which contains cloud metadata services) or
///   `loopback` (127/8, ::1),
/// - an address or network: `192.168.0.7`, `10.0.0.0/8`, `fd00::/8`,
/// - any of these followed by a port or a range of ports: `lan:80`, `10.0.0.0/8:80-443`; an IPv6 network then stands in
///   brackets, including its mask: `[fd00::/8]:8080`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: Vec<AllowRule>,
}

/// The address is not allowed. Deliberately without a reason: an error that distinguishes private addresses, metadata
/// services and own addresses would turn Rollcall into a scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied;

impl fmt::Display for Denied {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("that address is not one that may be looked at")
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
    pub fn names(&self, address: SocketAddr) -> bool {
        destinations(address.ip()).all(|ip| self.is_named(ip, address.port()))
    }

    fn passes(&self, ip: IpAddr, port: u16) -> bool {
        self.is_named(ip, port)
            || (is_global(ip) && !METADATA.contains(&ip) && !MAIL_PORTS.contains(&port))
    }

    /// Metadata services return credentials, so a listed network that happens to contain one does not allow it: its exact
    /// address must be listed.
    fn is_named(&self, ip: IpAddr, port: u16) -> bool {
        let needs_exact = METADATA.contains(&ip);
        self.allowed
            .iter()
            .any(|rule| rule.covers(ip, port) && (rule.is_single() || !needs_exact))
    }
}

/// Ports of mail relays: many connections that send no mail get the machine listed as a source of spam.
const MAIL_PORTS: [u16; 3] = [25, 465, 587];

/// IPv4 networks that are not global unicast (IANA special-purpose registry), and one host service on a public address.
const DENIED_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    v4([168, 63, 129, 16], 32),
];

/// The only block that IANA allocates as global unicast.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Parts of `GLOBAL_V6` that are not global unicast: protocol assignments (Teredo, ORCHID, …) and the two documentation
/// blocks.
const DENIED_V6: [Ipv6Net; 3] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Metadata and credential services of cloud providers, from their documentation.
const METADATA: [IpAddr; 13] = [
    // AWS, Azure, Google, DigitalOcean, Oracle, Hetzner, OpenStack …
    ip4([169, 254, 169, 254]),
    // AWS: container credentials, pod identity
    ip4([169, 254, 170, 2]),
    ip4([169, 254, 170, 23]),
    // Tencent
    ip4([169, 254, 0, 23]),
    // Scaleway
    ip4([169, 254, 42, 42]),
    // Alibaba
    ip4([100, 100, 100, 200]),
    // Oracle (classic)
    ip4([192, 0, 0, 192]),
    // Azure: the host's own agent service
    ip4([168, 63, 129, 16]),
    // AWS: instance metadata, pod identity
    ip6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]),
    ip6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23]),
    // Google
    ip6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]),
    // Scaleway
    ip6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42]),
    // Link-local equivalent of the first, seen in OpenStack
    ip6([0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe]),
];

const fn v4(octets: [u8; 4], bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_octets(octets), bits)
}

const fn v6(segments: [u16; 8], bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), bits)
}

const fn ip4(octets: [u8; 4]) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_octets(octets))
}

const fn ip6(segments: [u16; 8]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_segments(segments))
}

fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !DENIED_V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => GLOBAL_V6.contains(&ip) && !DENIED_V6.iter().any(|net| net.contains(&ip)),
    }
}

/// Returns the addresses that a packet to `ip` may reach: the address itself (an IPv4-mapped one as the IPv4 address that
/// the kernel makes of it) and every IPv4 address that a translator or tunnel on the path would extract from it.
pub fn destinations(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let ip = ip.to_canonical();
    let inside = match ip {
        IpAddr::V4(_) => [None; 8],
        IpAddr::V6(ip) => embedded(ip),
    };
    std::iter::once(ip).chain(inside.into_iter().flatten().map(IpAddr::V4))
}

/// Returns the IPv4 addresses that the known transition mechanisms embed in an IPv6 address.
fn embedded(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 8] {
    let bits = u128::from(ip);
    let at = |shift: u32| low_v4(bits >> shift);
    let low = at(0);
    let within = |net: Ipv6Net| net.contains(&ip);
    let mut found = [None; 8];
    // ::a.b.c.d (IPv4-compatible; :: and ::1 are addresses of their own) and ::ffff:0:a.b.c.d (translated)
    if (bits >> 32 == 0 && bits > 1) || within(v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96)) {
        found[0] = Some(low);
    }
    // NAT64, the well-known prefix
    if within(v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96)) {
        found[0] = Some(low);
    }
    // NAT64, local use: the network operator chooses the position of the address (RFC 6052 2.2: /96, /64, /56, /48). A
    // reading in 0/8 is not a destination, only the zeros next to another reading.
    if within(v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48)) {
        let split =
            |high: u128, high_bits: u32, rest: u128| low_v4((high << (32 - high_bits)) | rest);
        let by_56 = split((bits >> 64) & 0xff, 8, (bits >> 32) & 0x00ff_ffff);
        let by_48 = split((bits >> 64) & 0xffff, 16, (bits >> 40) & 0xffff);
        let readings = [low, at(24), by_56, by_48];
        for (slot, reading) in found.iter_mut().zip(readings) {
            *slot = Some(reading).filter(|reading| reading.octets()[0] != 0);
        }
        if found.iter().all(Option::is_none) {
            found[0] = Some(low);
        }
    }
    // 6to4
    if within(v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16)) {
        found[4] = Some(at(80));
    }
    // Teredo: the server as it is, the client with its bits inverted
    if within(v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32)) {
        found[5] = Some(at(64));
        found[6] = Some(low_v4(!bits));
    }
    // ISATAP, under any prefix: interface identifier 0000:5efe or 0200:5efe (the u and g bits may be set)
    if (bits >> 32) & 0xfcff_ffff == 0x0000_5efe {
        found[7] = Some(low);
    }
    found
}

/// Returns the lowest 32 bits as an IPv4 address.
fn low_v4(bits: u128) -> Ipv4Addr {
    let octets = bits.to_be_bytes();
    Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15])
}

/// One item of the allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AllowRule {
    net: IpNet,
    /// First and last port.
    ports: (u16, u16),
}

impl AllowRule {
    fn covers(&self, ip: IpAddr, port: u16) -> bool {
        self.net.contains(&ip) && (self.ports.0..=self.ports.1).contains(&port)
    }

    fn is_single(&self) -> bool {
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

const NET_EXAMPLE: &str = "192.168.0.0/16";
const PORT_EXAMPLE: &str = "10.0.0.0/8:80-443";
const V6_EXAMPLE: &str = "[fd00::/8]:8080";

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
            "`{}` {}; a right one is `{}`",
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
            "has bits set behind its mask (`{}` is the network, or leave the mask out)",
            net.trunc()
        );
        return Err((right, NET_EXAMPLE));
    }
    if let IpNet::V6(net) = net
        && v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96).contains(&net)
    {
        return Err((
            "is an IPv4 address in an IPv6 coat and must be written as IPv4".into(),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_assume};

    use super::*;
    use crate::domain::endpoints::target::{Host, Target};

    fn policy(allowed: &str) -> AddressPolicy {
        allowed.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn passes(policy: &AddressPolicy, address: &str) -> bool {
        policy
            .judge(address.parse().unwrap_or_else(|_| panic!("{address}")))
            .is_ok()
    }

    /// Spellings of forbidden addresses, and texts that imitate them. The parser rejects each one, or it is a plain address
    /// that the policy denies.
    const HOSTILE: [&str; 172] = [
        // Loopback and "this host", in every spelling
        "http://127.0.0.1/",
        "http://127.0.0.1:80/",
        "http://127.0.0.2/",
        "http://127.255.255.255/",
        "127.0.0.1:22",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.1./",
        "http://127./",
        "http://0/",
        "http://0:80/",
        "http://0.0.0.0/",
        "http://0.0.0.0:8080/",
        "http://0.1.2.3/",
        "http://2130706433/",
        "http://2130706433:80/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://0177.0000.0000.0001/",
        "http://00177.0.0.1/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0x7f.0x0.0x0.0x1/",
        "http://0x7F.1/",
        "http://0x7f.0.1/",
        "http://127.0.0.01/",
        "http://127.000.000.001/",
        "http://127.0.0.1.0/",
        "http://127.0.0.256/",
        "http://256.0.0.1/",
        "http://4294967297/",
        "http://127.0.0.1%00/",
        "http://127.0.0.1%20/",
        "http://127.0.0.1\\@example.org/",
        "http://127。0。0。1/",
        "http://127．0．0．1/",
        "http://①②⑦.0.0.1/",
        "http://１２７.0.0.1/",
        "http://localhoſt/",
        "http://ⓛocalhost/",
        "http:/127.0.0.1/",
        "http:127.0.0.1",
        "http:///127.0.0.1/",
        "//127.0.0.1/",
        "127.0.0.1",
        "http://[::1]/",
        "http://[::1]:80/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[0000::0001]/",
        "http://[::]/",
        "http://[::]:22/",
        "tcp://[::1]:22",
        "[::1]:22",
        "::1:22",
        "http://::1/",
        "http://[::1/",
        "http://::1]/",
        "http://[[::1]]/",
        "http://[::1]x/",
        "http://[::1%25lo]/",
        "http://[::1%lo]/",
        "http://[fe80::1%25eth0]/",
        "http://[]/",
        "http://[v1.::1]/",
        // IPv4 embedded in IPv6
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:7f00:0001]/",
        "http://[::127.0.0.1]/",
        "http://[::7f00:1]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[::ffff:0:7f00:1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::169.254.169.254]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[64:ff9b::8.8.8.8]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[64:ff9b:1::10.0.0.1]/",
        "http://[64:ff9b:1::8.8.8.8]/",
        "http://[64:ff9b:1:a00:0:100::]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:7f00:1::1]/",
        "http://[2002:a00:1::]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[2002:c0a8:1::1]/",
        "http://[2002:a83f:8110::]/",
        "http://[2001:0:7f00:1::]/",
        "http://[2001::80ff:fffe]/",
        "http://[2001:0:808:808:0:0:f7f7:f7f7]/",
        "http://[2607:f8b0::5efe:7f00:1]/",
        "http://[2607:f8b0::5efe:127.0.0.1]/",
        "http://[2607:f8b0::200:5efe:10.0.0.1]/",
        "http://[2607:f8b0::200:5efe:a9fe:a9fe]/",
        "http://[2607:f8b0::300:5efe:a00:1]/",
        "http://[fe80::5efe:192.168.0.1]/",
        // Private, shared, link-local
        "http://10.0.0.0/",
        "http://10.0.0.1/",
        "http://10.255.255.255/",
        "tcp://10.1.2.3:5432",
        "http://100.64.0.0/",
        "http://100.127.255.255/",
        "http://169.254.0.0/",
        "http://169.254.255.255/",
        "http://172.16.0.0/",
        "http://172.31.255.255/",
        "http://192.168.0.0/",
        "http://192.168.255.255/",
        "http://[fc00::]/",
        "http://[fc00::1]/",
        "http://[fd00::1]/",
        "http://[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/",
        "http://[fe80::]/",
        "http://[fe80::1]/",
        "http://[febf::1]/",
        "http://[fec0::1]/",
        "http://[feff::1]/",
        "http://167772161/",
        "http://0xa000001/",
        "http://012.0.0.1/",
        "http://10.1/",
        // Metadata
        "http://169.254.169.254/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://169.16689662/",
        "http://169.254.170.2/v2/credentials",
        "http://169.254.170.23/",
        "http://100.100.100.200/latest/",
        "http://192.0.0.192/",
        "http://168.63.129.16/machine",
        "http://[fd00:ec2::254]/latest/",
        "http://[fd00:ec2::23]/",
        "http://[fd20:ce::254]/",
        "http://[::ffff:168.63.129.16]/",
        "http://[64:ff9b::168.63.129.16]/",
        // Reserved, documentation, benchmarks, multicast, broadcast
        "http://192.0.0.1/",
        "http://192.0.2.1/",
        "http://192.88.99.1/",
        "http://198.18.0.1/",
        "http://198.19.255.255/",
        "http://198.51.100.1/",
        "http://203.0.113.1/",
        "http://224.0.0.1/",
        "http://239.255.255.255/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[ff02::1]/",
        "http://[ff0e::1]/",
        "http://[100::1]/",
        "http://[100:0:0:1::1]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://[2001:2::1]/",
        "http://[2001:20::1]/",
        "http://[2001:1ff::1]/",
        "http://[5f00::1]/",
        "http://[4000::1]/",
        "http://[1fff::1]/",
        "http://[::2]/",
        // User information in front, mail relays, no port
        "http://example.org@127.0.0.1/",
        "http://127.0.0.1@example.org/",
        "http://user:pass@10.0.0.1/",
        "tcp://8.8.8.8:25",
        "tcp://8.8.8.8:465",
        "tcp://8.8.8.8:587",
        "tcp://8.8.8.8:0",
        "tcp://[2607:f8b0::1]:25",
    ];

    #[test]
    fn hostile_spellings_are_rejected() {
        let strictest = AddressPolicy::default();
        for spelling in HOSTILE {
            let Ok(target) = spelling.parse::<Target>() else {
                continue;
            };
            match target.host {
                Host::Ip(ip) => assert!(
                    strictest.judge((ip, target.port).into()).is_err(),
                    "{spelling}: {target}"
                ),
                Host::Name(name) => panic!("{spelling} was taken as the name {name}"),
            }
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "1.1.1.1:80",
            "8.8.8.8:53",
            "9.255.255.255:80",
            "11.0.0.0:80",
            "100.63.255.255:1",
            "100.128.0.0:1",
            "126.255.255.255:1",
            "128.0.0.0:1",
            "169.253.255.255:1",
            "169.255.0.0:1",
            "172.15.255.255:1",
            "172.32.0.0:1",
            "168.63.129.15:1",
            "168.63.129.17:1",
            "192.0.1.0:1",
            "192.0.3.0:1",
            "192.167.255.255:1",
            "192.169.0.0:1",
            "198.17.255.255:1",
            "198.20.0.0:1",
            "203.0.112.255:1",
            "203.0.114.0:1",
            "223.255.255.255:65535",
            "8.8.8.8:24",
            "8.8.8.8:26",
            "[2607:f8b0::1]:443",
            "[2001:200::1]:80",
            "[2001:4860:4860::8888]:53",
            "[2001:db7:ffff::1]:80",
            "[2001:db9::]:80",
            "[3ffe::1]:80",
            "[3fff:1000::]:80",
            "[2a00::1]:80",
            "[2002:808:808::1]:80",
            "[2607:f8b0::5efe:8.8.8.8]:80",
            "[::ffff:8.8.8.8]:80",
        ] {
            assert!(passes(&AddressPolicy::default(), address), "{address}");
        }
    }

    #[test]
    fn the_allow_list_allows_its_entries_and_nothing_else() {
        for (allowed, open, denied) in [
            ("", &["8.8.8.8:80"][..], &["10.0.0.1:80", "8.8.8.8:25"][..]),
            (
                "10.0.0.0/8",
                &["10.0.0.1:1", "10.255.0.1:65535", "10.0.0.1:25"],
                &["11.0.0.1:25", "192.168.0.1:80", "10.0.0.1:0"],
            ),
            (
                "10.0.0.0/8:80-443",
                &["10.0.0.1:80", "10.0.0.1:443"],
                &["10.0.0.1:79", "10.0.0.1:444"],
            ),
            (
                " 10.0.0.7 , 10.0.0.8:22 ",
                &["10.0.0.7:1", "10.0.0.8:22"],
                &["10.0.0.8:23", "10.0.0.9:22"],
            ),
            (
                "[fd00::/8]:8080",
                &["[fd12::1]:8080"],
                &["[fd12::1]:80", "[fc00::1]:8080"],
            ),
            (
                "fd00::/8,[fe80::1]",
                &["[fd12::1]:80", "[fe80::1]:9"],
                &["[fe80::2]:9"],
            ),
            (
                "lan",
                &["10.9.9.9:80", "172.16.0.1:80", "192.168.1.1:80"],
                &["127.0.0.1:80", "169.254.0.1:80", "[fe80::1]:80"],
            ),
            ("lan", &["[fd00::1]:80"], &["100.64.0.1:80"]),
            ("lan:80", &["10.9.9.9:80"], &["10.9.9.9:81"]),
            (
                "loopback",
                &["127.9.9.9:1", "[::1]:22", "[::ffff:127.0.0.1]:22"],
                &["[::2]:22", "[::]:22", "0.0.0.0:22", "[::127.0.0.1]:22"],
            ),
            ("1.1.1.1", &["1.1.1.1:25"], &["1.1.1.2:25"]),
        ] {
            let policy = policy(allowed);
            for (addresses, is_open) in [(open, true), (denied, false)] {
                for address in addresses {
                    assert_eq!(passes(&policy, address), is_open, "`{allowed}`: {address}");
                }
            }
        }
    }

    #[test]
    fn metadata_addresses_must_be_listed_exactly() {
        for ip in METADATA {
            let address = SocketAddr::new(ip, 80);
            let everything =
                policy("0.0.0.0/0,::/0,lan,169.254.0.0/16,fd00::/8,169.254.169.254/31");
            assert_eq!(everything.judge(address), Err(Denied), "{ip}");
            assert_eq!(policy(&ip.to_string()).judge(address), Ok(()), "{ip}");
        }
        assert!(passes(&policy("169.254.0.0/16"), "169.254.7.7:80"));
    }

    #[test]
    fn embedded_addresses_are_judged_even_if_the_outer_one_is_allowed() {
        let outer = policy("64:ff9b::/96,64:ff9b:1::/48,::/96,2001::/32,::ffff:0:0:0/96,fe80::/10");
        for inside in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "192.168.0.1",
        ] {
            for prefix in [
                "64:ff9b::",
                "64:ff9b:1::",
                "::",
                "::ffff:0:",
                "fe80::5efe:",
                "fe80::200:5efe:",
            ] {
                assert!(
                    !passes(&outer, &format!("[{prefix}{inside}]:80")),
                    "{prefix}{inside}"
                );
            }
        }
        for address in [
            "[64:ff9b::8.8.8.8]:80",
            "[64:ff9b:1::8.8.8.8]:80",
            "[::8.8.8.8]:80",
            "[fe80::5efe:8.8.8.8]:80",
        ] {
            assert!(passes(&outer, address), "{address}");
        }
        // RFC 6052 2.4: 192.0.2.33 (documentation) with the four prefix lengths, and 10.0.0.1 with /48.
        for address in [
            "[64:ff9b:1:c000:2:2100::]:80",
            "[64:ff9b:1:c0:0:221::]:80",
            "[64:ff9b:1:0:c0:2:2100::]:80",
            "[64:ff9b:1::192.0.2.33]:80",
            "[64:ff9b:1:a00:0:100:808:808]:80",
            "[64:ff9b:1::]:80",
        ] {
            assert!(!passes(&outer, address), "{address}");
        }
        // Teredo: server 8.8.8.8 and client 10.0.0.1 inverted, the other way round, and both public
        assert!(!passes(&outer, "[2001:0:808:808::f5ff:fffe]:80"));
        assert!(!passes(&outer, "[2001:0:a00:1::f7f7:f7f7]:80"));
        assert!(passes(&outer, "[2001:0:808:808::f7f7:f7f7]:80"));
    }

    #[test]
    fn an_invalid_allow_list_is_rejected_with_a_valid_example() {
        for (text, words) in [
            ("home", "must be a network"),
            ("example.org", "must be a network"),
            ("10.0.0.0/33", "must be a network"),
            ("10.0.0/8", "must be a network"),
            ("010.0.0.1", "must be a network"),
            ("10.0.0.1/8", "bits set behind its mask (`10.0.0.0/8`"),
            ("10.0.0.0/8:", "port or a range"),
            ("10.0.0.0/8:0", "port or a range"),
            ("10.0.0.0/8:443-80", "port or a range"),
            ("10.0.0.0/8:+80", "port or a range"),
            ("10.0.0.0/8:65536", "port or a range"),
            ("lan:http", "port or a range"),
            ("[fd00::/8]8080x", "port or a range"),
            ("fd00::/8:8080", "goes in brackets"),
            ("fd00::/129", "not an IPv6 network"),
            ("[fd00::/8:8080", "not an IPv6 network"),
            ("::ffff:10.0.0.0/104", "must be written as IPv4"),
            ("lan,,loopback,nonsense", "`nonsense` must be"),
        ] {
            match text.parse::<AddressPolicy>() {
                Ok(policy) => panic!("`{text}` was taken as {policy:?}"),
                Err(error) => {
                    let sentence = error.to_string();
                    assert!(sentence.contains(words), "{text}: {sentence}");
                    assert!(
                        sentence.contains("; a right one is `"),
                        "{text}: {sentence}"
                    );
                }
            }
        }
        for example in [NET_EXAMPLE, PORT_EXAMPLE, V6_EXAMPLE, "", " , "] {
            policy(example);
        }
    }

    fn any_port() -> impl Strategy<Value = u16> {
        any::<u16>()
    }

    proptest::proptest! {
        #[test]
        fn a_denied_address_is_denied_in_every_embedding(ip: Ipv4Addr, prefix: u64, port in any_port()) {
            let strictest = AddressPolicy::default();
            prop_assume!(strictest.judge((ip, port).into()).is_err());
            let [a, b, c, d] = ip.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let [p, q, r, s] = [48, 32, 16, 0].map(|shift| u16::try_from(prefix >> shift & 0xffff).unwrap());
            for outer in [
                [0, 0, 0, 0, 0, 0xffff, high, low],
                [0, 0, 0, 0, 0, 0, high, low],
                [0, 0, 0, 0, 0xffff, 0, high, low],
                [0x64, 0xff9b, 0, 0, 0, 0, high, low],
                [0x64, 0xff9b, 1, p, q, r, high, low],
                [0x2002, high, low, p, q, r, s, 1],
                [0x2001, 0, high, low, p, q, r, s],
                [0x2001, 0, p, q, r, s, !high, !low],
                [p, q, r, s, 0, 0x5efe, high, low],
                [p, q, r, s, 0x200, 0x5efe, high, low],
            ] {
                let outer = Ipv6Addr::from_segments(outer);
                prop_assert!(strictest.judge((outer, port).into()).is_err(), "{ip} in {outer}");
            }
        }

        #[test]
        fn nothing_outside_global_unicast_passes(bits: u128, port in any_port()) {
            prop_assume!(bits >> 125 != 1 && bits >> 32 != 0xffff);
            prop_assert!(AddressPolicy::default().judge((Ipv6Addr::from(bits), port).into()).is_err());
        }

        #[test]
        fn a_listed_network_allows_exactly_its_addresses_and_ports(ip: Ipv4Addr, bits in 8_u8..=32, ports in (1_u16.., 1_u16..), other: Ipv4Addr, port in any_port()) {
            let net = Ipv4Net::new(ip, bits).unwrap().trunc();
            let (first, last) = (ports.0.min(ports.1), ports.0.max(ports.1));
            let allowed = policy(&format!("{net}:{first}-{last}"));
            let address = SocketAddr::from((other, port));
            let named = net.contains(&other) && (first..=last).contains(&port) && (bits == 32 || !METADATA.contains(&other.into()));
            prop_assert_eq!(allowed.names(address), named);
            prop_assert_eq!(allowed.judge(address).is_ok(), named || AddressPolicy::default().judge(address).is_ok());
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}|[0-9a-f.:/\\[\\],-]{0,40}") {
            let _ = text.parse::<AddressPolicy>();
        }
    }
}
