//! Autocomplete and lookup by name for what a guild has stored: endpoints, devices, servers and groups.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use super::error::CommandError;
use super::{reply, texts};
use crate::discord::Context;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::text;
use crate::store::Reader;
use crate::store::endpoints::endpoint::{self, Endpoint};
use crate::store::monitors::group;
use crate::store::monitors::monitor::{self, Monitor};

/// Discord's limits: characters per choice, and choices per list.
const CHOICE_LENGTH: usize = 100;
pub(in crate::discord) const CHOICES: u32 = 25;

/// Suggests endpoints whose name or target contains the typed text, offline ones first.
pub(in crate::discord) async fn endpoint(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
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
            tracing::warn!(%error, "cannot load endpoints for autocomplete");
            CreateAutocompleteResponse::new()
        }
    }
}

/// Suggests devices whose name contains the typed text.
pub(in crate::discord) async fn device(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    of_kind(ctx, Some(MonitorKind::Device), partial).await
}

/// Suggests servers whose name contains the typed text.
pub(in crate::discord) async fn server(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    of_kind(ctx, Some(MonitorKind::Server), partial).await
}

/// Suggests monitors of every kind whose name contains the typed text.
pub(in crate::discord) async fn monitor(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    of_kind(ctx, None, partial).await
}

/// Suggests groups whose name contains the typed text.
pub(in crate::discord) async fn group(
    ctx: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let known = group::list(&ctx.data().store.reader, requester.guild).await;
    let known = known.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot load groups for autocomplete");
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

/// Finds a guild's group by name, ignoring case, and returns the name as stored.
pub(in crate::discord) async fn known_group(
    reader: &Reader,
    guild: GuildId,
    name: &str,
) -> Result<String, CommandError> {
    let known = group::list(reader, guild).await?;
    let meant = known
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    meant
        .map(|(name, _)| name)
        .ok_or_else(|| CommandError::Refused(texts::no_group(name)))
}

async fn of_kind(
    ctx: Context<'_>,
    kind: Option<MonitorKind>,
    partial: &str,
) -> CreateAutocompleteResponse {
    let Ok(requester) = reply::requester(ctx) else {
        return CreateAutocompleteResponse::new();
    };
    let reader = &ctx.data().store.reader;
    match monitor::search(reader, requester.guild, kind, partial.trim(), CHOICES).await {
        Ok(found) => {
            let choices = found.iter().map(|monitor| {
                let label = texts::monitor_choice(&monitor.name, monitor.kind, monitor.status);
                AutocompleteChoice::new(
                    text::cut(&label, CHOICE_LENGTH),
                    format!("#{}", monitor.id),
                )
            });
            CreateAutocompleteResponse::new().set_choices(choices.collect())
        }
        Err(error) => {
            tracing::warn!(%error, "cannot load monitors for autocomplete");
            CreateAutocompleteResponse::new()
        }
    }
}

/// Finds the one monitor of a kind (`None`: any kind) by `#` and its id, or by its name, ignoring case.
pub(in crate::discord) async fn named(
    reader: &Reader,
    guild: GuildId,
    kind: Option<MonitorKind>,
    text: &str,
) -> Result<Monitor, CommandError> {
    let (text, id) = (text.trim(), text.trim().strip_prefix('#'));
    let id = id.and_then(|id| id.parse().ok()).map(MonitorId);
    let searched = if id.is_some() { "" } else { text };
    let found = monitor::search(reader, guild, kind, searched, u32::MAX).await?;
    let mut meant = found.into_iter().filter(|monitor| match id {
        Some(id) => monitor.id == id,
        None => monitor.name.eq_ignore_ascii_case(text),
    });
    match (meant.next(), meant.next()) {
        (Some(monitor), None) => Ok(monitor),
        (Some(_), Some(_)) => Err(CommandError::Refused(texts::several_monitors(text))),
        (None, _) => Err(CommandError::Refused(texts::no_monitor(text))),
    }
}

fn choice(endpoint: &Endpoint) -> AutocompleteChoice {
    let target = endpoint.description.target.to_string();
    let label = texts::endpoint_choice(&endpoint.description.name, &target, endpoint.state.status);
    AutocompleteChoice::new(
        text::cut(&label, CHOICE_LENGTH),
        value(endpoint.id.0, target),
    )
}

/// The value of a choice: the target, which stays readable in the option, or the id if the target is too long.
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
    fn targets_too_long_for_a_choice_use_the_id() {
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
