//! Targets as people type them: without a scheme, with an international name, between angle brackets. What cannot be guessed is
//! answered with the nearest valid form. Programs use the strict form (`Target`).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::nearest_target::{self, ipv6_with_port};
use super::target::{CREDENTIALS_EXAMPLE, Host, MAX_TYPED_BYTES, Target, TargetError};

/// Why a typed text is no target. `Display` is a sentence for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedTargetError {
    problem: String,
    /// A valid form for a text to which nothing is near; empty if the problem says it all.
    example: &'static str,
    /// The nearest valid form; `None` if there is none.
    pub suggestion: Option<Target>,
}

impl TypedTargetError {
    fn or_suggest(self, suggestion: Option<Target>) -> Self {
        Self { suggestion, ..self }
    }
}

impl fmt::Display for TypedTargetError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.suggestion {
            Some(suggestion) => write!(out, "{}. Try `{suggestion}`", self.problem),
            None if self.example.is_empty() => out.write_str(&self.problem),
            None => write!(out, "{}. Example: `{}`", self.problem, self.example),
        }
    }
}

impl std::error::Error for TypedTargetError {}

impl From<TargetError> for TypedTargetError {
    fn from(error: TargetError) -> Self {
        Self {
            problem: error.problem,
            example: error.example,
            suggestion: None,
        }
    }
}

/// Schemes that people try, with the one that checks the same host, and the port if it has another one.
const OTHER_SCHEMES: [(&str, &str, Option<u16>); 19] = [
    ("ws", "http", None),
    ("wss", "https", None),
    ("ping", "https", None),
    ("icmp", "https", None),
    ("ssh", "tcp", Some(22)),
    ("sftp", "tcp", Some(22)),
    ("ftp", "tcp", Some(21)),
    ("smtp", "tcp", Some(25)),
    ("imap", "tcp", Some(143)),
    ("imaps", "tcp", Some(993)),
    ("ldap", "tcp", Some(389)),
    ("mqtt", "tcp", Some(1883)),
    ("postgres", "tcp", Some(5432)),
    ("postgresql", "tcp", Some(5432)),
    ("mysql", "tcp", Some(3306)),
    ("mongodb", "tcp", Some(27017)),
    ("redis", "tcp", Some(6379)),
    ("rdp", "tcp", Some(3389)),
    ("rtsp", "tcp", Some(554)),
];

/// Reads a target as a person typed it.
///
/// # Errors
/// `TypedTargetError` if it is not clear what is meant.
pub fn read(text: &str) -> Result<Target, TypedTargetError> {
    let text = text.trim();
    let text = text
        .strip_prefix('<')
        .and_then(|inside| inside.strip_suffix('>'))
        .or_else(|| {
            text.strip_prefix('`')
                .and_then(|inside| inside.strip_suffix('`'))
        })
        .unwrap_or(text)
        .trim();
    // It has its own sentence for no text, and limits its length.
    if let Ok(target) = text.parse::<Target>() {
        return Ok(target);
    }
    if text.is_empty() || text.len() > MAX_TYPED_BYTES {
        return Ok(text.parse()?);
    }
    let ascii = with_ascii_host(text);
    let text = ascii.as_deref().unwrap_or(text);
    let read = match text.split_once("://") {
        Some((scheme, rest)) => with_scheme(text, scheme, rest),
        None => without_scheme(text),
    };
    read.map_err(|error| match error.suggestion {
        // A user name and password may be in it, which must not be repeated.
        None if !text.contains('@') && !is_network(text) => {
            error.or_suggest(nearest_target::nearest(text))
        }
        _ => error,
    })
}

fn wrong(problem: &str, suggestion: Option<String>) -> TypedTargetError {
    TypedTargetError {
        problem: problem.to_owned(),
        example: "",
        suggestion: suggestion.and_then(|text| text.parse().ok()),
    }
}

