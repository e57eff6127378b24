//! Errors for members: sentences from `texts.rs` and from the actions, never internal details. Those are logged once,
//! under the id that the member sees.

use poise::serenity_prelude as serenity;
use serenity::HttpError;

use super::texts;
use crate::actions;
use crate::domain::text;
use crate::store::StoreError;

/// Why a command or a button failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::discord) enum CommandError {
    /// A sentence for the member.
    #[error("{0}")]
    Refused(String),
    /// For the operator's log; the member sees only that something failed.
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
        if let StoreError::TooManyChanges { .. } = error {
            return Self::Refused(sentence(&error.to_string()));
        }
        Self::Internal(error.to_string())
    }
}

impl From<serenity::Error> for CommandError {
    fn from(error: serenity::Error) -> Self {
        Self::Internal(outside(&error))
    }
}

/// The error for an invalid option value, prefixed with the option's name.
pub(in crate::discord) fn wrong(option: &str, error: impl std::fmt::Display) -> CommandError {
    actions::Error::Invalid(format!("`{option}`: {error}")).into()
}

/// Formats an action's error as a sentence. Text from users stands in backticks there; anything else is escaped, so that
/// it cannot mention anyone.
pub(in crate::discord) fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let capitalized: String = first.chain(letters).collect();
    let end = if capitalized.ends_with(['.', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{end}", text::escape_around_code(&capitalized))
}

/// serenity's error without the URL, which may contain an interaction token.
pub(in crate::discord) fn outside(error: &serenity::Error) -> String {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            texts::request_failed(response.status_code, &response.error.message)
        }
        serenity::Error::Http(HttpError::Request(error)) if error.is_timeout() => {
            texts::REQUEST_TIMED_OUT.to_owned()
        }
        serenity::Error::Http(HttpError::Request(_)) => texts::REQUEST_NOT_SENT.to_owned(),
        other => other.to_string(),
    }
}

/// Logs an internal error under an id, and returns the sentence that shows the id to the member.
pub(in crate::discord) fn internal_error(interaction: u64, reason: &str) -> String {
    let id = format!("{:05x}", interaction & 0xf_ffff);
    tracing::error!(log_id = id, error = reason, "command failed");
    texts::internal_error(&id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_errors_become_sentences_that_cannot_ping() {
        let error = "no endpoint here has the address @everyone. Example: `203.0.113.7:80`";
        assert_eq!(
            sentence(error),
            r"No endpoint here has the address \@everyone. Example: `203.0.113.7:80`."
        );
    }

    #[test]
    fn internal_errors_are_not_shown_to_members() {
        let shown = internal_error(0xabcde, "secret path");
        assert!(shown.contains("abcde") && !shown.contains("secret"));
    }
}
