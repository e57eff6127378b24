//! Texts of people and times of the page, as pages and feeds show them: without invisible characters, cut, and escaped for markup.

use super::snapshot::{LONGEST_NAME, LONGEST_TITLE};
use crate::domain::Timestamp;
use crate::domain::silences::maintenance::Tz;
use crate::domain::text;

/// A name on one line.
pub fn name(foreign: &str) -> String {
    one_line(foreign, LONGEST_NAME)
}

/// A title on one line.
pub fn title(foreign: &str) -> String {
    one_line(foreign, LONGEST_TITLE)
}

fn one_line(foreign: &str, limit: usize) -> String {
    let visible = foreign.chars().map(|one| match one {
        '\n' | '\r' | '\t' => ' ',
        other => other,
    });
    // What is cut anyway is not read.
    let visible = visible.filter(|one| !text::is_unseen(*one) && !is_no_xml(*one));
    let line: String = visible.take(limit + 1).collect();
    text::cut(line.trim(), limit)
}

/// Whether XML has no way to write a character, although it is visible to Rust.
fn is_no_xml(character: char) -> bool {
    matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// A text on several lines, without the characters that change how it looks.
pub fn body(foreign: &str, limit: usize) -> String {
    let lines = foreign.chars().map(|one| match one {
        '\t' => ' ',
        other => other,
    });
    let visible = lines.filter(|one| *one == '\n' || !(text::is_unseen(*one) || is_no_xml(*one)));
    let visible: String = visible.take(limit + 1).collect();
    text::cut(&visible, limit)
}

/// Names one after another. Of many, the first ones and how many there are.
pub fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    let shown: Vec<String> = names.iter().take(MOST).map(|one| name(one)).collect();
    let list = shown.join(", ");
    match names.len().saturating_sub(MOST) {
        0 => list,
        more => format!("{list}, … (+{more})"),
    }
}

/// Escapes text for the content and for quoted attributes of HTML, XML and SVG.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The date of a moment in a zone: `2026-11-12`.
pub fn date(at: Timestamp, zone: Tz) -> String {
    let mut minute = text::local_minute(at, zone);
    minute.truncate(minute.find(' ').unwrap_or(minute.len()));
    minute
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_visible_line_of_at_most_100_characters() {
        for (foreign, shown) in [
            ("  shop \n", "shop"),
            ("a\nb\tc", "a b c"),
            ("shop\u{202e}gpj", "shopgpj"),
            ("\u{0}\u{1b}[31m\u{fffe}x", "[31mx"),
            ("店 Ωμέγα", "店 Ωμέγα"),
        ] {
            assert_eq!(name(foreign), shown);
        }
        assert_eq!(name(&"ä".repeat(100)), "ä".repeat(100));
        assert_eq!(name(&"ä".repeat(101)), format!("{}…", "ä".repeat(99)));
        assert_eq!(name(&"\u{200b}".repeat(10_000)), "");
        assert_eq!(title(&"x".repeat(10_000)).chars().count(), 200);
    }

    #[test]
    fn a_body_keeps_its_lines() {
        assert_eq!(body("a\n\n\u{202e}b\tc\r\n", 100), "a\n\nb c\n");
        assert_eq!(body("abcd", 4), "abcd");
        assert_eq!(body("abcde", 4), "abc…");
    }

    #[test]
    fn markup_of_people_is_text() {
        assert_eq!(
            escaped(r#"<script src='x'>&"</script>"#),
            "&lt;script src=&#39;x&#39;&gt;&amp;&quot;&lt;/script&gt;"
        );
    }

    #[test]
    fn many_names_are_counted() {
        let names: Vec<String> = (1..=14).map(|one| one.to_string()).collect();
        assert_eq!(listed(&names[..2]), "1, 2");
        assert_eq!(
            listed(&names[..12]),
            "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"
        );
        assert!(listed(&names).ends_with("12, … (+2)"));
    }
}