fn with_scheme(text: &str, scheme: &str, rest: &str) -> Result<Target, TypedTargetError> {
    if let Some(credentials) = credentials(rest) {
        let without = credentials
            .is_certain
            .then(|| format!("{scheme}://{}", credentials.rest));
        return Err(with_credentials(scheme, without.as_deref()));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    if let Some((_, instead, port)) = OTHER_SCHEMES.iter().find(|(other, ..)| *other == scheme) {
        let suggestion = match port {
            None => format!("{instead}://{rest}"),
            Some(_) if has_port(authority) => format!("{instead}://{authority}"),
            Some(port) => format!("{instead}://{authority}:{port}"),
        };
        return Err(wrong(&not_checked(&scheme), Some(suggestion)));
    }
    if let Some(meant) = nearest_target::nearest_scheme(&scheme)
        && !matches!(&*scheme, "http" | "https" | "tcp")
    {
        let meant = format!("{meant}://{rest}");
        return Err(wrong(&not_checked(&scheme), Some(meant)));
    }
    if let Some((page, _)) = text.split_once('#') {
        return Err(wrong(
            "the part after `#` is never sent to a server",
            Some(page.to_owned()),
        ));
    }
    if scheme == "tcp" && authority.len() < rest.trim_end_matches('/').len() {
        return Err(wrong(
            "a tcp target has no path",
            Some(format!("tcp://{authority}")),
        ));
    }
    Ok(text.parse()?)
}

fn not_checked(scheme: &str) -> String {
    format!("`{scheme}://` is not checked; a target begins with tcp, http or https")
}

/// A user name and password in front of a host.
struct Credentials<'a> {
    /// The text behind them.
    rest: &'a str,
    /// Whether they end where they seem to. A password that is not percent-encoded may contain the end of a host.
    is_certain: bool,
}

/// The user name and password in a text without its scheme.
fn credentials(text: &str) -> Option<Credentials<'_>> {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some(at) = authority.rfind('@') {
        let rest = &text[at + 1..];
        let is_certain = !rest.contains('@');
        return Some(Credentials { rest, is_certain });
    }
    // `user:pass#word@host`: what looks like a host and its port is a part of them.
    let (page, fragment) = text.split_once('#')?;
    let is_password = page.contains(':') && fragment.contains('@');
    is_password.then_some(Credentials {
        rest: "",
        is_certain: false,
    })
}

/// The error for a text that contains a user name and password. It repeats neither.
fn with_credentials(scheme: &str, without: Option<&str>) -> TypedTargetError {
    let problem = "a target cannot contain a user name and password";
    let suggestion = without.and_then(|without| match read(without) {
        Ok(target) => Some(target),
        Err(error) => error.suggestion,
    });
    let is_http = matches!(
        &*scheme.to_ascii_lowercase(),
        "http" | "https" | "ws" | "wss"
    );
    if !is_http {
        return TypedTargetError {
            problem: problem.to_owned(),
            example: "",
            suggestion,
        };
    }
    let problem = format!(
        "{problem}. Add it without them; then send them in a header, such as `{CREDENTIALS_EXAMPLE}` (the last part is `user:password` in Base64), with `/endpoint http headers:` or `--header-file`"
    );
    TypedTargetError {
        problem,
        example: "",
        suggestion,
    }
}

/// A text that a person typed to name an endpoint, as it may be repeated: without a user name and password.
pub fn shown(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    match credentials(rest) {
        Some(_) => "…@…".to_owned(),
        None => text.to_owned(),
    }
}

