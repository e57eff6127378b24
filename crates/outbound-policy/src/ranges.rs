//! Which addresses are public, and which belong to metadata services: tables from IANA's registries and from the cloud
//! providers' documentation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Ports of mail relays: many connections that send no mail get the machine listed as a source of spam.
pub(crate) const MAIL_PORTS: [u16; 3] = [25, 465, 587];

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
pub(crate) const METADATA: [IpAddr; 13] = [
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

pub(crate) const fn v4(octets: [u8; 4], bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_octets(octets), bits)
}

pub(crate) const fn v6(segments: [u16; 8], bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), bits)
}

const fn ip4(octets: [u8; 4]) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_octets(octets))
}

const fn ip6(segments: [u16; 8]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_segments(segments))
}

/// Whether an address is global unicast, by itself.
pub(crate) fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !DENIED_V4.iter().any(|net| net.contains(&ip)),
        IpAddr::V6(ip) => GLOBAL_V6.contains(&ip) && !DENIED_V6.iter().any(|net| net.contains(&ip)),
    }
}
