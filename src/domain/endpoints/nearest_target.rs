//! The nearest valid form of a text that is no target: with the scheme, the dots, the port or the brackets that were meant.
//! It is only suggested, because what was meant is a guess.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv6Addr};

use super::target::Target;

/// The schemes that are checked.
const SCHEMES: [&str; 3] = ["tcp", "http", "https"];

/// Returns the scheme that was probably meant: one letter wrong, missing, added or exchanged, or two in five. Of two that are
/// equally near it is the longer one.
pub(super) fn nearest_scheme(scheme: &str) -> Option<&'static str> {
    let allowed = if scheme.len() < 5 { 1 } else { 2 };
    SCHEMES
        .into_iter()
        .filter(|known| (1..=allowed).contains(&strsim::osa_distance(scheme, known)))
        .min_by_key(|known| (strsim::osa_distance(scheme, known), Reverse(known.len())))
}

/// Returns the nearest valid form of a text without a user name and password.
pub(super) fn nearest(text: &str) -> Option<Target> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = closed(authority).unwrap_or_else(|| authority.to_owned());
    let authority = with_dots(&authority);
    [
        assembled(scheme, &authority, path),
        without_port(&authority)
            .filter(|_| scheme != "tcp")
            .and_then(|host| assembled(scheme, host, path)),
        (scheme != "tcp")
            .then(|| assembled(scheme, &authority, &encoded(path)))
            .flatten(),
    ]
    .into_iter()
    .flatten()
    .next()
}

/// The target of the parts. Without a scheme it is that of a typed text, or of a web page.
fn assembled(scheme: &str, authority: &str, path: &str) -> Option<Target> {
    if !scheme.is_empty() {
        return format!("{scheme}://{authority}{path}").parse().ok();
    }
    let is_tcp = path.is_empty() && has_valid_port(authority) && !authority.ends_with(":443");
    if is_tcp {
        return format!("tcp://{authority}").parse().ok();
    }
    let is_address = authority.starts_with('[') || authority.parse::<IpAddr>().is_ok();
    let scheme = if is_address { "http" } else { "https" };
    format!("{scheme}://{authority}{path}").parse().ok()
}

fn has_valid_port(authority: &str) -> bool {
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    !authority.ends_with(']')
        && port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// An authority in brackets that lacks the closing one, or both: `[2001:db8::7`, `::1:80`.
fn closed(authority: &str) -> Option<String> {
    if authority.contains(']') {
        return None;
    }
    let inside = authority.strip_prefix('[').unwrap_or(authority);
    if let Some(with_port) = ipv6_with_port(inside) {
        return Some(with_port);
    }
    let ip: Ipv6Addr = inside.parse().ok()?;
    Some(format!("[{ip}]"))
}

/// Returns `[address]:port` for an IPv6 address whose last part is more probably a port: `::1:80`, `2001:db8::7:25565`.
pub(super) fn ipv6_with_port(text: &str) -> Option<String> {
    let (address, port) = text.rsplit_once(':')?;
    let is_port = port.len() > 1
        && !port.starts_with('0')
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok();
    let address: Ipv6Addr = address.parse().ok()?;
    is_port.then(|| format!("[{address}]:{port}"))
}

/// A name with commas for dots, several dots in a row, or dots at its ends, as it was probably meant.
fn with_dots(authority: &str) -> String {
    if authority.starts_with('[') {
        return authority.to_owned();
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, _)) => authority.split_at(host.len()),
        None => (authority, ""),
    };
    let labels: Vec<&str> = host
        .split([',', '.'])
        .map(str::trim)
        .filter(|label| !label.is_empty())
        .collect();
    format!("{}{port}", labels.join("."))
}

/// The host of an authority whose port is none.
fn without_port(authority: &str) -> Option<&str> {
    let (host, port) = authority.rsplit_once(':')?;
    (!host.is_empty() && !has_valid_port(authority) && !port.contains(']')).then_some(host)
}

/// Percent-encodes what a path cannot contain (RFC 3986, 2.1). What is encoded stays as it is.
pub(super) fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_near_with_one_mistake_in_four_letters() {
        for (scheme, meant) in [
            ("htp", Some("http")),
            ("htps", Some("https")),
            ("htttp", Some("http")),
            ("httsp", Some("https")),
            ("tpc", Some("tcp")),
            ("hhttps", Some("https")),
            ("http", Some("https")),
            ("udp", None),
            ("ldap", None),
            ("gopher", None),
            ("", None),
        ] {
            assert_eq!(nearest_scheme(scheme), meant, "{scheme}");
        }
    }

    #[test]
    fn the_nearest_form_has_what_was_meant() {
        for (typed, meant) in [
            ("exmaple,org", Some("https://exmaple.org/")),
            ("www..x.org", Some("https://www.x.org/")),
            (".x.org", Some("https://x.org/")),
            ("x..org:80", Some("tcp://x.org:80")),
            ("https://x,org/a", Some("https://x.org/a")),
            ("x.org:99999", Some("https://x.org/")),
            ("x.org:", Some("https://x.org/")),
            ("x.org:0", Some("https://x.org/")),
            ("https://x.org:port/a", Some("https://x.org/a")),
            ("203.0.113.7:99999", Some("http://203.0.113.7/")),
            ("tcp://x.org:99999", None),
            ("::1:80", Some("tcp://[::1]:80")),
            ("2001:db8::7:25565", Some("tcp://[2001:db8::7]:25565")),
            ("[2001:db8::7", Some("http://[2001:db8::7]/")),
            ("[2001:db8::7:80", Some("tcp://[2001:db8::7]:80")),
            ("https://[::1/a", Some("https://[::1]/a")),
            ("https://x.org/a b", Some("https://x.org/a%20b")),
            (
                "https://x.org/ä?q=<1>",
                Some("https://x.org/%C3%A4?q=%3C1%3E"),
            ),
            ("https://x.org/a%20 b", Some("https://x.org/a%20%20b")),
            ("127.1:80", None),
            ("...", None),
            ("my web server", None),
        ] {
            let found = nearest(typed).map(|target| target.to_string());
            assert_eq!(found.as_deref(), meant, "{typed}");
        }
    }

    #[test]
    fn the_last_part_of_an_address_is_a_port_if_it_has_two_digits_or_more() {
        for (text, meant) in [
            ("::1:80", Some("[::1]:80")),
            ("::1:8", None),
            ("::1:65535", Some("[::1]:65535")),
            ("::1:65536", None),
            ("::1:08", None),
            ("::10", None),
            ("2001:db8::7", None),
            ("1:2:3:4:5:6:7:8:99", Some("[1:2:3:4:5:6:7:8]:99")),
            ("1:2:3:4:5:6:7:99", None),
        ] {
            assert_eq!(ipv6_with_port(text).as_deref(), meant, "{text}");
        }
    }
}
