//! Reads a response body piece by piece, to find where it ends, and passes its content on to the search for the keyword.
//!
//! Nothing of the body is kept. Pieces go through a small buffer and only counters remain, so a check of an endless
//! stream needs no more memory than a check of an empty page.

use super::page::{PageFormat, PageProblem, PageSearch};
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
    /// Whether there was more than the cap.
    is_cut: bool,
    /// `None`: the content does not matter.
    page: Option<PageSearch<'a>>,
}

enum Remaining {
    Length(u64),
    Chunks(Chunks),
    UntilClose,
}

impl<'a> Body<'a> {
    pub(super) fn new(framing: Framing, format: PageFormat, keyword: Option<&'a str>) -> Self {
        let rest = match framing {
            Framing::Empty => Remaining::Length(0),
            Framing::Length(length) => Remaining::Length(length),
            Framing::Chunked => Remaining::Chunks(Chunks::default()),
            Framing::UntilClose => Remaining::UntilClose,
        };
        Self {
            rest,
            taken: 0,
            is_cut: false,
            page: keyword.map(|keyword| PageSearch::new(keyword, format)),
        }
    }

    /// Reads the next bytes. Returns `true` at the end of the body, at the cap and after a failure of the page.
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
                {
                    let (data, rest) = chunks.next(input)?;
                    input = rest;
                    self.pass(data);
                    if self.is_decided() {
                        break;
                    }
                }
            }
        }
        Ok(self.is_complete() || self.is_decided())
    }

    /// Whether the body is complete if the stream ends now.
    pub(super) fn may_end_here(&self) -> bool {
        matches!(self.rest, Remaining::UntilClose) || self.is_complete()
    }

    /// Ends the body; `None` if the page passes.
    pub(super) fn end(self) -> Option<PageProblem> {
        self.page?.end(self.is_cut)
    }

    /// Whether the rest of the body does not matter.
    fn is_decided(&self) -> bool {
        // Whether the page is longer than the cap matters only for a keyword that was not found.
        let needs_more = self.page.as_ref().is_some_and(|page| !page.has_keyword());
        let is_full = self.taken >= BODY_CAP && !needs_more;
        is_full || self.is_cut || self.page.as_ref().is_some_and(|page| page.has_failed())
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
        let room = BODY_CAP - self.taken;
        self.is_cut |= data.len() > room;
        let data = &data[..data.len().min(room)];
        self.taken += data.len();
        if let Some(page) = &mut self.page {
            page.pass(data);
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq};

    use super::*;
    use crate::probe::page::Coding;

    const PLAIN: PageFormat = PageFormat {
        coding: Coding::Identity,
        charset: None,
    };

    /// Reads all pieces. Returns the error, or whether the body is complete and whether it has the keyword.
    fn read(
        framing: Framing,
        keyword: &str,
        pieces: &[&[u8]],
    ) -> Result<(bool, bool), &'static str> {
        let mut body = Body::new(framing, PLAIN, Some(keyword));
        for piece in pieces {
            if body.take(piece)? {
                return Ok((true, body.end().is_none()));
            }
        }
        Ok((body.may_end_here(), body.end().is_none()))
    }

    #[test]
    fn the_byte_behind_the_cap_shows_that_a_page_is_longer() {
        let full = vec![b'x'; BODY_CAP];
        for (rest, problem) in [
            (&b""[..], PageProblem::KeywordMissing),
            (b"x", PageProblem::KeywordNotInTheBeginning),
        ] {
            let mut body = Body::new(Framing::UntilClose, PLAIN, Some("y"));
            assert_eq!(body.take(&full), Ok(false));
            assert_eq!(body.take(rest), Ok(!rest.is_empty()));
            assert_eq!(body.end(), Some(problem));
        }
        // Without a keyword, and once it was found, nothing behind the cap matters.
        for keyword in [None, Some("x")] {
            let mut body = Body::new(Framing::UntilClose, PLAIN, keyword);
            assert_eq!(body.take(&full), Ok(true));
        }
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
