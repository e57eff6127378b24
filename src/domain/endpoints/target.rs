//! The target of an endpoint: `tcp://host:port`, `http(s)://host[:port]/path`, or a bare `ip:port`.
//!
//! The parser is strict on purpose. Loose spellings (`127.1`, `0x7f.1`, `user@host`) are used to trick a monitor into
//! connecting to forbidden addresses, so anything that is not a canonical address or a plain host name is rejected, with a
//! sentence and a valid example. the crate `outbound-policy` judges the address itself; this file only parses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use strum::IntoStaticStr;

/// The maximum length of a target in its canonical spelling, in bytes: long enough for real URLs, short enough for an embed.
/// The canonical spelling counts because it is what is stored and read again; it may be longer than what was typed.
pub const MAX_TARGET_BYTES: usize = 512;

/// The maximum length of a target as it is typed, in bytes. Longer texts are not parsed.
pub(super) const MAX_TYPED_BYTES: usize = 2 * MAX_TARGET_BYTES;

/// The protocol of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Scheme {
    Tcp,
    Http,
    Https,
}

impl Scheme {
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    const fn default_port(self) -> Option<u16> {
        match self {
            Self::Tcp => None,
            Self::Http => Some(80),
            Self::Https => Some(443),
        }
    }
}

/// A host as it was written: an address, or a name that is resolved at every check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    Ip(IpAddr),
    /// Lower-case ASCII, no trailing dot.
    Name(Box<str>),
}

impl fmt::Display for Host {
    /// Without brackets, as people type an address.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => write!(out, "{ip}"),
            Self::Name(name) => out.write_str(name),
        }
    }
}

/// A parsed target. `Display` gives the one canonical spelling, which is also what is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub scheme: Scheme,
    pub host: Host,
    pub port: u16,
    /// Path and query, beginning with `/`; empty for TCP.
    pub path: Box<str>,
}

impl Target {
    /// Whether its host is a name, which must be resolved.
    pub fn has_name(&self) -> bool {
        matches!(self.host, Host::Name(_))
    }

    /// Returns `host:port`, with an IPv6 address in brackets.
    pub fn authority(&self) -> String {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => format!("[{ip}]:{}", self.port),
            host => format!("{host}:{}", self.port),
        }
    }

    /// Returns the name of an endpoint that gets no other: its host, as people write it, and its port if it is not the
    /// scheme's default. Not its path, which may contain a secret.
    pub fn default_name(&self) -> String {
        let name = match &self.host {
            Host::Name(name) if name.contains("xn--") => {
                let port = &self.host_header()[name.len()..];
                match idna::domain_to_unicode(name) {
                    (readable, Ok(())) => format!("{readable}{port}"),
                    (_, Err(_)) => self.host_header(),
                }
            }
            _ => self.host_header(),
        };
        crate::text::cut(&name, crate::monitor::MAX_NAME)
    }

    /// Returns the value of the HTTP `Host` header, without the port if it is the scheme's default.
    pub fn host_header(&self) -> String {
        let authority = self.authority();
        match self.scheme.default_port() {
            Some(port) if port == self.port => {
                authority[..authority.len() - format!(":{port}").len()].to_owned()
            }
            _ => authority,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Tcp => write!(out, "tcp://{}", self.authority()),
            scheme => write!(
                out,
                "{}://{}{}",
                scheme.as_str(),
                self.host_header(),
                self.path
            ),
        }
    }
}

/// Why a text is not a valid target. `Display` is a sentence for the person who typed it, with a valid example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError {
    pub(super) problem: String,
    pub(super) example: &'static str,
}

impl TargetError {
    fn new(problem: impl Into<String>, example: &'static str) -> Self {
        Self {
            problem: problem.into(),
            example,
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}. Example: `{}`", self.problem, self.example)
    }
}

impl std::error::Error for TargetError {}

const TCP_EXAMPLE: &str = "tcp://203.0.113.7:25565";
/// The header that replaces a user name and password, here `user:password`.
pub(super) const CREDENTIALS_EXAMPLE: &str = "Authorization: Basic dXNlcjpwYXNzd29yZA==";
const HTTP_EXAMPLE: &str = "https://example.org/health";

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        check_characters(text)?;
        let target = parse(text)?;
        if target.to_string().len() > MAX_TARGET_BYTES {
            return Err(too_long());
        }
        Ok(target)
    }
}

