//! Tables of addresses and allow-lists with their verdicts, and properties that hold for every address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::Ipv4Net;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_assume};

use crate::allow_list::{NET_EXAMPLE, PORT_EXAMPLE, V6_EXAMPLE};
use crate::ranges::METADATA;
use crate::{AddressPolicy, Denied};

fn policy(allowed: &str) -> AddressPolicy {
    allowed.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn passes(policy: &AddressPolicy, address: &str) -> bool {
    policy
        .judge(address.parse().unwrap_or_else(|_| panic!("{address}")))
        .is_ok()
}

/// With the parser that browsers and HTTP clients use, which reads octal, hexadecimal and short forms as addresses.
#[test]
fn hostile_spellings_are_denied_after_a_lenient_parser() {
    let mut denied = 0;
    for spelling in crate::hostile::SPELLINGS {
        let Ok(url) = url::Url::parse(spelling) else {
            continue;
        };
        let ip = match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.into(),
            Some(url::Host::Ipv6(ip)) => ip.into(),
            _ => continue,
        };
        let port = url.port_or_known_default().unwrap_or(80);
        assert!(
            AddressPolicy::default()
                .judge(SocketAddr::new(ip, port))
                .is_err(),
            "{spelling}: {ip}"
        );
        denied += 1;
    }
    assert!(denied > 100, "only {denied} spellings are addresses");
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
        let everything = policy("0.0.0.0/0,::/0,lan,169.254.0.0/16,fd00::/8,169.254.169.254/31");
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
        ("10.0.0.1/8", "host bits set; write `10.0.0.0/8`"),
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
        ("::ffff:10.0.0.0/104", "write it as an IPv4 address"),
        ("lan,,loopback,nonsense", "`nonsense` must be"),
    ] {
        match text.parse::<AddressPolicy>() {
            Ok(policy) => panic!("`{text}` was taken as {policy:?}"),
            Err(error) => {
                let sentence = error.to_string();
                assert!(sentence.contains(words), "{text}: {sentence}");
                assert!(sentence.contains(". Example: `"), "{text}: {sentence}");
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
        prop_assert_eq!(allowed.is_listed(address), named);
        prop_assert_eq!(allowed.judge(address).is_ok(), named || AddressPolicy::default().judge(address).is_ok());
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,40}|[0-9a-f.:/\\[\\],-]{0,40}") {
        let _ = text.parse::<AddressPolicy>();
    }
}

#[test]
fn connections_are_counted_for_the_ipv4_host_inside_an_address() {
    for (ip, host) in [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("2002:c000:201:7::9", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        // The owner of the network chooses the second half freely, so it says nothing about the host.
        ("2001:db8::5efe:192.0.2.1", "2001:db8::5efe:192.0.2.1"),
    ] {
        let host: std::net::IpAddr = host.parse().unwrap();
        assert_eq!(crate::reached_host(ip.parse().unwrap()), host, "{ip}");
    }
}