fn without_scheme(text: &str) -> Result<Target, TypedTargetError> {
    if let Some(mistake) = mistake(text) {
        return Err(mistake);
    }
    let split = text.find(['/', '?', '#']).unwrap_or(text.len());
    let (authority, path) = text.split_at(split);
    if authority.contains('@') {
        return with_scheme(&format!("https://{text}"), "https", text);
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_name = matches!(host.parse(), Ok(Host::Name(_)));
    match (is_name, port) {
        (true, Some("443")) => Ok(format!("https://{host}{path}").parse()?),
        (true, None) if host.contains('.') => Ok(format!("https://{text}").parse()?),
        (true, None) => Err(wrong(
            "this is neither an address nor a URL",
            Some(format!("https://{text}")),
        )),
        (true, Some(_)) if path.is_empty() => Ok(format!("tcp://{text}").parse()?),
        (false, Some(_)) if path.is_empty() => Ok(text.parse()?),
        _ => Err(needs_scheme(text)),
    }
}

/// Texts without a scheme that are written wrongly.
fn mistake(text: &str) -> Option<TypedTargetError> {
    if let Some(repaired) = repaired_scheme(text) {
        return Some(wrong(
            "the scheme must be followed by `://`",
            Some(repaired),
        ));
    }
    if let [host, port] = text.split_whitespace().collect::<Vec<_>>()[..]
        && port.parse::<u16>().is_ok()
    {
        return Some(TypedTargetError {
            problem: "a port follows its host after a colon".to_owned(),
            example: "",
            suggestion: read(&format!("{host}:{port}")).ok(),
        });
    }
    if is_network(text) {
        return Some(wrong(
            "a network cannot be checked. Add its addresses one by one, each with a port",
            None,
        ));
    }
    if let Some(meant) = ipv6_with_port(text) {
        return Some(wrong(
            "an IPv6 address needs brackets in front of its port",
            Some(format!("tcp://{meant}")),
        ));
    }
    let ip = text.parse::<Ipv6Addr>().ok()?;
    Some(wrong(
        "an IPv6 address needs brackets, and a port or a scheme",
        Some(format!("http://[{ip}]/")),
    ))
}

/// An address without a port, or a path behind something that does not tell the scheme.
fn needs_scheme(text: &str) -> TypedTargetError {
    match format!("http://{text}").parse::<Target>() {
        Ok(suggestion) => TypedTargetError {
            problem: match &*suggestion.path {
                "/" => "an address needs a port, or a scheme (http or https)",
                _ => "a URL begins with http:// or https://",
            }
            .to_owned(),
            example: "",
            suggestion: Some(suggestion),
        },
        Err(error) => error.into(),
    }
}

/// `http:/x`, `https//x`, `tcp:x:80` and `https:\\x` with the scheme as it must be.
fn repaired_scheme(text: &str) -> Option<String> {
    let (scheme, rest) = match text.split_once("//") {
        Some((scheme, rest)) if !scheme.contains(':') => (scheme, rest),
        _ => text.split_once(':')?,
    };
    let scheme = scheme.to_ascii_lowercase();
    let is_known = matches!(scheme.as_str(), "tcp" | "http" | "https");
    let rest = rest.replace('\\', "/");
    let is_port = rest.bytes().all(|byte| byte.is_ascii_digit());
    (is_known && !is_port).then(|| format!("{scheme}://{}", rest.trim_start_matches('/')))
}

/// Whether a text is an address and the length of a network: `10.0.0.0/8`.
fn is_network(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, length)| {
        let longest = match address.parse() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        length.parse::<u8>().is_ok_and(|length| length <= longest)
    })
}

