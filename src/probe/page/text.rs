//! The text of a page in its character encoding, searched for the keyword.
//!
//! The bytes of the keyword in UTF-8 always count, whatever the headers say: many pages in UTF-8 are declared as something
//! else. In addition, the page is decoded as its byte order mark says, or else its `Content-Type`, or else as UTF-8. If it
//! says nothing and is not UTF-8, it is read as windows-1252, as browsers do.

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};

use super::search::Search;

/// Bytes of text that are decoded at once.
const PIECE: usize = 1024;

/// The longest byte order mark, in bytes. After it, the encoding is known.
const LONGEST_MARK: usize = 3;

/// The encoding that a `Content-Type` names; `None` if it names none that is known.
pub(in crate::probe) fn charset(content_type: &[u8]) -> Option<&'static Encoding> {
    let parameters = content_type.split(|byte| *byte == b';').skip(1);
    let mut named = parameters.filter_map(|parameter| {
        let at = parameter.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&parameter[..at], &parameter[at + 1..]);
        let is_charset = name.trim_ascii().eq_ignore_ascii_case(b"charset");
        is_charset.then(|| value.trim_ascii())
    });
    let label = named.next()?;
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'');
    let label = match label {
        [first, inside @ .., last] if is_quote(first) && first == last => inside,
        label => label,
    };
    Encoding::for_label_no_replacement(label)
}

/// The text of a page, as it arrives.
pub(super) struct PageText<'a> {
    is_ascii_keyword: bool,
    /// Bytes so far.
    length: usize,
    as_sent: Search<'a>,
    /// `None` once it cannot find more than `as_sent`.
    decoded: Option<Decoding<'a>>,
    /// Counts if the page is not what `decoded` takes it for.
    otherwise: Option<Decoding<'a>>,
}

impl<'a> PageText<'a> {
    pub(super) fn new(keyword: &'a str, charset: Option<&'static Encoding>) -> Self {
        let is_ascii_keyword = keyword.is_ascii();
        let decoder = charset.unwrap_or(UTF_8).new_decoder();
        let has_fallback = charset.is_none() && !is_ascii_keyword;
        let fallback = || Decoding::new(keyword, WINDOWS_1252.new_decoder_without_bom_handling());
        Self {
            is_ascii_keyword,
            length: 0,
            as_sent: Search::new(keyword.as_bytes()),
            decoded: Some(Decoding::new(keyword, decoder)),
            otherwise: has_fallback.then(fallback),
        }
    }

    pub(super) fn pass(&mut self, data: &[u8]) {
        self.length += data.len();
        self.as_sent.pass(data);
        if let Some(decoded) = &mut self.decoded {
            decoded.pass(data, false);
            let is_known = self.length >= LONGEST_MARK;
            if is_known && self.is_ascii_keyword && decoded.decoder.encoding().is_ascii_compatible()
            {
                self.decoded = None;
            }
        }
        if let Some(otherwise) = &mut self.otherwise {
            otherwise.pass(data, false);
        }
    }

    /// Records that the page is complete.
    pub(super) fn end(&mut self) {
        let decodings = [&mut self.decoded, &mut self.otherwise];
        for decoding in decodings.into_iter().flatten() {
            decoding.pass(&[], true);
        }
    }

    pub(super) fn has_keyword(&self) -> bool {
        let (decoded, otherwise) = (self.decoded.as_ref(), self.otherwise.as_ref());
        let is_invalid = decoded.is_some_and(|decoded| decoded.had_errors);
        self.as_sent.found()
            || decoded.is_some_and(|decoded| decoded.search.found())
            || is_invalid && otherwise.is_some_and(|otherwise| otherwise.search.found())
    }
}

/// The page in one encoding.
struct Decoding<'a> {
    decoder: Decoder,
    search: Search<'a>,
    /// Whether the page is invalid in this encoding.
    had_errors: bool,
    is_over: bool,
}

impl<'a> Decoding<'a> {
    fn new(keyword: &'a str, decoder: Decoder) -> Self {
        Self {
            decoder,
            search: Search::new(keyword.as_bytes()),
            had_errors: false,
            is_over: false,
        }
    }

    fn pass(&mut self, mut data: &[u8], is_last: bool) {
        let mut piece = [0; PIECE];
        while !self.is_over {
            let (result, read, written, had_errors) =
                self.decoder.decode_to_utf8(data, &mut piece, is_last);
            self.had_errors |= had_errors;
            self.search.pass(&piece[..written]);
            data = &data[read..];
            if result == encoding_rs::CoderResult::InputEmpty {
                self.is_over = is_last;
                return;
            }
        }
    }
}
