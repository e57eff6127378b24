//! The reply to a member whose command failed.

use super::error::{CommandError, internal_error, outside};
use super::reply::Message;
use crate::discord::DiscordState;
use crate::domain::text;

/// Replies to the member whose command failed, with a sentence about the error.
pub(in crate::discord) async fn answer(
    error: poise::FrameworkError<'_, DiscordState, CommandError>,
) {
    let Some(ctx) = error.ctx() else {
        return tracing::error!(
            error = without_context(error),
            "handling an event from Discord failed"
        );
    };
    let sentence = match error {
        poise::FrameworkError::Command { error: CommandError::Refused(sentence), .. } => sentence,
        poise::FrameworkError::Command { error: CommandError::Internal(reason), .. } => internal_error(ctx.id(), &reason),
        poise::FrameworkError::CommandPanic { payload, .. } => {
            internal_error(ctx.id(), &format!("panicked: {}", payload.unwrap_or_default()))
        }
        poise::FrameworkError::CooldownHit { remaining_cooldown, .. } => {
            format!("Not so fast: you can do that again in {}.", text::duration(remaining_cooldown))
        }
        poise::FrameworkError::GuildOnly { .. } => "This works in a server only, not in direct messages.".into(),
        poise::FrameworkError::MissingUserPermissions { .. } => {
            "This needs the permission **Manage Server**; ask somebody who has it.".into()
        }
        poise::FrameworkError::ArgumentParse { error, .. } => {
            tracing::debug!(%error, "parsing a command option failed");
            "One of the options could not be read; choose it from the list, or see its description.".into()
        }
        poise::FrameworkError::CommandStructureMismatch { .. } => {
            "This command has changed since Discord learned it; reload Discord (Ctrl+R) and try again.".into()
        }
        other => internal_error(ctx.id(), &other.to_string()),
    };
    let sent = ctx.send(Message::sentence(sentence).into_reply()).await;
    if let Err(error) = sent {
        tracing::warn!(reason = outside(&error), "replying with an error failed");
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
