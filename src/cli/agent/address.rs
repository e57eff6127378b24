//! Reads the address of Rollcall, and tells whether the key would travel to it unencrypted.

use std::net::IpAddr;

use crate::domain::devices::public_url::PublicUrl;

/// Ends of names that only exist in private networks.
const PRIVATE_ENDS: [&str; 6] = [
    ".localhost",
    ".local",
    ".lan",
    ".internal",
    ".home.arpa",
    ".test",
];

/// Reads the value of `--url`.
pub(super) fn parse(text: &str) -> Result<PublicUrl, String> {
    PublicUrl::parse(text).ok_or_else(|| {
        "must be the address of Rollcall. Example: `https://rollcall.example.org`".to_owned()
    })
}

/// The URL that reports are sent to.
pub(super) fn report_url(address: &PublicUrl) -> String {
    format!("{address}/api/v1/server-stats")
}

/// Whether the key would pass public networks unencrypted.
pub(super) fn exposes_key(address: &PublicUrl) -> bool {
    let Some(rest) = address.as_str().strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(ip) => ip.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match host.parse() {
        Ok(ip) => !is_private(ip),
        Err(_) => host.contains('.') && !PRIVATE_ENDS.iter().any(|end| host.ends_with(end)),
    }
}

/// Loopback, link-local and private addresses, and 100.64.0.0/10, which private overlay networks use.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || is_shared
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_exposed_by_plain_http_in_public_networks() {
        for (url, expected) in [
            ("https://rollcall.example.org", false),
            ("https://203.0.113.7", false),
            ("http://rollcall.example.org", true),
            ("http://rollcall.example.org:8080/rollcall", true),
            ("http://203.0.113.7:8080", true),
            ("http://172.15.255.255", true),
            ("http://172.16.0.0", false),
            ("http://172.31.255.255", false),
            ("http://172.32.0.0", true),
            ("http://100.63.255.255", true),
            ("http://100.64.0.0", false),
            ("http://100.127.255.255", false),
            ("http://100.128.0.0", true),
            ("http://10.0.0.1:8080", false),
            ("http://192.168.1.5", false),
            ("http://127.0.0.1:8080", false),
            ("http://[::1]:8080", false),
            ("http://[fd00::1]:8080", false),
            ("http://[2001:db8::7]:8080", true),
            ("http://localhost:8080", false),
            ("http://rollcall:8080", false),
            ("http://nas.local", false),
            ("http://nas.localx.org", true),
        ] {
            assert_eq!(exposes_key(&parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn the_path_of_the_address_stands_before_that_of_the_api() {
        let address = parse("https://example.org/rollcall/").unwrap();
        let url = "https://example.org/rollcall/api/v1/server-stats";
        assert_eq!(report_url(&address), url);
        assert!(parse("example.org").unwrap_err().contains("Example:"));
    }
}
