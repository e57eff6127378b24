//! Searches the text of a page for the keyword while the page arrives: decompressed, and in the character encoding that the
//! page has.
//!
//! Nothing of the page is kept. A decompressed page counts up to the same cap as any other one, and decompression stops
//! there, so that a small response that expands to gigabytes is as cheap as an ordinary page.

mod coding;
mod search;
mod text;

use std::io;

pub(super) use coding::Coding;
use encoding_rs::Encoding;
use text::PageText;
pub(super) use text::charset;

use self::coding::Inflater;
use crate::domain::endpoints::http_check::BODY_CAP;

/// How the bytes of a page become text, according to its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageFormat {
    pub(super) coding: Coding,
    /// `None` if the headers name no encoding that is known.
    pub(super) charset: Option<&'static Encoding>,
}

/// Why a page does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageProblem {
    KeywordMissing,
    /// The page is longer than what was searched.
    KeywordNotInTheBeginning,
    /// Rollcall cannot read the page; a sentence says why.
    Unreadable(&'static str),
}

/// A page that is being searched.
pub(super) struct PageSearch<'a>(PageSource<'a>);

enum PageSource<'a> {
    Plain(Box<Decoded<'a>>),
    Compressed(Box<Inflater<'a>>),
    /// The page has a coding that Rollcall cannot read.
    Unreadable(&'static str),
}

impl<'a> PageSearch<'a> {
    pub(super) fn new(keyword: &'a str, format: PageFormat) -> Self {
        let decoded = Decoded {
            text: PageText::new(keyword, format.charset),
            length: 0,
            is_cut: false,
        };
        Self(match format.coding {
            Coding::Identity => PageSource::Plain(Box::new(decoded)),
            Coding::Gzip | Coding::Deflate => {
                PageSource::Compressed(Box::new(Inflater::new(format.coding, decoded)))
            }
            Coding::Unreadable(why) => PageSource::Unreadable(why),
        })
    }

    /// Searches the next bytes of the page, as they were transferred.
    pub(super) fn pass(&mut self, data: &[u8]) {
        match &mut self.0 {
            PageSource::Plain(decoded) => decoded.pass(data),
            PageSource::Compressed(inflater) => inflater.pass(data),
            PageSource::Unreadable(_) => {}
        }
    }

    /// Whether the keyword was found, so that the rest of the page does not matter.
    pub(super) fn has_keyword(&self) -> bool {
        match &self.0 {
            PageSource::Plain(decoded) => decoded.text.has_keyword(),
            PageSource::Compressed(inflater) => inflater.has_keyword(),
            PageSource::Unreadable(_) => false,
        }
    }

    /// Whether it is certain without the rest of the page that the page does not pass.
    pub(super) fn has_failed(&self) -> bool {
        match &self.0 {
            PageSource::Plain(_) => false,
            PageSource::Compressed(inflater) => inflater.has_failed(),
            PageSource::Unreadable(_) => true,
        }
    }

    /// Ends the search; `None` if the page passes. `is_cut`: whether the response is longer than what was passed.
    pub(super) fn end(self, is_cut: bool) -> Option<PageProblem> {
        match self.0 {
            PageSource::Plain(mut decoded) => decoded.end(is_cut),
            PageSource::Compressed(inflater) => inflater.end(is_cut),
            PageSource::Unreadable(why) => Some(PageProblem::Unreadable(why)),
        }
    }
}

/// The decompressed part of a page, up to the cap.
pub(super) struct Decoded<'a> {
    text: PageText<'a>,
    length: usize,
    /// Whether there was more than the cap.
    is_cut: bool,
}

impl Decoded<'_> {
    /// Searches bytes up to the cap.
    fn pass(&mut self, data: &[u8]) {
        let room = BODY_CAP - self.length;
        self.is_cut |= data.len() > room;
        let data = &data[..data.len().min(room)];
        self.length += data.len();
        self.text.pass(data);
    }

    fn is_decided(&self) -> bool {
        self.is_cut || self.text.has_keyword()
    }

    fn end(&mut self, is_cut: bool) -> Option<PageProblem> {
        let is_cut = is_cut || self.is_cut;
        if !is_cut {
            self.text.end();
        }
        match (self.text.has_keyword(), is_cut) {
            (true, _) => None,
            (false, true) => Some(PageProblem::KeywordNotInTheBeginning),
            (false, false) => Some(PageProblem::KeywordMissing),
        }
    }
}

/// A decompressor writes to it. It refuses more once the search is decided: that ends the decompression.
impl io::Write for Decoded<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.is_decided() {
            self.pass(data);
        }
        match self.is_decided() {
            true => Err(io::ErrorKind::QuotaExceeded.into()),
            false => Ok(data.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
