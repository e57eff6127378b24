//! Autocomplete for everything stored: endpoints of this guild by name or address.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use super::error::CommandError;
use super::{Context, reply};
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::text;
use crate::store::endpoint::{self, Endpoint};
use crate::store::monitor::{self, Monitor};
use crate::store::{Reader, group};

/// What Discord takes of a choice, in characters, and how many choices.
const CHOICE_LENGTH: usize = 100;
pub(super) const CHOICES: u32 = 25;

/// Endpoints whose name or target holds what was typed; those that are down come first.
pub(super) async fn endpoint(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let found = endpoint::search(
        &ctx.data().store.reader,
        requester.guild,
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

/// Devices whose name holds what was typed.
pub(super) async fn device(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    of_kind(ctx, "device", partial).await
}

/// Servers whose name holds what was typed.
pub(super) async fn server(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    of_kind(ctx, "server", partial).await
}

/// Monitors of every kind whose name holds what was typed.
pub(super) async fn monitor(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    of_kind(ctx, "%", partial).await
}

/// Groups whose name holds what was typed.
pub(super) async fn group(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let known = group::list(&ctx.data().store.reader, requester.guild).await;
    let known = known.unwrap_or_else(|error| {
        tracing::warn!(%error, "groups could not be looked up for autocomplete");
        Vec::new()
    });
    let partial = partial.trim().to_lowercase();
    let choices = known
        .into_iter()
        .filter(|(name, _)| name.to_lowercase().contains(&partial))
        .take(CHOICES as usize)
        .map(|(name, _)| AutocompleteChoice::new(name.clone(), name));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

/// The group of a guild that is meant by a name, as it is kept.
pub(super) async fn known_group(
    reader: &Reader,
    guild: GuildId,
    name: &str,
) -> Result<String, CommandError> {
    let known = group::list(reader, guild).await?;
    let meant = known
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    meant.map(|(name, _)| name).ok_or_else(|| {
        CommandError::Refused(format!(
            "No group here is called {}; choose it from the list that appears while you type.",
            text::code(&text::cut(name, 64))
        ))
    })
}

async fn of_kind(ctx: Context<'_>, kind: &str, partial: &str) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let reader = &ctx.data().store.reader;
    match monitor::search(reader, requester.guild, (kind, partial.trim()), CHOICES).await {
        Ok(found) => {
            let choices = found.iter().map(|monitor| {
                let label = format!("{} · {}", monitor.name, monitor.status.word());
                AutocompleteChoice::new(
                    text::cut(&label, CHOICE_LENGTH),
                    format!("#{}", monitor.id),
                )
            });
            CreateAutocompleteResponse::new().set_choices(choices.collect())
        }
        Err(error) => {
            tracing::warn!(%error, "monitors could not be looked up for autocomplete");
            CreateAutocompleteResponse::new()
        }
    }
}

/// The one monitor of a kind (`%`: of any) that is meant by `#` and an id, or by its name.
pub(super) async fn named(
    reader: &Reader,
    guild: GuildId,
    (kind, text): (&str, &str),
) -> Result<Monitor, CommandError> {
    let (text, id) = (text.trim(), text.trim().strip_prefix('#'));
    let id = id.and_then(|id| id.parse().ok()).map(MonitorId);
    let searched = if id.is_some() { "" } else { text };
    let found = monitor::search(reader, guild, (kind, searched), u32::MAX).await?;
    let mut meant = found.into_iter().filter(|monitor| match id {
        Some(id) => monitor.id == id,
        None => monitor.name.eq_ignore_ascii_case(text),
    });
    match (meant.next(), meant.next()) {
        (Some(monitor), None) => Ok(monitor),
        (Some(_), Some(_)) => Err(CommandError::Refused(format!(
            "More than one is called {}; choose it from the list that appears while you type.",
            text::code(&text::cut(text, 64))
        ))),
        (None, _) => Err(CommandError::Refused(format!(
            "Nothing here is called {}; choose it from the list that appears while you type.",
            text::code(&text::cut(text, 64))
        ))),
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
