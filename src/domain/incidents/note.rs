//! Notes of an incident: what people and programs write about it while they work on it, and afterward.

use crate::monitor::ValidationError;
use crate::text::is_unseen;

/// A note's ID; IDs are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoteId(pub i64);

/// The maximum length of a note, in characters.
pub const MAX_NOTE: usize = 1_000;

/// The maximum number of notes of one incident.
pub const MAX_NOTES: u64 = 100;

/// Reads a note: 1 to 1,000 characters on any number of lines, none of them control or direction characters.
///
/// # Errors
/// It is empty, too long, or contains invisible characters.
pub fn parse_note(text: &str) -> Result<String, ValidationError> {
    let note = text.trim();
    let length = note.chars().count();
    if length == 0 || length > MAX_NOTE {
        return Err(ValidationError::new(
            "the note must have 1 to 1,000 characters. Example: `the provider works on it`",
        ));
    }
    let is_hidden = |character: char| is_unseen(character) && character != '\n';
    if note.chars().any(is_hidden) {
        return Err(ValidationError::new(
            "the note contains invisible characters. Example: `the provider works on it`",
        ));
    }
    Ok(note.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_1_to_1000_visible_characters_on_any_number_of_lines() {
        let (longest, beyond) = ("ä".repeat(MAX_NOTE), "ä".repeat(MAX_NOTE + 1));
        for (text, note) in [
            ("x", Some("x")),
            (" power is back \n", Some("power is back")),
            ("one\n\ntwo", Some("one\n\ntwo")),
            (&longest, Some(&*longest)),
            (&beyond, None),
            ("", None),
            (" \n ", None),
            ("a\tb", None),
            ("a\r\nb", None),
            ("a\u{202e}b", None),
            ("a\u{200b}b", None),
        ] {
            assert_eq!(parse_note(text).ok().as_deref(), note, "{text:?}");
        }
    }
}
