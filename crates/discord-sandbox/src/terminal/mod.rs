//! Messages in a terminal, as Discord shows them: markdown as bold and italic text, times relative to now, channels and members by
//! name, embeds beside a bar in their color, lines wrapped at words.

mod markdown;
mod message;
mod span;

use std::collections::BTreeMap;

use crate::reply::Reply;

/// The names that Discord's client knows; messages have only numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub users: BTreeMap<u64, String>,
    pub roles: BTreeMap<u64, String>,
    pub channels: BTreeMap<u64, String>,
}

/// How messages are shown.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub names: &'a Names,
    /// The columns of the terminal.
    pub width: usize,
    /// Whether text has colors and is bold; otherwise it is plain.
    pub has_styles: bool,
    /// The time that relative times are about, in milliseconds since 1970; see `Sandbox::now`.
    pub now: u64,
}

impl View<'_> {
    /// A message as lines, each with a line break at its end.
    pub fn message(&self, message: &Reply) -> String {
        let lines = message::lines(message, self);
        let shown = lines.into_iter().map(|line| line.show(self.has_styles));
        shown.map(|line| line + "\n").collect()
    }

    /// A text with Discord's markdown as lines, each with a line break at its end.
    pub fn text(&self, text: &str) -> String {
        let lines = markdown::lines(text, self, self.width);
        let shown = lines.into_iter().map(|line| line.show(self.has_styles));
        shown.map(|line| line + "\n").collect()
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.now / 1_000).unwrap_or(i64::MAX)
    }
}
