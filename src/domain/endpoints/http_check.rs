//! The options of an HTTP check: the request, and the responses that pass. A TCP check has no options: it passes when the
//! connection opens.

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

/// The maximum number of redirects that an endpoint may allow, and the number without a choice.
pub const MAX_REDIRECTS: u8 = 10;
pub const DEFAULT_REDIRECTS: u8 = 5;

/// The part of a response body that is searched for the keyword, in bytes; of a compressed one, after decompression.
pub const BODY_CAP: usize = 64 * 1024;

/// The maximum length of a keyword, in characters.
pub const MAX_KEYWORD: usize = 200;

/// The maximum number of headers, and the maximum lengths of a name and of a value, in characters.
pub const MAX_HEADERS: usize = 8;
pub const MAX_HEADER_NAME: usize = 64;
pub const MAX_HEADER_VALUE: usize = 512;

/// The options of an HTTP check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    pub method: Method,
    /// Sent as they are, in addition to Rollcall's own `Host`, `User-Agent`, `Accept` and `Connection`.
    pub headers: Vec<(String, String)>,
    /// The first and the last status code that pass.
    pub expected_status: (u16, u16),
    /// Must occur in the first 64 KiB of the page. Upper and lower case differ.
    pub keyword: Option<String>,
    /// How many redirects are followed, 0 to 10; the address policy judges each hop again.
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
            max_redirects: DEFAULT_REDIRECTS,
            verify_tls: true,
        }
    }
}

/// The methods that a check may use: only those that do not change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "UPPERCASE", const_into_str, ascii_case_insensitive)]
pub enum Method {
    Get,
    Head,
    Options,
}

impl Method {
    pub const ALL: &[Self] = Self::VARIANTS;

    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// Why an option of an HTTP check is not valid; `Display` is a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheckError(pub String);

impl fmt::Display for HttpCheckError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for HttpCheckError {}

/// Headers that belong to the connection or that Rollcall sets itself.
pub const OWN_HEADERS: [&str; 6] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
];

impl HttpCheck {
    /// How many redirects this check follows: none if it expects a redirect.
    pub fn followed_redirects(&self) -> u8 {
        let (first, last) = self.expected_status;
        match (300..=399).contains(&first) && (300..=399).contains(&last) {
            true => 0,
            false => self.max_redirects.min(MAX_REDIRECTS),
        }
    }

    /// Reads a status code or a range, `200` or `200-399`.
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
            _ => Err(HttpCheckError("the expected status must be one number or a range from 100 to 599. Example: `200-399`".into())),
        }
    }

    /// Reads `Name: value` lines, at most eight.
    pub fn parse_headers(text: &str) -> Result<Vec<(String, String)>, HttpCheckError> {
        let headers: Vec<_> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(parse_header)
            .collect::<Result<_, _>>()?;
        if headers.len() > MAX_HEADERS {
            return Err(HttpCheckError("at most 8 headers are allowed".into()));
        }
        Ok(headers)
    }

    /// Refuses a header that cannot be sent, or that Rollcall sets itself.
    pub fn check_header(name: &str, value: &str) -> Result<(), HttpCheckError> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > MAX_HEADER_NAME || !name.bytes().all(is_token) {
            return Err(header_error("the header name contains invalid characters"));
        }
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(header_error("Rollcall sets this header itself"));
        }
        let is_too_long = value.chars().count() > MAX_HEADER_VALUE;
        if is_too_long || value.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(header_error(
                "a header value must have at most 512 characters and no control characters",
            ));
        }
        Ok(())
    }

    /// Reads a keyword: 1 to 200 characters.
    pub fn parse_keyword(text: &str) -> Result<String, HttpCheckError> {
        match text.chars().count() {
            1..=MAX_KEYWORD => Ok(text.to_owned()),
            _ => Err(HttpCheckError(
                "the keyword must have 1 to 200 characters. Example: `\"status\":\"ok\"`".into(),
            )),
        }
    }
}

fn parse_header(line: &str) -> Result<(String, String), HttpCheckError> {
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| header_error("a header needs a name, a colon and a value"))?;
    let (name, value) = (name.trim(), value.trim());
    HttpCheck::check_header(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

fn header_error(problem: &str) -> HttpCheckError {
    HttpCheckError(format!("{problem}. Example: `Accept: application/json`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_statuses() {
        assert_eq!(HttpCheck::parse_status("200"), Ok((200, 200)));
        assert_eq!(HttpCheck::parse_status("200-399"), Ok((200, 399)));
        for wrong in ["", "99", "600", "399-200", "2xx", "200-"] {
            assert!(HttpCheck::parse_status(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parses_headers_and_rejects_smuggling() {
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
    fn parses_methods_in_any_case() {
        assert_eq!("head".parse::<Method>().ok(), Some(Method::Head));
        assert_eq!("DELETE".parse::<Method>().ok(), None);
    }
}
