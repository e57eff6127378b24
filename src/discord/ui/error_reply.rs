//! The reply to a member whose command failed.

use poise::serenity_prelude as serenity;

use super::error::{CommandError, internal_error, outside};
use super::reply::Message;
use super::texts;
use crate::discord::DiscordState;

/// Replies to the member whose command failed, with a sentence about the error.
pub(in crate::discord) async fn answer(
    error: poise::FrameworkError<'_, DiscordState, CommandError>,
) {
    let Some(ctx) = error.ctx() else {
        return tracing::error!(
            error = without_context(error),
            "cannot handle an event from Discord"
        );
    };
    if let poise::Context::Application(ctx) = ctx
        && ctx.interaction_type == poise::CommandInteractionType::Autocomplete
    {
        return suggest_nothing(ctx, &error).await;
    }
    let sentence = match error {
        poise::FrameworkError::Command {
            error: CommandError::Refused(sentence),
            ..
        }
        | poise::FrameworkError::CommandCheckFailed {
            error: Some(CommandError::Refused(sentence)),
            ..
        } => sentence,
        poise::FrameworkError::Command {
            error: CommandError::Internal(reason),
            ..
        } => internal_error(ctx.id(), &reason),
        poise::FrameworkError::CommandPanic { payload, .. } => internal_error(
            ctx.id(),
            &format!("panicked: {}", payload.unwrap_or_default()),
        ),
        poise::FrameworkError::GuildOnly { .. } => texts::ONLY_IN_SERVERS.into(),
        poise::FrameworkError::MissingUserPermissions { .. } => texts::NEEDS_MANAGE_SERVER.into(),
        poise::FrameworkError::ArgumentParse { error, input, .. } => {
            tracing::debug!(%error, "cannot parse a command option");
            texts::invalid_option(input.as_deref())
        }
        poise::FrameworkError::CommandStructureMismatch { .. } => texts::COMMAND_CHANGED.into(),
        other => internal_error(ctx.id(), &other.to_string()),
    };
    let sent = ctx.send(Message::sentence(sentence).into_reply()).await;
    if let Err(error) = sent {
        tracing::warn!(error = outside(&error), "cannot reply with an error");
    }
}

/// Autocomplete can show no message. Members without the permission get no suggestions, and neither does anybody if it fails.
async fn suggest_nothing(
    ctx: poise::ApplicationContext<'_, DiscordState, CommandError>,
    error: &poise::FrameworkError<'_, DiscordState, CommandError>,
) {
    tracing::debug!(%error, "autocomplete was refused");
    let nothing = serenity::CreateAutocompleteResponse::new();
    let response = serenity::CreateInteractionResponse::Autocomplete(nothing);
    let sent = ctx
        .interaction
        .create_response(ctx.serenity_context(), response);
    if let Err(error) = sent.await {
        tracing::debug!(error = outside(&error), "cannot answer an autocomplete");
    }
}

fn without_context(error: poise::FrameworkError<'_, DiscordState, CommandError>) -> String {
    match error {
        poise::FrameworkError::EventHandler {
            error: CommandError::Internal(reason),
            ..
        } => reason,
        other => other.to_string(),
    }
}
