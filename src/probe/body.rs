//! Reads a response body piece by piece, to find where it ends and whether it contains the keyword.
//!
//! Nothing of the body is kept. Pieces go through a small buffer and only counters remain, so a check of an endless
//! stream needs no more memory than a check of an empty page.

use crate::domain::endpoints::http_check::BODY_CAP;

/// Limit of chunk extensions and trailers together, in bytes.
const CHUNK_EXTRAS_CAP: usize = 16 * 1024;

const BROKEN_CHUNKS: &str = "invalid chunked encoding";

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Empty,
    /// In bytes.
    Length(u64),
    Chunked,
    UntilClose,
}

/// A body that is being read.
pub(super) struct Body<'a> {
    rest: Remaining,
    taken: usize,
    search: Option<Search<'a>>,
}

enum Remaining {
    Length(u64),
    Chunks(Chunks),
    UntilClose,
}

impl<'a> Body<'a> {
    pub(super) fn new(framing: Framing, keyword: Option<&'a str>) -> Self {
        let rest = match framing {
            Framing::Empty => Remaining::Length(0),
            Framing::Length(length) => Remaining::Length(length),
            Framing::Chunked => Remaining::Chunks(Chunks::default()),
            Framing::UntilClose => Remaining::UntilClose,
        };
        Self {
            rest,
            taken: 0,
            search: keyword.map(|keyword| Search::new(keyword.as_bytes())),
        }
    }

    /// Reads the next bytes; `true` if no more are needed: the body is complete or the cap is reached.
    ///
    /// # Errors
    /// A sentence, if the bytes do not match the framing.
    pub(super) fn take(&mut self, mut input: &[u8]) -> Result<bool, &'static str> {
        match &mut self.rest {
            Remaining::UntilClose => self.pass(input),
            Remaining::Length(left) => {
                let length =
                    usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
                self.pass(&input[..length]);
            }
            Remaining::Chunks(_) => {
                while let Remaining::Chunks(chunks) = &mut self.rest
                    && !input.is_empty()
                    && self.taken < BODY_CAP
                {
                    let (data, rest) = chunks.next(input)?;
                    input = rest;
                    self.pass(data);
                }
            }
        }
        Ok(self.is_complete() || self.taken >= BODY_CAP)
    }

    /// Whether the body is complete if the stream ends now.
    pub(super) fn may_end_here(&self) -> bool {
        matches!(self.rest, Remaining::UntilClose) || self.is_complete()
    }

    pub(super) fn keyword_missing(&self) -> bool {
        self.search.as_ref().is_some_and(|search| !search.found())
    }

    fn is_complete(&self) -> bool {
        match &self.rest {
            Remaining::Length(left) => *left == 0,
            Remaining::Chunks(chunks) => matches!(chunks.state, Chunk::Done),
            Remaining::UntilClose => false,
        }
    }

    /// Counts and searches content, up to the cap.
    fn pass(&mut self, data: &[u8]) {
        let data = &data[..data.len().min(BODY_CAP - self.taken)];
        self.taken += data.len();
        if let Some(search) = &mut self.search {
            search.pass(data);
        }
    }
}

/// Decoder of the chunked coding (RFC 9112 7.1); accepts bare line feeds.
#[derive(Default)]
struct Chunks {
    state: Chunk,
    extras: usize,
}

#[derive(Clone, Copy)]
enum Chunk {
    /// Digits so far; sixteen of them fill the value.
    Size {
        value: u64,
        digits: u8,
    },
    /// After the size, up to the line feed.
    Extension(u64),
    Data(u64),
    /// The line end after the data.
    DataEnd,
    /// Lines after the last chunk, up to an empty one.
    Trailer {
        empty: bool,
    },
    Done,
}

impl Default for Chunk {
    fn default() -> Self {
        Self::Size {
            value: 0,
            digits: 0,
        }
    }
}

