//! The IPv4 addresses inside an IPv6 address: mapped, NAT64, 6to4, Teredo, ISATAP. A translator or tunnel on the path would
//! extract them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use crate::ranges::v6;

/// Returns the addresses that a packet to `ip` may reach: the address itself (an IPv4-mapped one as the IPv4 address that
/// the kernel makes of it) and every IPv4 address that a translator or tunnel on the path would extract from it.
pub(crate) fn destinations(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let ip = ip.to_canonical();
    let inside = match ip {
        IpAddr::V4(_) => [None; 8],
        IpAddr::V6(ip) => embedded(ip),
    };
    std::iter::once(ip).chain(inside.into_iter().flatten().map(IpAddr::V4))
}

/// Returns the address of the host that a connection to `ip` reaches, to count connections per host: an IPv4 address inside
/// an IPv6 address as itself, if its prefix leaves no doubt about it (mapped, NAT64 with the well-known prefix, 6to4).
///
/// Not for deciding what is allowed, because other readings of `ip` are possible.
pub fn reached_host(ip: IpAddr) -> IpAddr {
    let ip = ip.to_canonical();
    let IpAddr::V6(v6_ip) = ip else { return ip };
    let bits = u128::from(v6_ip);
    if v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96).contains(&v6_ip) {
        IpAddr::V4(low_v4(bits))
    } else if v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16).contains(&v6_ip) {
        IpAddr::V4(low_v4(bits >> 80))
    } else {
        ip
    }
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
