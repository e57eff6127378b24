//! What the client's routes answer instead of doing what was requested: a status and a sentence.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::people::FormError;
use crate::people::slash::SlashError;

/// A request that is not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    sentence: String,
    /// The mistakes in a form by the custom ids of its inputs, else `null`.
    fields: Value,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
            fields: Value::Null,
        }
    }

    pub(super) fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no such {what}."))
    }

    pub(super) fn invalid(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, sentence)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.sentence, "fields": self.fields });
        (self.status, Json(body)).into_response()
    }
}

/// A sentence of an error: with a capital letter and a period.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

impl From<SlashError> for Refusal {
    fn from(error: SlashError) -> Self {
        let status = match error {
            SlashError::NoSuchCommand(_)
            | SlashError::NoSuchButton(_)
            | SlashError::NoSuchGuild => StatusCode::NOT_FOUND,
            SlashError::NotPermitted => StatusCode::FORBIDDEN,
            SlashError::NoAnswer => StatusCode::GATEWAY_TIMEOUT,
            SlashError::Incomplete(_)
            | SlashError::BadOption(_)
            | SlashError::BadChoice(_)
            | SlashError::Form(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, sentence(&error.to_string()))
    }
}

impl From<Vec<FormError>> for Refusal {
    fn from(errors: Vec<FormError>) -> Self {
        let mut refusal = Self::invalid("Something in the form is not valid.");
        for error in errors {
            refusal.fields[error.custom_id] = json!(error.why);
        }
        refusal
    }
}
