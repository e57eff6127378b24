//! What a member sees when something was not done: sentences from this file and from the actions, never internals.
//! Internals are logged once, with the id that the member sees.

use poise::serenity_prelude as serenity;
use serenity::HttpError;

use super::AppState;
use super::reply::Message;
use crate::actions;
use crate::domain::text;
use crate::store::StoreError;

/// Why a command or a button was not answered as wished.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// A sentence for the member.
    #[error("{0}")]
    Refused(String),
    /// For the operator; the member sees only that it happened.
    #[error("{0}")]
    Internal(String),
}

impl From<actions::Error> for CommandError {
    fn from(error: actions::Error) -> Self {
        match error {
            actions::Error::Internal(error) => error.into(),
            error @ (actions::Error::NotFound(_)
            | actions::Error::Invalid(_)
            | actions::Error::Conflict(_)
            | actions::Error::Quota { .. }) => Self::Refused(sentence(&error.to_string())),
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<serenity::Error> for CommandError {
    fn from(error: serenity::Error) -> Self {
        Self::Internal(outside(&error))
    }
}

/// What was wrong with an option, in its own words.
pub(super) fn wrong(option: &str, error: impl std::fmt::Display) -> CommandError {
    actions::Error::Invalid(format!("`{option}`: {error}")).into()
}

/// An action's words as a sentence of their own. They may hold foreign text, so all of it is escaped but the quotes
/// around examples.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let text: Vec<String> = format!("{first}{}", letters.as_str())
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            if index % 2 == 1 {
                text::code(part)
            } else {
                text::escape(part)
            }
        })
        .collect();
    format!("{}.", text.join(""))
}

/// serenity's error without the URL, which may carry an interaction's token.
pub(super) fn outside(error: &serenity::Error) -> String {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            format!(
                "Discord answered {}: {}",
                response.status_code, response.error.message
            )
        }
        serenity::Error::Http(HttpError::Request(error)) => {
            let what = if error.is_timeout() {
                "it took too long"
            } else {
                "no connection"
            };
            format!("Discord was not reached: {what}")
        }
        other => other.to_string(),
    }
}

/// Answers an error to the member who met it.
pub(super) async fn answer(error: poise::FrameworkError<'_, AppState, CommandError>) {
    let Some(ctx) = error.ctx() else {
        return tracing::error!(
            "an event from Discord could not be handled: {}",
            without_context(error)
        );
    };
    let sentence = match error {
        poise::FrameworkError::Command { error: CommandError::Refused(sentence), .. } => sentence,
        poise::FrameworkError::Command { error: CommandError::Internal(reason), .. } => internal_error(ctx.id(), &reason),
        poise::FrameworkError::CommandPanic { payload, .. } => {
            internal_error(ctx.id(), &format!("it panicked: {}", payload.unwrap_or_default()))
        }
        poise::FrameworkError::CooldownHit { remaining_cooldown, .. } => {
            format!("Not so fast: you can do that again in {}.", text::duration(remaining_cooldown))
        }
        poise::FrameworkError::GuildOnly { .. } => "This works in a server only, not in direct messages.".into(),
        poise::FrameworkError::MissingUserPermissions { .. } => {
            "This needs the permission **Manage Server**; ask somebody who has it.".into()
        }
        poise::FrameworkError::ArgumentParse { error, .. } => {
            tracing::debug!(%error, "an option of a command could not be read");
            "One of the options could not be read; choose it from the list, or see its description.".into()
        }
        poise::FrameworkError::CommandStructureMismatch { .. } => {
            "This command has changed since Discord learned it; reload Discord (Ctrl+R) and try again.".into()
        }
        other => internal_error(ctx.id(), &other.to_string()),
    };
    let sent = ctx.send(Message::sentence(sentence).into_reply()).await;
    if let Err(error) = sent {
        tracing::warn!(
            reason = outside(&error),
            "an error could not be shown to the member who met it"
        );
    }
}

fn without_context(error: poise::FrameworkError<'_, AppState, CommandError>) -> String {
    match error {
        poise::FrameworkError::EventHandler {
            error: CommandError::Internal(reason),
            ..
        } => reason,
        other => other.to_string(),
    }
}

/// Logs a failure under an id and gives the sentence that shows the id.
pub(super) fn internal_error(interaction: u64, reason: &str) -> String {
    let id = format!("{:05x}", interaction & 0xf_ffff);
    tracing::error!(failure = id, reason, "a command failed");
    format!(
        "Something went wrong on our side; it is in the log under `{id}`. Please try again in a moment."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actions_words_become_a_sentence_that_cannot_ping() {
        let words = "no endpoint here has the address @everyone; a right one is `203.0.113.7:80`";
        assert_eq!(
            sentence(words),
            r"No endpoint here has the address \@everyone; a right one is `203.0.113.7:80`."
        );
    }

    #[test]
    fn internals_stay_inside() {
        let shown = internal_error(0xabcde, "secret path");
        assert!(shown.contains("abcde") && !shown.contains("secret"));
    }
}
