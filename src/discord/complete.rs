//! Autocomplete for everything stored: endpoints of this guild by name or address.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use super::{Context, reply};
use crate::domain::text;
use crate::store::endpoint::{self, Endpoint};

/// What Discord takes of a choice, in characters, and how many choices.
const CHOICE_LENGTH: usize = 100;
const CHOICES: u32 = 25;

/// Endpoints whose name or target holds what was typed; those that are down come first.
pub(super) async fn endpoint(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let Ok(asker) = reply::asker(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let found = endpoint::search(
        &ctx.data().store.reader,
        asker.guild,
        partial.trim(),
        CHOICES,
    )
    .await;
    match found {
        Ok(found) => {
            CreateAutocompleteResponse::new().set_choices(found.iter().map(choice).collect())
        }
        Err(error) => {
            tracing::warn!(%error, "endpoints could not be looked up for autocomplete");
            CreateAutocompleteResponse::new()
        }
    }
}

fn choice(endpoint: &Endpoint) -> AutocompleteChoice {
    let target = endpoint.description.target.to_string();
    let label = format!(
        "{} · {target} · {}",
        endpoint.description.name,
        endpoint.state.status.word()
    );
    AutocompleteChoice::new(
        text::cut(&label, CHOICE_LENGTH),
        value(endpoint.id.0, target),
    )
}

/// The target itself, which reads well if it stays in the box; its id where it is too long for a choice.
fn value(id: i64, target: String) -> String {
    if target.len() <= CHOICE_LENGTH {
        target
    } else {
        format!("#{id}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_target_is_chosen_by_its_id() {
        assert_eq!(
            value(7, "tcp://203.0.113.7:80".into()),
            "tcp://203.0.113.7:80"
        );
        assert_eq!(
            value(7, format!("http://example.org/{}", "x".repeat(90))),
            "#7"
        );
    }
}
