//! `/ack`: acknowledges an incident, like the button under its message.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use crate::discord::Context;
use crate::discord::incidents::{handlers, incident_option, texts};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::{access, complete, reply};
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::text;
use crate::notify::wording;
use crate::store::incidents::incident;

/// Acknowledge an incident to stop reminders and escalation
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn ack(
    ctx: Context<'_>,
    #[description = "Incident (default: the only unacknowledged one)"]
    #[autocomplete = "incident"]
    #[max_length = 100]
    incident: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let app = ctx.data();
        access::require_responder(&app.store.reader, requester, reply::member(ctx)).await?;
        let id = match incident {
            Some(text) => incident_option::parse(&text)?,
            None => only_one(ctx, requester.guild).await?,
        };
        handlers::acknowledge(app, requester, id).await
    };
    reply::answer(ctx, work).await
}

async fn only_one(
    ctx: Context<'_>,
    guild: crate::domain::discord_id::GuildId,
) -> Result<IncidentId, CommandError> {
    let app = ctx.data();
    let known = incident::unacknowledged(&app.store.reader, guild).await?;
    match known.as_slice() {
        [only] => Ok(*only),
        [] => Err(texts::no_unacknowledged_incidents()),
        several => Err(texts::several_unacknowledged_incidents(several.len())),
    }
}

async fn incident(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let choices = choices(ctx, &partial.trim().to_lowercase()).await;
    let choices = choices.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot load incidents for autocomplete");
        Vec::new()
    });
    CreateAutocompleteResponse::new().set_choices(choices)
}

async fn choices(ctx: Context<'_>, partial: &str) -> Result<Vec<AutocompleteChoice>, CommandError> {
    let (requester, app) = (reply::requester(ctx)?, ctx.data());
    let reader = &app.store.reader;
    let mut choices = Vec::new();
    for id in incident::unacknowledged(reader, requester.guild).await? {
        let Some(incident) = incident::get(reader, id).await? else {
            continue;
        };
        let label = text::cut(&wording::title(&incident, str::to_owned), 100);
        if label.to_lowercase().contains(partial) {
            choices.push(AutocompleteChoice::new(label, format!("#{}", id.0)));
        }
        if choices.len() >= complete::CHOICES as usize {
            break;
        }
    }
    Ok(choices)
}
