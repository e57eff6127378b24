//! What an operation takes, answers and refuses, collected from the types of its handler. The OpenAPI description is made
//! of nothing else, so it cannot say what the code does not do.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{Content, Ref, RefOr, Required, Response, Schema};

use crate::domain::key::KeyKind;
use crate::http::HttpState;

/// The description of one operation.
#[derive(Clone, Default)]
pub(in crate::http) struct Described {
    pub parameters: Vec<Parameter>,
    pub body: Option<utoipa::openapi::request_body::RequestBody>,
    pub answers: Vec<(StatusCode, Response)>,
    /// The statuses of its problem answers.
    pub refusals: BTreeSet<StatusCode>,
    /// The named schemas that it refers to.
    pub schemas: BTreeMap<String, RefOr<Schema>>,
    /// The kinds of keys that it accepts; empty: it needs no key.
    pub keys: &'static [KeyKind],
    /// Whether the key may stand elsewhere than in the header.
    pub is_key_optional: bool,
}

impl Described {
    /// A reference to the schema of `T`, which is added with all schemas that it refers to.
    pub fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        let mut inner = Vec::new();
        T::schemas(&mut inner);
        self.schemas.extend(inner);
        self.schemas.insert(name.clone(), T::schema());
        RefOr::Ref(Ref::from_schema_name(name))
    }

    pub fn refuses(&mut self, statuses: &[StatusCode]) {
        self.refusals.extend(statuses);
    }

    /// Adds a JSON body, which must be sent if it has a required field.
    pub fn takes<T: ToSchema>(&mut self) {
        let mut content = Content::new(Some(self.schema::<T>()));
        content.example = body_example(&T::schema());
        let required = match is_required(&T::schema()) {
            true => Required::True,
            false => Required::False,
        };
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(required));
        self.body = Some(body.build());
    }

    /// Adds a JSON answer.
    pub fn answers<T: ToSchema>(&mut self, status: StatusCode, text: &str) {
        self.answers_as::<T>(status, text, "application/json");
    }

    /// Adds an answer of this media type, of which the schema describes the content or each line.
    pub fn answers_as<T: ToSchema>(&mut self, status: StatusCode, text: &str, kind: &str) {
        let mut response = Response::new(text);
        let content = Content::new(Some(self.schema::<T>()));
        response.content.insert(kind.to_owned(), RefOr::T(content));
        self.answers.push((status, response));
    }
}

/// The example of a body, which its schema has.
pub(in crate::http) fn body_example(schema: &RefOr<Schema>) -> Option<Value> {
    match schema {
        RefOr::T(Schema::Object(object)) => object.examples.first().cloned(),
        RefOr::T(Schema::AllOf(all)) => all.examples.first().cloned(),
        RefOr::T(Schema::AnyOf(any)) => any.examples.first().cloned(),
        _ => None,
    }
}

fn is_required(schema: &RefOr<Schema>) -> bool {
    match schema {
        RefOr::T(Schema::Object(object)) => !object.required.is_empty(),
        _ => true,
    }
}

/// The first argument of a handler: proves that the caller may call the operation.
pub(in crate::http) trait Permission {
    fn describe(described: &mut Described);
}

/// Any other argument of a handler.
pub(in crate::http) trait Argument {
    fn describe(described: &mut Described);
}

/// What a handler answers when it does not refuse.
pub(in crate::http) trait Answer {
    fn describe(described: &mut Described);
}

impl Argument for State<HttpState> {
    fn describe(described: &mut Described) {
        described.refuses(&[StatusCode::SERVICE_UNAVAILABLE]);
    }
}

/// Headers that change the form of an answer, or of a body that is described apart.
impl Argument for axum::http::HeaderMap {
    fn describe(_: &mut Described) {}
}
