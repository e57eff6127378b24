//! Which addresses we may look at: global unicast only, unless the operator named more in `PROBE_ALLOW`.
//!
//! A monitor that strangers may point at things is a weapon against the network it stands in. So the rule is about
//! addresses, never about spellings: every resolved address is judged here, and so is every IPv4 address that hides
//! inside an IPv6 one (mapped, NAT64, 6to4, Teredo, ISATAP), because a translator on the way would unwrap it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The operator's word on where looks may go. `Default` is the strictest: nothing but public addresses.
///
/// Read from `PROBE_ALLOW` with `FromStr`: items between commas, each
///
/// - `lan` (10/8, 172.16/12, 192.168/16, fc00::/7; not link-local, where a cloud's metadata lives) or
///   `loopback` (127/8, ::1),
/// - an address or network: `192.168.0.7`, `10.0.0.0/8`, `fd00::/8`,
/// - any of these with a port or a range of ports behind: `lan:80`, `10.0.0.0/8:80-443`; IPv6 then stands in
///   brackets, mask included: `[fd00::/8]:8080`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: Vec<AllowRule>,
}

/// The address is not one that we may look at. Deliberately without a reason: an answer that tells private from
/// metadata from own addresses would be a scanner.
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

    /// Whether the operator's allow-list covers the address (and everything inside it) on that port. Tells "allowed
    /// by name" from "public", for rules that only the operator's word may lift.
    pub fn names(&self, address: SocketAddr) -> bool {
        destinations(address.ip()).all(|ip| self.is_named(ip, address.port()))
    }

    fn passes(&self, ip: IpAddr, port: u16) -> bool {
        self.is_named(ip, port)
            || (is_global(ip) && !METADATA.contains(&ip) && !MAIL_PORTS.contains(&port))
    }

    /// Metadata services answer with credentials: a network that happens to hold one does not name it.
    fn is_named(&self, ip: IpAddr, port: u16) -> bool {
        let needs_exact = METADATA.contains(&ip);
        self.allowed
            .iter()
            .any(|rule| rule.covers(ip, port) && (rule.is_single() || !needs_exact))
    }
}

/// Ports of mail relays: a greeting opened in vain from everywhere gets the machine listed as a source of spam.
const MAIL_PORTS: [u16; 3] = [25, 465, 587];

/// IPv4 that is not global unicast (IANA special-purpose registry), and one host service on a public number.
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

/// The one block that IANA hands out as global unicast.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Parts of it that are not: protocol assignments (Teredo, ORCHID, …) and the two documentation blocks.
const DENIED_V6: [Ipv6Net; 3] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Metadata and credential services of clouds, by their vendors' documentation.
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
    // Link-local twin of the first, seen in OpenStack
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

/// Where a packet to `ip` may end: the address itself (an IPv4-mapped one as the IPv4 address that the kernel makes of
/// it) and every IPv4 address that a translator or tunnel on the way would take out of it.
pub fn destinations(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let ip = ip.to_canonical();
    let inside = match ip {
        IpAddr::V4(_) => [None; 8],
        IpAddr::V6(ip) => embedded(ip),
    };
    std::iter::once(ip).chain(inside.into_iter().flatten().map(IpAddr::V4))
}

/// The IPv4 addresses that the known transition schemes carry inside an IPv6 address.
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
    // NAT64, local use: the operator chooses where the address sits (RFC 6052 2.2: /96, /64, /56, /48). A reading that
    // falls into 0/8 is no destination, only the zeros beside another reading.
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
    // Teredo: the server in clear, the client with its bits inverted
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

/// The lowest 32 bits as an IPv4 address.
fn low_v4(bits: u128) -> Ipv4Addr {
    let octets = bits.to_be_bytes();
    Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15])
}

/// One item of the allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AllowRule {
    net: IpNet,
    /// First and last.
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

/// Why a text is not an allow-list. `Display` is a sentence for the operator, with a right example.
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
            let (place, ports) = split_ports(item);
            let ports = ports.map_or(Ok((1, u16::MAX)), parse_ports);
            let nets = parse_place(place).and_then(|nets| Ok((nets, ports?)));
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

/// What is wrong with a part, and a right one.
type Mistake = (String, &'static str);

/// Splits `place:ports`; a bare IPv6 network has no ports, whatever its last colon looks like.
fn split_ports(item: &str) -> (&str, Option<&str>) {
    if let Some(rest) = item.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((inside, "")) => (inside, None),
            Some((inside, after)) => (inside, Some(after.strip_prefix(':').unwrap_or(after))),
            None => (item, None),
        };
    }
    match item.split_once(':') {
        Some((place, ports)) if !ports.contains(':') && !ports.contains('/') => {
            (place, Some(ports))
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

fn parse_place(text: &str) -> Result<Vec<IpNet>, Mistake> {
    match text {
        "lan" => return Ok(LAN.to_vec()),
        "loopback" => return Ok(LOOPBACK.to_vec()),
        _ => {}
    }
    let net = match text.parse::<IpAddr>() {
        Ok(ip) => IpNet::from(ip),
        Err(_) => text.parse::<IpNet>().map_err(|_| not_a_place(text))?,
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

fn not_a_place(text: &str) -> Mistake {
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
mod tests {}
