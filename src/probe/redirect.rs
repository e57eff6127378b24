//! Resolves the target of a redirect and decides which headers may be sent there. The result is a `Target` like one
//! that a user typed: it goes through the same strict parser and then through the address policy again.

use super::Stop;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::target::{Scheme, Target};
use crate::domain::text;

/// The maximum length of a shown target, in characters.
const SHOWN_CHARACTERS: usize = 200;

/// The next target.
///
/// # Errors
/// A protocol error, if `location` is not a valid HTTP target or if it would give up TLS.
pub(super) fn follow(from: &Target, location: &[u8]) -> Result<Target, Stop> {
    let text = percent_encode(location);
    let text = text.split('#').next().unwrap_or_default();
    let absolute = if has_scheme(text) {
        text.to_owned()
    } else if let Some(rest) = text.strip_prefix("//") {
        format!("{}://{rest}", from.scheme.as_str())
    } else {
        format!(
            "{}://{}{}",
            from.scheme.as_str(),
            from.authority(),
            resolve_path(&from.path, text)
        )
    };
    let unreadable = |_| {
        Stop::with(
            FailureClass::ProtocolError,
            "the redirect has an invalid location",
        )
    };
    let to: Target = absolute.parse().map_err(unreadable)?;
    match (from.scheme, to.scheme) {
        (_, Scheme::Tcp) => Err(Stop::with(
            FailureClass::ProtocolError,
            "the redirect leads to a URL that is neither HTTP nor HTTPS",
        )),
        (Scheme::Https, Scheme::Http) => Err(Stop::with(
            FailureClass::ProtocolError,
            "the redirect downgrades https to http",
        )),
        _ => Ok(to),
    }
}

/// A target as people see it: without the query, which may hold a secret or change with each response.
pub(super) fn shown(target: &Target) -> Box<str> {
    let shown = target.to_string();
    let shown = shown.split('?').next().unwrap_or_default();
    text::cut(shown, SHOWN_CHARACTERS).into()
}

/// Whether the check's own headers (including keys and cookies) may be sent: to the same origin, or to the same host
/// with TLS added on the default ports.
pub(super) fn keeps_headers(from: &Target, to: &Target) -> bool {
    let same_scheme_and_port = from.scheme == to.scheme && from.port == to.port;
    let adds_tls =
        (from.scheme, from.port, to.scheme, to.port) == (Scheme::Http, 80, Scheme::Https, 443);
    from.host == to.host && (same_scheme_and_port || adds_tls)
}

/// Percent-encodes bytes that servers send as they are in `Location` although URLs must not contain them.
fn percent_encode(location: &[u8]) -> String {
    let mut text = String::with_capacity(location.len());
    for byte in location {
        match byte {
            b'!'..=b'~' if !b"\"<>\\^`{|}".contains(byte) => text.push(char::from(*byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Whether a reference is absolute (RFC 3986 3.1). A relative one has a `/`, `?` or nothing before its first colon.
fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// Resolves a relative reference against the requested path (RFC 3986 5.2).
fn resolve_path(base: &str, reference: &str) -> String {
    let base_path = base.split('?').next().unwrap_or_default();
    if reference.is_empty() {
        return base.to_owned();
    }
    if reference.starts_with('?') {
        return format!("{base_path}{reference}");
    }
    let (path, query) = reference
        .find('?')
        .map_or((reference, ""), |at| reference.split_at(at));
    let merged = if path.starts_with('/') {
        path.to_owned()
    } else {
        let folder = base_path.rfind('/').map_or("/", |at| &base_path[..=at]);
        format!("{folder}{path}")
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in merged.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let ends_in_folder = merged.ends_with("/.") || merged.ends_with("/..");
    let tail = if ends_in_folder && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{tail}{query}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(from: &str, location: &str) -> String {
        let from: Target = from.parse().unwrap();
        match follow(&from, location.as_bytes()) {
            Ok(to) => to.to_string(),
            Err(stop) => format!("{stop:?}"),
        }
    }

    #[test]
    fn relative_and_absolute_locations_are_resolved() {
        let from = "http://a.example:81/b/c/d?q";
        for (location, to) in [
            ("http://b.example/x", "http://b.example/x"),
            ("https://b.example", "https://b.example/"),
            ("//b.example:8/x", "http://b.example:8/x"),
            ("/x", "http://a.example:81/x"),
            ("x", "http://a.example:81/b/c/x"),
            ("x?y=/../z", "http://a.example:81/b/c/x?y=/../z"),
            ("./x", "http://a.example:81/b/c/x"),
            ("../x", "http://a.example:81/b/x"),
            ("../../../../x", "http://a.example:81/x"),
            ("..", "http://a.example:81/b/"),
            (".", "http://a.example:81/b/c/"),
            ("../..", "http://a.example:81/"),
            ("?y", "http://a.example:81/b/c/d?y"),
            ("", "http://a.example:81/b/c/d?q"),
            ("/x#top", "http://a.example:81/x"),
            ("/a b", "http://a.example:81/a%20b"),
            ("/bücher", "http://a.example:81/b%C3%BCcher"),
            ("/x:y", "http://a.example:81/x:y"),
        ] {
            assert_eq!(resolve(from, location), to, "{location}");
        }
    }

    #[test]
    fn locations_that_are_not_valid_http_targets_are_refused() {
        for location in [
            "ftp://a.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "http://user@a.example/",
            "http://127.1/",
            "http://0x7f000001/",
            "gopher://a.example:70/",
            "http://[::1%25lo]/",
            "http:///x",
            "http://a.example:0/",
            "tcp://a.example:22",
        ] {
            assert!(
                resolve("http://a.example/", location).contains("ProtocolError"),
                "{location}"
            );
        }
        assert!(
            resolve("https://a.example/", "http://a.example/").contains("downgrades https to http")
        );
    }

    #[test]
    fn headers_are_sent_only_to_their_origin() {
        for (from, to, kept) in [
            ("http://a.example/", "http://a.example/x", true),
            ("http://a.example/", "https://a.example/", true),
            ("http://a.example/", "http://b.example/", false),
            ("http://a.example/", "http://a.example:8080/", false),
            ("http://a.example:8080/", "https://a.example/", false),
            ("https://a.example/", "https://sub.a.example/", false),
        ] {
            assert_eq!(
                keeps_headers(&from.parse().unwrap(), &to.parse().unwrap()),
                kept,
                "{from} {to}"
            );
        }
    }
}
