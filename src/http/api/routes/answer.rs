//! The answers of operations: a view as JSON, with the status that its type stands for.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::operation::{Answer, Described};
use crate::http::json_response::json_response;

/// 200 with a view.
#[derive(Debug)]
pub(in crate::http) struct Json<T>(pub T);

/// 201 with the view of what was added.
#[derive(Debug)]
pub(in crate::http) struct Created<T>(pub T);

/// 204: it was deleted.
#[derive(Debug)]
pub(in crate::http) struct NoContent;

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json_response(StatusCode::OK, &self.0)
    }
}

impl<T: ToSchema> Answer for Json<T> {
    fn describe(described: &mut Described) {
        described.answers::<T>(StatusCode::OK, "OK");
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json_response(StatusCode::CREATED, &self.0)
    }
}

impl<T: ToSchema> Answer for Created<T> {
    fn describe(described: &mut Described) {
        described.answers::<T>(StatusCode::CREATED, "Created");
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Answer for NoContent {
    fn describe(described: &mut Described) {
        let gone = utoipa::openapi::Response::new("Deleted");
        described.answers.push((StatusCode::NO_CONTENT, gone));
    }
}