fn parse(text: &str) -> Result<Target, TargetError> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return parse_bare(text);
    };
    match scheme.to_ascii_lowercase().as_str() {
        "tcp" => parse_tcp(rest),
        "http" => parse_http(Scheme::Http, rest),
        "https" => parse_http(Scheme::Https, rest),
        _ => Err(TargetError::new(
            "the scheme must be tcp, http or https",
            TCP_EXAMPLE,
        )),
    }
}

fn too_long() -> TargetError {
    TargetError::new(
        format!("the target is longer than {MAX_TARGET_BYTES} bytes"),
        HTTP_EXAMPLE,
    )
}

fn check_characters(text: &str) -> Result<(), TargetError> {
    if text.is_empty() {
        return Err(TargetError::new("the target is empty", TCP_EXAMPLE));
    }
    if text.len() > MAX_TYPED_BYTES {
        return Err(too_long());
    }
    if !text.is_ascii() {
        return Err(TargetError::new(
            "the target contains characters outside ASCII (write an international name in its xn-- form, and percent-encode a path)",
            "https://xn--bcher-kva.example/health",
        ));
    }
    if text
        .bytes()
        .any(|byte| byte.is_ascii_control() || b" \"<>\\^`{|}".contains(&byte))
    {
        return Err(TargetError::new(
            "the target contains a space or an invalid character",
            HTTP_EXAMPLE,
        ));
    }
    Ok(())
}

/// Reads a bare `ip:port`. Host names need a scheme: `example:80` is more often a typo than intended.
fn parse_bare(text: &str) -> Result<Target, TargetError> {
    let (host, port) = split_authority(text, None)?;
    match host {
        Host::Ip(_) => Ok(Target {
            scheme: Scheme::Tcp,
            host,
            port,
            path: "".into(),
        }),
        Host::Name(_) => Err(TargetError::new(
            "a host name needs a scheme",
            "tcp://example.org:25565",
        )),
    }
}

fn parse_tcp(rest: &str) -> Result<Target, TargetError> {
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        return Err(TargetError::new("a tcp target has no path", TCP_EXAMPLE));
    }
    let (host, port) = split_authority(authority, None)?;
    Ok(Target {
        scheme: Scheme::Tcp,
        host,
        port,
        path: "".into(),
    })
}

fn parse_http(scheme: Scheme, rest: &str) -> Result<Target, TargetError> {
    if rest.contains('#') {
        return Err(TargetError::new(
            "remove the `#…` part, which is never sent to a server",
            HTTP_EXAMPLE,
        ));
    }
    let split = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(split);
    let (host, port) = split_authority(authority, scheme.default_port())?;
    let path = if path.starts_with('/') {
        path.into()
    } else {
        format!("/{path}").into()
    };
    Ok(Target {
        scheme,
        host,
        port,
        path,
    })
}

fn split_authority(text: &str, default_port: Option<u16>) -> Result<(Host, u16), TargetError> {
    if text.contains('@') {
        return Err(TargetError::new(
            "a target cannot contain a user name and password. Remove them, and send them in a header of the check instead",
            CREDENTIALS_EXAMPLE,
        ));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']').ok_or_else(|| {
                TargetError::new(
                    "the closing bracket of the IPv6 address is missing",
                    "tcp://[2001:db8::7]:80",
                )
            })?;
            (Host::Ip(IpAddr::V6(parse_v6(inside)?)), after)
        }
        None => {
            if text.bytes().filter(|byte| *byte == b':').count() > 1 {
                return Err(TargetError::new(
                    "an IPv6 address needs brackets",
                    "tcp://[2001:db8::7]:80",
                ));
            }
            let split = text.find(':').unwrap_or(text.len());
            let (host, port) = text.split_at(split);
            (parse_host(host)?, port)
        }
    };
    let port = match (port, default_port) {
        ("", Some(default)) => default,
        ("", None) => return Err(TargetError::new("the port is missing", TCP_EXAMPLE)),
        (port, _) => parse_port(port)?,
    };
    Ok((host, port))
}

