//! The option `type` of `/audit`: reads and suggests the types of events in words.

mod texts;

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use crate::discord::Context;
use crate::discord::ui::complete::CHOICES;
use crate::discord::ui::error::CommandError;
use crate::domain::event::EventKind;

/// Reads a type by its name or by its words.
pub(super) fn parse(typed: &str) -> Result<EventKind, CommandError> {
    let word = typed.trim();
    let by_words = || {
        let mut kinds = EventKind::ALL.iter().copied();
        kinds.find(|kind| texts::words(*kind).eq_ignore_ascii_case(word))
    };
    let by_name = word.parse::<EventKind>().ok();
    let found = by_name.or_else(by_words);
    found.ok_or_else(|| texts::unknown_event_type(typed))
}

/// The types that contain what was typed, in words.
pub(super) async fn complete(_: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let partial = partial.trim().to_lowercase();
    let choices = EventKind::ALL
        .iter()
        .map(|kind| (texts::words(*kind), kind.as_str()))
        .filter(|(words, name)| words.to_lowercase().contains(&partial) || name.contains(&partial))
        .take(CHOICES as usize)
        .map(|(words, name)| AutocompleteChoice::new(words, name))
        .collect();
    CreateAutocompleteResponse::new().set_choices(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name_and_by_its_words() {
        for kind in EventKind::ALL {
            for typed in [kind.as_str(), texts::words(*kind)] {
                assert_eq!(parse(&format!(" {typed} ")).ok(), Some(*kind), "{typed}");
            }
        }
        assert!(parse("endpoint lost").is_err());
    }
}
