//! Decompresses a page. Checks do not ask for compressed pages, but some servers and caches send them.

use std::io::Write;

use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::{Decoded, PageProblem};

/// Compressed bytes that are decompressed at once. What a page does must not depend on the pieces in which it arrives, so
/// they are joined to blocks of this size.
const BLOCK: usize = 1024;

/// How a page is compressed, by its header `Content-Encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Coding {
    Identity,
    Gzip,
    Deflate,
    /// In a way that Rollcall cannot read; a sentence says why.
    Unreadable(&'static str),
}

impl Coding {
    /// Reads the values of all `Content-Encoding` headers. Other names than those of compressions, such as `none` or
    /// `aws-chunked`, are ignored, as browsers do.
    pub(in crate::probe) fn parse<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut names = values
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|name| is_compression(name));
        let Some(name) = names.next() else {
            return Self::Identity;
        };
        if names.next().is_some() {
            return Self::Unreadable(
                "the page is compressed more than once, which Rollcall cannot read",
            );
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("gzip") || is("x-gzip") {
            Self::Gzip
        } else if is("deflate") {
            Self::Deflate
        } else if is("br") {
            Self::Unreadable("the page is compressed with br, which Rollcall cannot read")
        } else if is("zstd") {
            Self::Unreadable("the page is compressed with zstd, which Rollcall cannot read")
        } else {
            Self::Unreadable("the page is compressed with compress, which Rollcall cannot read")
        }
    }
}

fn is_compression(name: &[u8]) -> bool {
    let known = [
        "gzip",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "x-compress",
    ];
    known
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// A compressed page that is being searched.
pub(super) struct Inflater<'a> {
    coding: Coding,
    block: Vec<u8>,
    state: Decompressor<'a>,
}

enum Decompressor<'a> {
    /// Nothing was decompressed yet.
    New(Decoded<'a>),
    Gzip(GzDecoder<Decoded<'a>>),
    /// `deflate` as the standard means it, with a zlib header.
    Zlib(ZlibDecoder<Decoded<'a>>),
    /// `deflate` as some servers mean it.
    Deflate(DeflateDecoder<Decoded<'a>>),
    Damaged,
}

impl<'a> Inflater<'a> {
    pub(super) fn new(coding: Coding, decoded: Decoded<'a>) -> Self {
        Self {
            coding,
            block: Vec::with_capacity(BLOCK),
            state: Decompressor::New(decoded),
        }
    }

    pub(super) fn pass(&mut self, mut data: &[u8]) {
        while !data.is_empty() && !self.is_decided() {
            let length = data.len().min(BLOCK - self.block.len());
            self.block.extend_from_slice(&data[..length]);
            data = &data[length..];
            if self.block.len() == BLOCK {
                self.inflate();
            }
        }
    }

    pub(super) fn has_keyword(&self) -> bool {
        self.decoded()
            .is_some_and(|decoded| decoded.text.has_keyword())
    }

    pub(super) fn has_failed(&self) -> bool {
        self.is_decided() && !self.has_keyword()
    }

    pub(super) fn end(mut self, is_cut: bool) -> Option<PageProblem> {
        self.inflate();
        if !self.write_out(is_cut) && !self.is_decided() {
            self.state = Decompressor::Damaged;
        }
        match &mut self.state {
            Decompressor::New(decoded) => decoded.end(is_cut),
            Decompressor::Gzip(gzip) => gzip.get_mut().end(is_cut),
            Decompressor::Zlib(zlib) => zlib.get_mut().end(is_cut),
            Decompressor::Deflate(deflate) => deflate.get_mut().end(is_cut),
            Decompressor::Damaged => Some(PageProblem::Unreadable(match self.coding {
                Coding::Gzip => "the page is not valid gzip, although its header says so",
                _ => "the page is not valid deflate, although its header says so",
            })),
        }
    }

    /// Decompresses the block. Bytes behind the end of the compressed data are ignored, as browsers do.
    fn inflate(&mut self) {
        let block = std::mem::take(&mut self.block);
        self.start(&block);
        let mut rest = block.as_slice();
        while !rest.is_empty() && !self.is_decided() {
            let Some(decoder) = self.decoder() else { break };
            match decoder.write(rest) {
                Ok(0) => break,
                Ok(length) => rest = &rest[length..],
                // An error of the search itself: it is decided.
                Err(_) if self.is_decided() => break,
                Err(_) => self.state = Decompressor::Damaged,
            }
        }
        self.block = block;
        self.block.clear();
    }

    /// Chooses the decompressor by the first byte.
    fn start(&mut self, block: &[u8]) {
        let (Decompressor::New(_), Some(first)) = (&self.state, block.first()) else {
            return;
        };
        if let Decompressor::New(decoded) =
            std::mem::replace(&mut self.state, Decompressor::Damaged)
        {
            // The method in a zlib header is 8. Without a header, this would be a stored block with padding that no
            // compressor writes.
            let has_zlib_header = first & 0x0f == 8;
            self.state = match (self.coding, has_zlib_header) {
                (Coding::Gzip, _) => Decompressor::Gzip(GzDecoder::new(decoded)),
                (_, true) => Decompressor::Zlib(ZlibDecoder::new(decoded)),
                (_, false) => Decompressor::Deflate(DeflateDecoder::new(decoded)),
            };
        }
    }

    fn decoder(&mut self) -> Option<&mut dyn Write> {
        match &mut self.state {
            Decompressor::New(_) | Decompressor::Damaged => None,
            Decompressor::Gzip(gzip) => Some(gzip),
            Decompressor::Zlib(zlib) => Some(zlib),
            Decompressor::Deflate(deflate) => Some(deflate),
        }
    }

    /// Searches what the decompressor still holds; `false` if the data is damaged or ends early.
    fn write_out(&mut self, is_cut: bool) -> bool {
        if is_cut {
            return self.decoder().is_none_or(|decoder| decoder.flush().is_ok());
        }
        match &mut self.state {
            Decompressor::New(_) | Decompressor::Damaged => true,
            Decompressor::Gzip(gzip) => gzip.try_finish().is_ok(),
            Decompressor::Zlib(zlib) => zlib.try_finish().is_ok(),
            Decompressor::Deflate(deflate) => deflate.try_finish().is_ok(),
        }
    }

    fn is_decided(&self) -> bool {
        self.decoded().is_none_or(Decoded::is_decided)
    }

    pub(super) fn decoded(&self) -> Option<&Decoded<'a>> {
        match &self.state {
            Decompressor::New(decoded) => Some(decoded),
            Decompressor::Gzip(gzip) => Some(gzip.get_ref()),
            Decompressor::Zlib(zlib) => Some(zlib.get_ref()),
            Decompressor::Deflate(deflate) => Some(deflate.get_ref()),
            Decompressor::Damaged => None,
        }
    }
}
