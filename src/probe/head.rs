//! Parses the head of a response: its status, the framing of its body, and the location of a redirect.
//!
//! Lenient where browsers are (a monitor tests whether people can use the site), strict where a response cannot be
//! understood at all. Every problem is a fixed sentence; of the head's text, only the location of a redirect leaves
//! this file.

use super::body::Framing;
use super::page::{self, Coding, PageFormat};
use crate::domain::endpoints::http_check::Method;

/// Limit of a response's head, including interim responses, in bytes.
pub(super) const HEAD_CAP: usize = 16 * 1024;

/// Limit of header lines, more than ordinary servers send; browsers have similar limits.
const MAX_HEADERS: usize = 128;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) format: PageFormat,
    /// Only for redirects.
    pub(super) location: Option<Vec<u8>>,
}

impl Head {
    /// Whether the real response follows this interim one. 101 is final, because we never request another protocol.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

/// Finds the end of a head that arrives in pieces. Each byte is searched once, so that the result does not depend on the
/// pieces.
#[derive(Default)]
pub(super) struct HeadEnd {
    searched: usize,
    /// Whether there was anything but empty lines.
    has_started: bool,
    is_line_empty: bool,
}

impl HeadEnd {
    /// The length of the head including its empty line; `None` if `buffer`, which starts with all bytes of the last call, does
    /// not have the whole head.
    pub(super) fn find(&mut self, buffer: &[u8]) -> Option<usize> {
        for (offset, byte) in buffer.iter().enumerate().skip(self.searched) {
            match byte {
                b'\n' if self.is_line_empty && self.has_started => return Some(offset + 1),
                b'\n' => self.is_line_empty = true,
                b'\r' => {}
                _ => {
                    self.has_started = true;
                    self.is_line_empty = false;
                }
            }
        }
        self.searched = buffer.len();
        None
    }
}

/// Whether the bytes so far may still become an HTTP response; a mail or SSH greeting is detected at once.
pub(super) fn may_be_http(buffer: &[u8]) -> bool {
    // The parser skips empty lines, but no other white space.
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = buffer.iter().skip_while(|byte| is_line_end(byte));
    start.zip(b"HTTP/").all(|(byte, expected)| byte == expected)
}

/// Parses a complete head, as delimited by `HeadEnd`.
pub(super) fn parse(bytes: &[u8], method: Method) -> Result<Head, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = httparse::ParserConfig::default()
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_multiple_spaces_in_response_status_delimiters(true)
        .ignore_invalid_headers_in_responses(true)
        .parse_response(&mut response, bytes);
    match parsed {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err("invalid response headers"),
        Err(httparse::Error::TooManyHeaders) => return Err("too many response headers"),
        Err(httparse::Error::Version) => return Err("the response is not HTTP/1.1"),
        Err(_) => return Err("invalid response headers"),
    }
    let status = response
        .code
        .filter(|code| (100..=999).contains(code))
        .ok_or("invalid response headers")?;
    let location = match status {
        301 | 302 | 303 | 307 | 308 => find(response.headers, "location").map(<[u8]>::to_vec),
        _ => None,
    };
    let framing = match (status, method) {
        (100..200 | 204 | 304, _) | (_, Method::Head) => Framing::Empty,
        _ => framing(response.headers)?,
    };
    Ok(Head {
        status,
        framing,
        format: format(response.headers),
        location,
    })
}

fn format(headers: &[httparse::Header<'_>]) -> PageFormat {
    let codings = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("content-encoding"))
        .map(|header| header.value);
    PageFormat {
        coding: Coding::parse(codings),
        charset: find(headers, "content-type").and_then(page::charset),
    }
}

fn find<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.trim_ascii())
}

/// The framing by RFC 9112 6.3: chunked before length before "until the connection closes".
fn framing(headers: &[httparse::Header<'_>]) -> Result<Framing, &'static str> {
    let mut length = None;
    let mut coded = None;
    for header in headers {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            // The last coding of the last line is the outermost.
            let last = header
                .value
                .rsplit(|byte| *byte == b',')
                .next()
                .unwrap_or_default();
            coded = Some(last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
        } else if header.name.eq_ignore_ascii_case("content-length") {
            for part in header.value.split(|byte| *byte == b',') {
                let number = digits(part.trim_ascii()).ok_or("invalid content length")?;
                if length.is_some_and(|before| before != number) {
                    return Err("conflicting content lengths");
                }
                length = Some(number);
            }
        }
    }
    Ok(match (coded, length) {
        (Some(true), _) => Framing::Chunked,
        (Some(false), _) | (None, None) => Framing::UntilClose,
        (None, Some(length)) => Framing::Length(length),
    })
}

fn digits(text: &[u8]) -> Option<u64> {
    let plain = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| plain)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq};

    use super::*;

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        for (bytes, end) in [
            ("HTTP/1.1 200 OK\r\n\r\nbody\r\n\r\n", Some(19)),
            ("HTTP/1.1 200 OK\n\nbody", Some(17)),
            ("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Some(23)),
            ("a\r\r\n\r\r\n", Some(7)),
            ("HTTP/1.1 200 OK\r\n", None),
            ("\r\n\r\n\r\n", None),
        ] {
            assert_eq!(HeadEnd::default().find(bytes.as_bytes()), end, "{bytes:?}");
        }
    }

    #[test]
    fn only_empty_lines_may_precede_a_response() {
        for (bytes, may_be) in [
            ("", true),
            ("H", true),
            ("\r\n\nHTTP/1.1", true),
            (" HTTP/1.1", false),
            ("\r\n\n \n", false),
            ("SSH-2.0", false),
        ] {
            assert_eq!(may_be_http(bytes.as_bytes()), may_be, "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_end_is_found_at_the_same_place_for_every_split(text in "[ab:\\r\\n]{0,60}") {
            let bytes = text.as_bytes();
            let at_once = HeadEnd::default().find(bytes);
            let mut end = HeadEnd::default();
            let in_steps = (1..=bytes.len()).find_map(|length| end.find(&bytes[..length]));
            prop_assert_eq!(at_once, in_steps);
        }

        #[test]
        fn the_parser_never_panics(bytes in vec(any::<u8>(), 0..200), tail in "[ -~\\r\\n]{0,80}") {
            let _ = parse(&bytes, Method::Get);
            let answer = format!("HTTP/1.1 200 OK\r\n{tail}\r\n\r\n");
            let _ = parse(answer.as_bytes(), Method::Get);
            prop_assert!(may_be_http(answer.as_bytes()));
        }
    }
}
