//! `/status` and `/audit`: the status of all monitors of a guild at a glance, and its audit log.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use crate::discord::Context;
use crate::discord::monitors::{status_card, texts};
use crate::discord::ui::complete;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::domain::event::EventKind;
use crate::store::event::{self, EventFilter};
use crate::store::monitors::monitor;

/// Count monitors by status, and list those that are offline or in warning
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn status(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let reader = &ctx.data().store.reader;
        let counts = monitor::counts_by_status(reader, Some(requester.guild)).await?;
        let troubled = monitor::troubled(reader, requester.guild, status_card::LISTED).await?;
        let not_set_up = monitor::not_set_up(reader, requester.guild).await?;
        let card = status_card::status(&counts, not_set_up, &troubled);
        Ok(Message::embed(card))
    };
    reply::answer(ctx, work).await
}

/// Show the audit log, newest first
#[poise::command(slash_command, guild_only, default_member_permissions = "MANAGE_GUILD")]
pub(in crate::discord) async fn audit(
    ctx: Context<'_>,
    #[description = "Only events of this type"]
    #[rename = "type"]
    #[autocomplete = "kinds"]
    #[max_length = 64]
    kind: Option<String>,
    #[description = "Only events of this monitor"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let kind = kind.as_deref().map(parse_kind).transpose()?;
        let reader = &ctx.data().store.reader;
        let monitor = match &monitor {
            Some(text) => Some(complete::named(reader, requester.guild, None, text).await?),
            None => None,
        };
        let filter = EventFilter {
            kind,
            monitor: monitor.map(|monitor| monitor.id),
            before: i64::MAX,
        };
        let events = event::list(reader, requester.guild, filter, status_card::CHANGES).await?;
        Ok(Message::embed(status_card::audit(&events)))
    };
    reply::answer(ctx, work).await
}

fn parse_kind(word: &str) -> Result<EventKind, CommandError> {
    word.trim()
        .parse::<EventKind>()
        .map_err(|_| texts::unknown_event_type(word))
}

async fn kinds(_: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let choices = EventKind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .filter(|word| word.contains(partial.trim()))
        .take(complete::CHOICES as usize)
        .map(|word| AutocompleteChoice::new(word, word))
        .collect();
    CreateAutocompleteResponse::new().set_choices(choices)
}
