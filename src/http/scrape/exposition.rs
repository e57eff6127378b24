//! Writes samples in the Prometheus text format (version 0.0.4) whose labels are text of any kind.

use std::fmt::Write as _;

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The media type of the text format.
pub(super) const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page in the text format. Each family has a help, a type and then its samples, all in one place.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// Begins a family of gauges. `help` is one sentence, on one line.
    pub fn gauges(&mut self, name: &str, help: &str) {
        // Writing to a text does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    /// Adds a sample to the family that was begun last.
    pub fn sample(&mut self, name: &str, labels: &[Label<'_>], value: f64) {
        self.0.push_str(name);
        for (index, Label(label, text)) in labels.iter().enumerate() {
            self.0.push_str(if index == 0 { "{" } else { "," });
            self.0.push_str(label);
            self.0.push_str("=\"");
            push_escaped(&mut self.0, text);
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {}", Value(value));
    }

    /// Adds a family with one sample.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.gauges(name, help);
        self.sample(name, &[], value);
    }

    /// Adds a line for people, which programs skip.
    pub fn comment(&mut self, text: &str) {
        let _ = writeln!(self.0, "# {text}");
    }
}

impl IntoResponse for Exposition {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, TEXT_FORMAT)], self.0).into_response()
    }
}

/// A label: its name and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label<'a>(pub &'static str, pub &'a str);

/// The format needs three escapes. Other control characters are allowed, but no dashboard shows them, and some readers stop at
/// NUL.
fn push_escaped(page: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '\\' => page.push_str("\\\\"),
            '"' => page.push_str("\\\""),
            '\n' => page.push_str("\\n"),
            control if control.is_control() => page.push(char::REPLACEMENT_CHARACTER),
            other => page.push(other),
        }
    }
}

/// A number as the format spells it.
struct Value(f64);

impl std::fmt::Display for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            f64::INFINITY => out.write_str("+Inf"),
            f64::NEG_INFINITY => out.write_str("-Inf"),
            number => write!(out, "{number}"),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Exposition {
        pub fn text(&self) -> &str {
            &self.0
        }
    }

    /// Reads the value of a label as Prometheus does: up to the first quote that no backslash precedes. Returns it with the
    /// rest of the page.
    fn read_value(text: &str) -> (String, &str) {
        let mut value = String::new();
        let mut letters = text.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => return (value, &text[at + 1..]),
                '\n' => panic!("a line ends in a value: {text}"),
                '\\' => match letters.next().unwrap().1 {
                    'n' => value.push('\n'),
                    escaped @ ('"' | '\\') => value.push(escaped),
                    other => panic!("\\{other} is no escape: {text}"),
                },
                other => value.push(other),
            }
        }
        panic!("the value does not end: {text}");
    }

    fn sample(text: &str) -> Exposition {
        let mut page = Exposition::default();
        page.sample("up", &[Label("id", "1"), Label("name", text)], 1.5);
        page
    }

    proptest! {
        #[test]
        fn any_text_is_a_label_of_one_line_and_reads_back(text in any::<String>()) {
            let page = sample(&text);
            let rest = page.text().strip_prefix("up{id=\"1\",name=\"").unwrap();
            let (value, rest) = read_value(rest);
            let shown = |letter: char| match letter.is_control() && letter != '\n' {
                true => char::REPLACEMENT_CHARACTER,
                false => letter,
            };
            prop_assert_eq!(value, text.chars().map(shown).collect::<String>());
            prop_assert_eq!(rest, "} 1.5\n");
        }
    }

    #[test]
    fn quotes_backslashes_and_line_breaks_are_escaped() {
        for (text, written) in [
            ("plain", "plain"),
            (r#"the "shop""#, r#"the \"shop\""#),
            (r"C:\new", r"C:\\new"),
            ("two\nlines", r"two\nlines"),
            ("\\\n\"", r#"\\\n\""#),
            ("nul\0 cr\r esc\u{1b}", "nul\u{fffd} cr\u{fffd} esc\u{fffd}"),
            ("für 🦆 {a=\"b\"} 1", r#"für 🦆 {a=\"b\"} 1"#),
        ] {
            let expected = format!("up{{id=\"1\",name=\"{written}\"}} 1.5\n");
            assert_eq!(sample(text).text(), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        for (number, written) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (1_800_000_000.0, "1800000000"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(Value(number).to_string(), written);
        }
    }
}