/// Reads `:8080`.
fn parse_port(text: &str) -> Result<u16, TargetError> {
    let digits = text
        .strip_prefix(':')
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|digits| digits.parse().ok())
        .filter(|port| *port != 0)
        .ok_or_else(|| TargetError::new("the port must be a number from 1 to 65535", TCP_EXAMPLE))
}

fn parse_v6(text: &str) -> Result<Ipv6Addr, TargetError> {
    text.parse().map_err(|_| {
        TargetError::new(
            "this is not an IPv6 address (zone names are not supported)",
            "tcp://[2001:db8::7]:80",
        )
    })
}

impl FromStr for Host {
    type Err = TargetError;

    /// Reads an IPv4 address or a name.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        parse_host(text)
    }
}

fn parse_host(text: &str) -> Result<Host, TargetError> {
    if text.is_empty() {
        return Err(TargetError::new("the host is missing", HTTP_EXAMPLE));
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(IpAddr::V4(ip)));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    // A last label that begins with a digit is an address in a loose spelling (127.1, 0x7f000001, 2130706433).
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(TargetError::new(
            "an IPv4 address has four numbers from 0 to 255",
            TCP_EXAMPLE,
        ));
    }
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(TargetError::new(
            "this is not a host name (letters, digits, hyphens and dots)",
            HTTP_EXAMPLE,
        ));
    }
    Ok(Host::Name(name.into()))
}