fn has_port(authority: &str) -> bool {
    authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

/// The text with its host in the ASCII form of an international name (UTS 46) and its path percent-encoded, as browsers send
/// them; `None` if it is ASCII, or not a name.
fn with_ascii_host(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let start = text.find("://").map_or(0, |scheme| scheme + "://".len());
    let (scheme, rest) = text.split_at(start);
    let end = rest.find(['/', '?', '#', ':']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(end);
    let host = if host.is_ascii() {
        host.to_owned()
    } else {
        idna::domain_to_ascii_strict(host).ok()?
    };
    let mut text = format!("{scheme}{host}");
    for character in rest.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            text.push_str(&nearest_target::encoded(character.encode_utf8(&mut [0; 4])));
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_people_type_them() {
        for (typed, meant) in [
            ("example.org", "https://example.org/"),
            (" Example.org ", "https://example.org/"),
            ("example.org.", "https://example.org/"),
            ("x.org/health", "https://x.org/health"),
            ("x.org?a=b", "https://x.org/?a=b"),
            ("www.x:443", "https://www.x/"),
            ("x.org:443/health", "https://x.org/health"),
            ("x.org:25565", "tcp://x.org:25565"),
            ("x.org:80", "tcp://x.org:80"),
            ("localhost:3000", "tcp://localhost:3000"),
            ("<https://x.org>", "https://x.org/"),
            ("`x.org`", "https://x.org/"),
            ("<x.org:22>", "tcp://x.org:22"),
            ("HTTPS://X.org", "https://x.org/"),
            ("https://münchen.de", "https://xn--mnchen-3ya.de/"),
            ("münchen.de/a", "https://xn--mnchen-3ya.de/a"),
            (
                "münchen.de/ä?ö=ü",
                "https://xn--mnchen-3ya.de/%C3%A4?%C3%B6=%C3%BC",
            ),
            ("https://x.org/ä", "https://x.org/%C3%A4"),
            ("tcp://bücher.example:80", "tcp://xn--bcher-kva.example:80"),
            ("203.0.113.7:25565", "tcp://203.0.113.7:25565"),
            ("[2001:db8::7]:80", "tcp://[2001:db8::7]:80"),
            ("tcp://x.org:80/", "tcp://x.org:80"),
        ] {
            let target = read(typed).map(|target| target.to_string());
            assert_eq!(target.as_deref(), Ok(meant), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_guessed_gets_the_nearest_valid_form() {
        for (typed, suggestion) in [
            ("shop", "https://shop/"),
            ("203.0.113.7", "http://203.0.113.7/"),
            ("2001:db8::7", "http://[2001:db8::7]/"),
            ("[2001:db8::7]", "http://[2001:db8::7]/"),
            ("203.0.113.7/health", "http://203.0.113.7/health"),
            ("x.org:8080/health", "http://x.org:8080/health"),
            ("http:/1.2.3.4", "http://1.2.3.4/"),
            ("http:1.2.3.4", "http://1.2.3.4/"),
            ("https:\\\\x.org", "https://x.org/"),
            ("tcp:127.0.0.1:80", "tcp://127.0.0.1:80"),
            ("x.org 25565", "tcp://x.org:25565"),
            ("x.org 443", "https://x.org/"),
            ("203.0.113.7 22", "tcp://203.0.113.7:22"),
            ("https://x.org/#top", "https://x.org/"),
            ("https://user:secret@x.org/a", "https://x.org/a"),
            ("user@x.org", "https://x.org/"),
            ("tcp://x.org:80/health", "tcp://x.org:80"),
            ("htps://x.org/a", "https://x.org/a"),
            ("HTP://x.org", "http://x.org/"),
            ("exmaple,org", "https://exmaple.org/"),
            ("www..x.org", "https://www.x.org/"),
            ("x.org:99999", "https://x.org/"),
            ("::1:80", "tcp://[::1]:80"),
            ("[2001:db8::7", "http://[2001:db8::7]/"),
            ("https://x.org/a b", "https://x.org/a%20b"),
            ("ping://x.org", "https://x.org/"),
            ("redis://cache.internal/0", "tcp://cache.internal:6379"),
            ("ws://x.org/socket", "http://x.org/socket"),
            ("wss://x.org/", "https://x.org/"),
            ("ssh://x.org", "tcp://x.org:22"),
            ("ssh://x.org:2222", "tcp://x.org:2222"),
            ("postgres://db.internal/app", "tcp://db.internal:5432"),
        ] {
            let error = read(typed).unwrap_err();
            let found = error.suggestion.as_ref().map(ToString::to_string);
            assert_eq!(found.as_deref(), Some(suggestion), "{typed}: {error}");
            let again = read(suggestion).map(|target| target.to_string());
            assert_eq!(again.as_deref(), Ok(suggestion));
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_user_name_and_password_are_refused_and_never_repeated() {
        for (typed, suggestion) in [
            ("https://user:canary@x.org/a", Some("https://x.org/a")),
            ("HTTPS://canary@x.org:8443", Some("https://x.org:8443/")),
            ("user:canary@x.org", Some("https://x.org/")),
            ("wss://user:canary@x.org/a", Some("https://x.org/a")),
            ("https://ü:canary@x.org/", Some("https://x.org/")),
            (
                "postgres://user:canary@db.internal/app",
                Some("tcp://db.internal:5432"),
            ),
            ("tcp://user:canary@x.org:80", Some("tcp://x.org:80")),
            ("https://user:canary@x.org/a#b", Some("https://x.org/a")),
            // It is not certain where these passwords end.
            ("https://user:p@ss/canary@x.org/", None),
            ("https://user:12#canary@x.org/", None),
            ("https://user:canary/12@x.org/", None),
            ("https://user:canary#12@x.org/", None),
            ("https:user:canary@x.org", None),
            ("user:canary@x.org 443", None),
            ("https://user:canary@", None),
            ("https://user:can\"ary@x.org/", Some("https://x.org/")),
        ] {
            let error = read(typed).unwrap_err();
            let found = error.suggestion.as_ref().map(ToString::to_string);
            assert_eq!(found.as_deref(), suggestion, "{typed}: {error}");
            let strict = typed.parse::<Target>().unwrap_err().to_string();
            for text in [error.to_string(), strict, format!("{error:?}")] {
                assert!(!text.contains("canary") && !text.contains("12"), "{text}");
            }
        }
        let error = read("https://user:canary@x.org/").unwrap_err().to_string();
        assert!(error.contains("`Authorization: Basic dXNlcjpwYXNzd29yZA==`"));
        let error = read("tcp://user:canary@x.org:80").unwrap_err().to_string();
        assert_eq!(
            error,
            "a target cannot contain a user name and password. Try `tcp://x.org:80`"
        );
        for (text, expected) in [
            ("https://user:canary@x.org/", "…@…"),
            ("user:canary@x.org", "…@…"),
            ("https://x.org/a@b", "https://x.org/a@b"),
            ("shop", "shop"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn other_mistakes_keep_their_own_sentence() {
        for (typed, sentence) in [
            (
                "",
                "the target is empty. Example: `tcp://203.0.113.7:25565`",
            ),
            (
                "10.0.0.0/8",
                "a network cannot be checked. Add its addresses one by one, each with a port",
            ),
            (
                "2001:db8::/32",
                "a network cannot be checked. Add its addresses one by one, each with a port",
            ),
            (
                "gopher://x.org",
                "the scheme must be tcp, http or https. Example: `tcp://203.0.113.7:25565`",
            ),
            (
                "tcp://x.org",
                "the port is missing. Example: `tcp://203.0.113.7:25565`",
            ),
            (
                "my web server",
                "the target contains a space or an invalid character. Example: `https://example.org/health`",
            ),
            (
                "127.1:80",
                "an IPv4 address has four numbers from 0 to 255. Example: `tcp://203.0.113.7:25565`",
            ),
        ] {
            let error = read(typed).unwrap_err();
            assert_eq!(
                (&*error.to_string(), error.suggestion),
                (sentence, None),
                "{typed}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn every_strict_target_means_the_same_when_it_is_typed(
            text in "(tcp|http|https)://[a-z0-9.]{1,16}(:[0-9]{1,5})?(/[a-z?=&]{0,8})?"
        ) {
            if let Ok(target) = text.parse::<Target>() {
                proptest::prop_assert_eq!(read(&text), Ok(target));
            }
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,64}") {
            let _ = read(&text);
        }
    }
}
