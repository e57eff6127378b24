//! What an HTTP look asks for and what it accepts. A TCP look has no options: it passes when the connection opens.

use std::fmt;

use strum::VariantArray;

/// The most redirects that an endpoint may allow.
pub const MAX_REDIRECTS: u8 = 3;

/// The part of an answer's body in which the keyword is looked for, in bytes.
pub const BODY_CAP: usize = 64 * 1024;

/// Options of an HTTP look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    pub method: Method,
    /// Sent as they are, beside our own `Host`, `User-Agent`, `Accept` and `Connection`.
    pub headers: Vec<(String, String)>,
    /// The first and the last status that pass.
    pub expected_status: (u16, u16),
    /// Must occur in the first 64 KiB of the body, byte for byte.
    pub keyword: Option<String>,
    /// How many redirects are followed, 0 to 3; each hop is judged by the guard anew.
    pub max_redirects: u8,
    /// Whether the certificate must be valid for the host.
    pub verify_tls: bool,
}

impl Default for HttpCheck {
    fn default() -> Self {
        Self {
            method: Method::Get,
            headers: Vec::new(),
            expected_status: (200, 399),
            keyword: None,
            max_redirects: 0,
            verify_tls: true,
        }
    }
}

/// The methods that a look may use: those that ask, not those that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum Method {
    Get,
    Head,
    Options,
}

impl Method {
    pub const ALL: &[Self] = Self::VARIANTS;

    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|method| method.word().eq_ignore_ascii_case(word))
    }
}

/// Why an option of an HTTP look is refused; `Display` is the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheckError(pub String);

impl fmt::Display for HttpCheckError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for HttpCheckError {}

/// Headers that belong to the connection or to us.
const OWN_HEADERS: [&str; 6] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
];

impl HttpCheck {
    /// Reads `200`, `200-399`.
    pub fn parse_status(text: &str) -> Result<(u16, u16), HttpCheckError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |part: &str| {
            part.trim()
                .parse::<u16>()
                .ok()
                .filter(|status| (100..=599).contains(status))
        };
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Ok((first, last)),
            _ => Err(HttpCheckError("the expected status must be one number or a range from 100 to 599; a right one is `200-399`".into())),
        }
    }

    /// Reads `Name: value` lines, at most eight.
    pub fn parse_headers(text: &str) -> Result<Vec<(String, String)>, HttpCheckError> {
        let headers: Vec<_> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(parse_header)
            .collect::<Result<_, _>>()?;
        if headers.len() > 8 {
            return Err(HttpCheckError(
                "at most 8 headers are sent with a look".into(),
            ));
        }
        Ok(headers)
    }

    /// Reads a keyword: 1 to 200 bytes of text.
    pub fn parse_keyword(text: &str) -> Result<String, HttpCheckError> {
        match text.len() {
            1..=200 => Ok(text.to_owned()),
            _ => Err(HttpCheckError(
                "the keyword must have 1 to 200 bytes; a right one is `\"status\":\"ok\"`".into(),
            )),
        }
    }
}

fn parse_header(line: &str) -> Result<(String, String), HttpCheckError> {
    let refuse = |problem: &str| {
        HttpCheckError(format!(
            "{problem}; a right header is `Accept: application/json`"
        ))
    };
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| refuse("a header needs a name, a colon and a value"))?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_token) {
        return Err(refuse("that header name has characters that no header has"));
    }
    if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(refuse("that header is set by Rollcall itself"));
    }
    if value.len() > 512 || value.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(refuse(
            "a header value has at most 512 bytes and no control characters",
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_statuses() {
        assert_eq!(HttpCheck::parse_status("200"), Ok((200, 200)));
        assert_eq!(HttpCheck::parse_status("200-399"), Ok((200, 399)));
        for wrong in ["", "99", "600", "399-200", "2xx", "200-"] {
            assert!(HttpCheck::parse_status(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reads_headers_and_refuses_smuggling() {
        assert_eq!(
            HttpCheck::parse_headers("Accept: a/b\nX-Y:  z "),
            Ok(vec![
                ("Accept".into(), "a/b".into()),
                ("X-Y".into(), "z".into())
            ])
        );
        for wrong in [
            "Host: a",
            "content-length: 5",
            "no colon",
            ": x",
            "X Y: z",
            "X: a\rb",
            &"X: y\n".repeat(9),
        ] {
            assert!(HttpCheck::parse_headers(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn reads_methods_in_any_case() {
        assert_eq!(Method::from_word("head"), Some(Method::Head));
        assert_eq!(Method::from_word("DELETE"), None);
    }
}
