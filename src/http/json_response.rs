//! A view as a JSON response.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A JSON response, which ends with a newline, so that a terminal shows it well.
pub(in crate::http) fn json_response(status: StatusCode, view: &impl Serialize) -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    match serde_json::to_string(view) {
        Ok(mut text) => {
            text.push('\n');
            (status, [kind], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "cannot write a response as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
