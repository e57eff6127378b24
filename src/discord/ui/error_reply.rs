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
        poise::FrameworkError::Command {
            error: CommandError::Refused(sentence),
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
        poise::FrameworkError::CooldownHit {
            remaining_cooldown, ..
        } => {
            format!("Try again in {}.", text::duration(remaining_cooldown))
        }
        poise::FrameworkError::GuildOnly { .. } => {
            "Use this command in a Discord server, not in direct messages.".into()
        }
        poise::FrameworkError::MissingUserPermissions { .. } => {
            "You need the permission **Manage Server** for this.".into()
        }
        poise::FrameworkError::ArgumentParse { error, .. } => {
            tracing::debug!(%error, "parsing a command option failed");
            "One of the options is invalid. Choose a value from the list, or read the option's description.".into()
        }
        poise::FrameworkError::CommandStructureMismatch { .. } => {
            "This command has changed. Reload Discord (Ctrl+R) and try again.".into()
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