/// Whether this is an RFC 1123 label; underscores are allowed, too, because service names in home networks use them.
fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        text.parse::<Target>()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .to_string()
    }

    fn parse_error(text: &str) -> String {
        match text.parse::<Target>() {
            Ok(target) => panic!("{text} was taken as {target}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn common_spellings_are_parsed_into_one_canonical_form() {
        for (written, kept) in [
            ("203.0.113.7:80", "tcp://203.0.113.7:80"),
            ("[2001:DB8::7]:80", "tcp://[2001:db8::7]:80"),
            ("tcp://Example.ORG:25565", "tcp://example.org:25565"),
            ("tcp://example.org.:25565/", "tcp://example.org:25565"),
            ("http://example.org", "http://example.org/"),
            ("HTTP://example.org:80/", "http://example.org/"),
            (
                "http://example.org:8080/a?b=c",
                "http://example.org:8080/a?b=c",
            ),
            ("https://example.org?x=1", "https://example.org/?x=1"),
            (
                "https://[2001:db8::7]/health",
                "https://[2001:db8::7]/health",
            ),
            ("https://example.org:443/x", "https://example.org/x"),
            ("  http://nas_1.lan/ ", "http://nas_1.lan/"),
        ] {
            assert_eq!(canonical(written), kept);
        }
    }

    /// An address behind a hostile spelling is denied by the policy, so it is enough that it is read as an address.
    #[test]
    fn hostile_spellings_never_become_a_name() {
        let strictest = outbound_policy::AddressPolicy::default();
        for spelling in outbound_policy::hostile::SPELLINGS {
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
    fn other_spellings_are_rejected_with_a_valid_example() {
        for (written, words) in [
            ("", "empty"),
            ("example.org:80", "needs a scheme"),
            ("203.0.113.7", "port is missing"),
            ("tcp://203.0.113.7", "port is missing"),
            ("203.0.113.7:0", "1 to 65535"),
            ("203.0.113.7:65536", "1 to 65535"),
            ("203.0.113.7:+80", "1 to 65535"),
            ("203.0.113.7:", "1 to 65535"),
            ("ftp://example.org/", "scheme must be"),
            ("tcp://example.org:80/path", "has no path"),
            ("http://user:pass@example.org/", "in a header"),
            ("http://127.1/", "four numbers"),
            ("http://0x7f.0.0.1/", "four numbers"),
            ("http://2130706433/", "four numbers"),
            ("http://0177.0.0.1/", "four numbers"),
            ("http://127.0.0.1./", "four numbers"),
            ("http://2001:db8::7/", "brackets"),
            ("http://[2001:db8::7/", "closing bracket"),
            ("http://[fe80::1%25eth0]/", "zone names"),
            ("http://exa mple.org/", "space"),
            ("http://bücher.example/", "xn--"),
            ("http://１２７.0.0.1/", "outside ASCII"),
            ("http://-a.example/", "not a host name"),
            ("http://a..b/", "not a host name"),
            ("http:///x", "host is missing"),
            ("http://example.org/#top", "`#…`"),
        ] {
            let sentence = parse_error(written);
            assert!(sentence.contains(words), "{written}: {sentence}");
            assert!(sentence.contains(". Example: `"), "{written}: {sentence}");
        }
    }

    #[test]
    fn every_example_in_an_error_is_a_valid_target() {
        for text in [
            TCP_EXAMPLE,
            HTTP_EXAMPLE,
            "tcp://[2001:db8::7]:80",
            "https://xn--bcher-kva.example/health",
            "tcp://example.org:25565",
        ] {
            canonical(text);
        }
    }

    /// A target with this spelling before its path, whose path ends with enough letters for `length` bytes as it is typed.
    fn typed(start: &str, length: usize) -> String {
        format!("{start}{}", "x".repeat(length - start.len()))
    }

    #[test]
    fn the_canonical_spelling_counts_and_not_the_typed_one() {
        for (start, grows_by) in [
            ("http://example.org/", 0),
            ("http://example.org?", 1),
            ("https://example.org?", 1),
            ("http://example.org:80/", -3),
            ("https://EXAMPLE.org.:443/", -5),
            ("http://[::ffff:c000:201]/", 1),
            ("  https://example.org/", -2),
        ] {
            for (canonical, is_taken) in [
                (MAX_TARGET_BYTES - 1, true),
                (MAX_TARGET_BYTES, true),
                (MAX_TARGET_BYTES + 1, false),
            ] {
                let text = typed(start, canonical.saturating_add_signed(-grows_by));
                match text.parse::<Target>() {
                    Ok(target) => {
                        assert!(is_taken, "{start} {canonical}");
                        assert_eq!(target.to_string().len(), canonical, "{start}");
                        assert_eq!(target.to_string().parse(), Ok(target), "{start}");
                    }
                    Err(error) => {
                        assert!(!is_taken, "{start} {canonical}: {error}");
                        assert!(error.to_string().contains("longer than 512 bytes"));
                    }
                }
            }
        }
        let huge = typed("http://example.org/", MAX_TYPED_BYTES + 1);
        assert!(parse_error(&huge).contains("longer than 512 bytes"));
    }

    #[test]
    fn the_default_name_is_the_host_as_people_write_it_and_an_unusual_port() {
        for (target, name) in [
            ("https://example.org/health?key=secret", "example.org"),
            ("https://example.org:8443/", "example.org:8443"),
            ("http://example.org/", "example.org"),
            ("http://example.org:443/", "example.org:443"),
            ("tcp://example.org:443", "example.org:443"),
            ("https://xn--mnchen-3ya.de/", "münchen.de"),
            ("tcp://xn--mnchen-3ya.de:22", "münchen.de:22"),
            ("https://xn--a.example/", "xn--a.example"),
            ("https://[::1]/", "[::1]"),
            ("tcp://[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(target.parse::<Target>().unwrap().default_name(), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_accepted_near_the_limit_is_read_again(
            start in "(http|https)://([a-z]{1,3}\\.org\\.?|\\[::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}\\]|203\\.0\\.113\\.7)(:80|:443|:8080)?[/?]",
            length in MAX_TARGET_BYTES - 12..MAX_TARGET_BYTES + 12,
        ) {
            if let Ok(target) = typed(&start, length).parse::<Target>() {
                proptest::prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
            }
        }

        #[test]
        fn canonical_spellings_round_trip(text in "(tcp|http|https)://[a-z0-9.\\[\\]:-]{1,24}(:[0-9]{1,6})?(/[a-z?=&%]{0,8})?") {
            if let Ok(target) = text.parse::<Target>() {
                proptest::prop_assert_eq!(target.to_string().parse::<Target>(), Ok(target));
            }
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,64}") {
            let _ = text.parse::<Target>();
        }
    }
}
