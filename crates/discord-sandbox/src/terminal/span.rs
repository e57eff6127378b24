//! Text with styles, and how it is wrapped at words.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// Text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub text: String,
    pub style: Style,
}

impl Span {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }
}

/// One line of the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(pub Vec<Span>);

impl Line {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(vec![Span::new(text, Style::new())])
    }

    /// The line with a text before it.
    pub(super) fn after(mut self, prefix: Span) -> Self {
        self.0.insert(0, prefix);
        self
    }

    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|span| span.text.width()).sum()
    }

    /// The line for a terminal: with its styles, or without any.
    pub(super) fn show(&self, has_styles: bool) -> String {
        let show = |span: &Span| match has_styles && span.style != Style::new() {
            true => format!("{}{}{}", span.style, span.text, span.style.render_reset()),
            false => span.text.clone(),
        };
        self.0.iter().map(show).collect()
    }
}

/// Wraps a line at words to a width. Lines but the first are indented. A word that is longer than a line is cut.
pub(super) fn wrap(line: Line, width: usize, indent: usize) -> Vec<Line> {
    let width = width.max(indent + 8);
    let mut wrapped = Wrapped {
        lines: vec![Line::default()],
        width,
        indent,
    };
    for span in line.0 {
        for word in words(&span.text) {
            wrapped.put(word, span.style);
        }
    }
    wrapped.lines
}

/// Words, and the blanks between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_blank = first == ' ';
        let end = rest.find(|one| (one == ' ') != is_blank);
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(word)
    })
}

struct Wrapped {
    lines: Vec<Line>,
    width: usize,
    indent: usize,
}

impl Wrapped {
    fn put(&mut self, word: &str, style: Style) {
        let used = self.last().width();
        if used + word.width() <= self.width {
            return self.push(word, style);
        }
        if word.starts_with(' ') {
            return self.break_line();
        }
        if used > self.indent {
            self.break_line();
        }
        let mut rest = word;
        while self.last().width() + rest.width() > self.width {
            let room = self.width - self.last().width();
            let (head, tail) = rest.split_at(fitting(rest, room));
            self.push(head, style);
            self.break_line();
            rest = tail;
        }
        self.push(rest, style);
    }

    fn push(&mut self, text: &str, style: Style) {
        let last = self.lines.len() - 1;
        let spans = &mut self.lines[last].0;
        match spans.last_mut() {
            Some(span) if span.style == style => span.text.push_str(text),
            _ => spans.push(Span::new(text, style)),
        }
    }

    /// Ends the line, without the blanks at its end.
    fn break_line(&mut self) {
        let last = self.lines.len() - 1;
        let spans = &mut self.lines[last].0;
        while let Some(span) = spans.last_mut() {
            span.text.truncate(span.text.trim_end_matches(' ').len());
            if !span.text.is_empty() {
                break;
            }
            spans.pop();
        }
        self.lines.push(match self.indent {
            0 => Line::default(),
            indent => Line::plain(" ".repeat(indent)),
        });
    }

    fn last(&self) -> &Line {
        &self.lines[self.lines.len() - 1]
    }
}

/// The end of the longest start of a word that has at most this many columns, but at least one character.
fn fitting(word: &str, columns: usize) -> usize {
    let mut end = 0;
    for (at, letter) in word.char_indices() {
        let next = at + letter.len_utf8();
        if end > 0 && word[..next].width() > columns {
            break;
        }
        end = next;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
        let lines = wrap(Line::plain(text), width, indent);
        lines.iter().map(|line| line.show(false)).collect()
    }

    #[test]
    fn lines_are_wrapped_at_words_and_only_long_words_are_cut() {
        assert_eq!(wrapped("one two three", 13, 0), ["one two three"]);
        assert_eq!(wrapped("one two three", 12, 0), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 10, 2), ["one two", "  three"]);
        assert_eq!(wrapped("abcdefghijkl", 8, 0), ["abcdefgh", "ijkl"]);
        // Wide characters take two columns.
        assert_eq!(wrapped("🟢🟢🟢🟢🟢", 8, 0), ["🟢🟢🟢🟢", "🟢"]);
        assert_eq!(wrapped("", 8, 0), [""]);
    }

    #[test]
    fn styles_stay_with_their_words() {
        let line = Line(vec![
            Span::new("one ", Style::new()),
            Span::new("two three", Style::new().bold()),
        ]);
        let lines = wrap(line, 9, 0);
        assert_eq!(lines[0].show(true), "one \u{1b}[1mtwo\u{1b}[0m");
        assert_eq!(lines[1].show(true), "\u{1b}[1mthree\u{1b}[0m");
    }
}
