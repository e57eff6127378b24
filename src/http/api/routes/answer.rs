//! The answers of operations: a view as JSON, with the status that its type stands for.

use std::marker::PhantomData;

use axum::body::Body;
use axum::http::{StatusCode, header};
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

/// 200 with lines of JSON, each a view, which are sent while they are read.
#[derive(Debug)]
pub(in crate::http) struct JsonLines<T> {
    body: Body,
    line: PhantomData<T>,
}

impl<T> JsonLines<T> {
    /// `body` has only lines that are a `T`.
    pub fn new(body: Body) -> Self {
        Self {
            body,
            line: PhantomData,
        }
    }
}

const JSON_LINES: &str = "application/x-ndjson";

impl<T> IntoResponse for JsonLines<T> {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, JSON_LINES)], self.body).into_response()
    }
}

impl<T: ToSchema> Answer for JsonLines<T> {
    fn describe(described: &mut Described) {
        described.answers_as::<T>(StatusCode::OK, "One object per line", JSON_LINES);
    }
}

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
