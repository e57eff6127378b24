//! Status pages: what people outside of Discord see of monitors. A page has an address of its own, and shows monitors as items under
//! public names, never their addresses.

pub mod item_key;
pub mod slug;

use crate::monitor::{MonitorId, ValidationError};
use crate::text::is_unseen;

/// The most pages of a guild.
pub const MOST_PAGES: u64 = 20;

/// The most items of a page.
pub const MOST_ITEMS: u64 = 200;

/// The longest title, public name and name of a group, in characters.
pub const LONGEST_TITLE: usize = 100;

/// The longest text about a page, in characters.
pub const LONGEST_ABOUT: usize = 2_000;

/// The id of a status page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusPageId(pub i64);

/// An item of a page, as a person adds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPageItem {
    pub monitor: MonitorId,
    /// As `parse_title` returns it.
    pub name: String,
    /// The heading above it; `None`: it has none.
    pub group: Option<String>,
}

/// Reads a title, a public name or the name of a group: 1 to 100 visible characters on one line.
pub fn parse_title(text: &str) -> Result<String, ValidationError> {
    let title = text.trim();
    let length = title.chars().count();
    if length == 0 || length > LONGEST_TITLE {
        return Err(ValidationError::new(format!(
            "the name must have 1 to {LONGEST_TITLE} characters. Example: `Web shop`"
        )));
    }
    if title.chars().any(is_unseen) {
        return Err(ValidationError::new(
            "the name contains invisible characters. Example: `Web shop`",
        ));
    }
    Ok(title.to_owned())
}

/// Reads the text about a page: Markdown, at most 2,000 characters; may be empty.
pub fn parse_about(text: &str) -> Result<String, ValidationError> {
    let about = text.trim();
    match about.chars().count() <= LONGEST_ABOUT {
        true => Ok(about.to_owned()),
        false => Err(ValidationError::new(format!(
            "the text may have {LONGEST_ABOUT} characters at most. Example: `Status of our services`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_visible_and_short() {
        assert_eq!(parse_title("  Web shop "), Ok("Web shop".into()));
        for (length, is_good) in [(0, false), (1, true), (100, true), (101, false)] {
            assert_eq!(
                parse_title(&"ä".repeat(length)).is_ok(),
                is_good,
                "{length}"
            );
        }
        for wrong in ["a\nb", "a\u{202e}b", "\u{200b}"] {
            assert!(parse_title(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn texts_about_a_page_have_at_most_2000_characters() {
        for (length, is_good) in [(0, true), (2_000, true), (2_001, false)] {
            assert_eq!(
                parse_about(&"ä".repeat(length)).is_ok(),
                is_good,
                "{length}"
            );
        }
        assert_eq!(parse_about(" a\n\nb \n"), Ok("a\n\nb".into()));
    }
}
