//! The address that devices, agents and people use to reach Rollcall, and the URLs that are built from it.

use std::fmt;
use std::net::SocketAddr;

use super::device::DeviceUuid;
use crate::endpoints::target::{Scheme, Target};

/// The maximum length of a public URL, in bytes: three of its URLs fit into one message.
pub const MAX_PUBLIC_URL_BYTES: usize = 200;

/// The address that devices, agents and people use to reach Rollcall: scheme, host and perhaps a port and a path, without a
/// slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    base: String,
    is_local: bool,
}

impl PublicUrl {
    /// Reads an `http://` or `https://` URL without user name, query and fragment. `None` for any other form. Its path has
    /// letters, digits and `-._~/` only, because it stands in shell and crontab lines.
    pub fn parse(text: &str) -> Option<Self> {
        let target: Target = text.parse().ok()?;
        let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || b"-._~/".contains(&letter);
        if target.scheme == Scheme::Tcp || !target.path.bytes().all(is_plain) {
            return None;
        }
        let base = target.to_string().trim_end_matches('/').to_owned();
        (base.len() <= MAX_PUBLIC_URL_BYTES).then_some(Self {
            base,
            is_local: false,
        })
    }

    /// The address on which Rollcall listens, for want of a setting.
    pub fn bound(address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        Self {
            base: format!("http://{address}"),
            is_local: ip.is_loopback() || ip.is_unspecified(),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// Whether other machines cannot use it: the address is a loopback address, or stands for all addresses.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// The URL of a device's pings. Anyone who has it can send pings as the device.
    pub fn ping_url(&self, uuid: &DeviceUuid) -> String {
        format!("{}/ping/{uuid}", self.base)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_has_no_slash_at_the_end() {
        for (text, base) in [
            (
                "https://rollcall.example.org",
                "https://rollcall.example.org",
            ),
            (
                "https://rollcall.example.org/",
                "https://rollcall.example.org",
            ),
            (
                " https://Rollcall.example.org:443// ",
                "https://rollcall.example.org",
            ),
            (
                "http://example.org/rollcall/",
                "http://example.org/rollcall",
            ),
            ("http://example.org/a/b~1", "http://example.org/a/b~1"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[2001:db8::7]:8080/", "http://[2001:db8::7]:8080"),
            ("HTTP://192.0.2.7:8080", "http://192.0.2.7:8080"),
        ] {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.is_local()), (base, false), "{text}");
        }
    }

    #[test]
    fn other_forms_are_rejected() {
        for text in [
            "",
            "rollcall.example.org",
            "192.0.2.7:8080",
            "tcp://192.0.2.7:8080",
            "ftp://example.org",
            "https://",
            "https://example.org?",
            "https://example.org/?a=b",
            "https://example.org/#top",
            "https://user@example.org",
            "https://user:password@example.org",
            "https://example.org/a b",
            "https://example.org/a%20b",
            "https://example.org/$(id)",
            "https://example.org/`id`",
            "https://example.org/\"",
            "https://example.org/'",
            "https://example.org/a\nb",
            "https://example.org:0",
            "https://münchen.de",
        ] {
            assert_eq!(PublicUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_public_url_has_at_most_200_bytes() {
        let start = "https://example.org/";
        for (length, is_valid) in [(199, true), (200, true), (201, false)] {
            let text = format!("{start}{}", "a".repeat(length - start.len()));
            let url = PublicUrl::parse(&text);
            assert_eq!(url.is_some(), is_valid, "{length}");
        }
    }

    #[test]
    fn other_machines_cannot_use_loopback_and_unspecified_addresses() {
        for (address, base, is_local) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
            ("[::1]:8080", "http://[::1]:8080", true),
            ("0.0.0.0:80", "http://0.0.0.0:80", true),
            ("[::]:8080", "http://[::]:8080", true),
            (
                "[::ffff:127.0.0.1]:8080",
                "http://[::ffff:127.0.0.1]:8080",
                true,
            ),
            ("192.168.1.5:8080", "http://192.168.1.5:8080", false),
            ("[2001:db8::7]:8080", "http://[2001:db8::7]:8080", false),
        ] {
            let url = PublicUrl::bound(address.parse().unwrap());
            assert_eq!((url.as_str(), url.is_local()), (base, is_local));
        }
    }

    #[test]
    fn the_ping_url_ends_with_the_uuid() {
        let url = PublicUrl::parse("https://example.org/rollcall/").unwrap();
        assert_eq!(
            url.ping_url(&DeviceUuid::from_random([7; 16])),
            "https://example.org/rollcall/ping/07070707-0707-4707-8707-070707070707"
        );
    }
}