impl Chunks {
    /// Takes one step; returns the content that it found and the remaining input.
    fn next<'i>(&mut self, input: &'i [u8]) -> Result<(&'i [u8], &'i [u8]), &'static str> {
        if let Chunk::Data(left) = &mut self.state {
            let length = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
            *left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
            if *left == 0 {
                self.state = Chunk::DataEnd;
            }
            return Ok(input.split_at(length));
        }
        let Some((byte, rest)) = input.split_first() else {
            return Ok((&[], input));
        };
        self.step(*byte)?;
        Ok((
            &[],
            if matches!(self.state, Chunk::Done) {
                &[]
            } else {
                rest
            },
        ))
    }

    /// Processes one byte of the framing between contents.
    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        self.state = match (self.state, byte) {
            (Chunk::Size { value, digits: 1.. }, b'\n') => after_size(value),
            (Chunk::Size { value, digits: 1.. }, b'\r' | b';' | b' ' | b'\t') => {
                Chunk::Extension(value)
            }
            (
                Chunk::Size {
                    value,
                    digits: digits @ 0..16,
                },
                _,
            ) => {
                let digit = char::from(byte).to_digit(16).ok_or(BROKEN_CHUNKS)?;
                Chunk::Size {
                    value: (value << 4) | u64::from(digit),
                    digits: digits + 1,
                }
            }
            (Chunk::Extension(value), b'\n') => after_size(value),
            (Chunk::DataEnd, b'\n') => Chunk::default(),
            (Chunk::DataEnd, b'\r') => Chunk::DataEnd,
            (Chunk::Trailer { empty: true }, b'\n') => Chunk::Done,
            (Chunk::Trailer { .. }, b'\n') => Chunk::Trailer { empty: true },
            (state @ (Chunk::Extension(_) | Chunk::Trailer { .. }), b'\r') => state,
            (state @ (Chunk::Extension(_) | Chunk::Trailer { .. }), _) => {
                self.extras += 1;
                if self.extras > CHUNK_EXTRAS_CAP {
                    return Err(BROKEN_CHUNKS);
                }
                if let Chunk::Extension(_) = state {
                    state
                } else {
                    Chunk::Trailer { empty: false }
                }
            }
            _ => return Err(BROKEN_CHUNKS),
        };
        Ok(())
    }
}

fn after_size(value: u64) -> Chunk {
    if value == 0 {
        Chunk::Trailer { empty: true }
    } else {
        Chunk::Data(value)
    }
}

/// Knuth-Morris-Pratt search: finds the keyword across any split of the content, without keeping the content.
struct Search<'a> {
    keyword: &'a [u8],
    /// For each prefix of the keyword, the length of its longest border.
    borders: Vec<usize>,
    matched: usize,
}

impl<'a> Search<'a> {
    fn new(keyword: &'a [u8]) -> Self {
        let mut borders = vec![0; keyword.len()];
        let mut matched = 0;
        for index in 1..keyword.len() {
            matched = advance(keyword, &borders, matched, keyword[index]);
            borders[index] = matched;
        }
        Self {
            keyword,
            borders,
            matched: 0,
        }
    }

    fn pass(&mut self, data: &[u8]) {
        for byte in data {
            if self.found() {
                return;
            }
            self.matched = advance(self.keyword, &self.borders, self.matched, *byte);
        }
    }

    fn found(&self) -> bool {
        self.matched == self.keyword.len()
    }
}

/// How much of the keyword is matched after one more byte; `matched` is shorter than the keyword.
fn advance(keyword: &[u8], borders: &[usize], mut matched: usize, byte: u8) -> usize {
    while matched > 0 && keyword[matched] != byte {
        matched = borders[matched - 1];
    }
    matched + usize::from(keyword[matched] == byte)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq};

    use super::*;

    /// Reads all pieces. Returns the error, or whether the body is complete and whether it has the keyword.
    fn read(
        framing: Framing,
        keyword: &str,
        pieces: &[&[u8]],
    ) -> Result<(bool, bool), &'static str> {
        let mut body = Body::new(framing, Some(keyword));
        for piece in pieces {
            if body.take(piece)? {
                return Ok((true, !body.keyword_missing()));
            }
        }
        Ok((body.may_end_here(), !body.keyword_missing()))
    }

    proptest::proptest! {
        #[test]
        fn the_search_agrees_with_str_contains(keyword in "[ab]{1,6}", text in "[abc]{0,60}", cut in any::<proptest::sample::Index>()) {
            let (left, right) = text.as_bytes().split_at(cut.index(text.len() + 1));
            let found = read(Framing::UntilClose, &keyword, &[left, right]);
            prop_assert_eq!(found, Ok((true, text.contains(&keyword))));
        }

        #[test]
        fn chunks_decode_the_same_for_every_split(chunks in vec("[ab]{1,20}", 0..6), keyword in "[ab]{1,4}", size in 1_usize..9) {
            let content = chunks.concat();
            let mut coded: String = chunks.iter().map(|chunk| format!("{:x};x=y\r\n{chunk}\r\n", chunk.len())).collect();
            coded.push_str("0\r\nTrailer: z\r\n\r\n");
            let pieces: Vec<_> = coded.as_bytes().chunks(size).collect();
            prop_assert_eq!(read(Framing::Chunked, &keyword, &pieces), Ok((true, content.contains(&keyword))));
            let cut_short: Vec<_> = coded.as_bytes()[..coded.len() - 1].chunks(size).collect();
            prop_assert_eq!(read(Framing::Chunked, &keyword, &cut_short).map(|(whole, _)| whole), Ok(false));
        }

        #[test]
        fn the_decoder_never_panics_and_ignores_splits(bytes in vec(any::<u8>(), 0..80), digits in "[0-9a-fA-F;\\r\\n]{0,40}", size in 1_usize..20) {
            for input in [bytes.as_slice(), digits.as_bytes()] {
                let pieces: Vec<_> = input.chunks(size).collect();
                let whole = read(Framing::Chunked, "a", &[input]);
                prop_assert_eq!(read(Framing::Chunked, "a", &pieces), whole);
            }
        }
    }
}
