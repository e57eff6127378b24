//! Free-form JSON objects, and numbers as agents report them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder, Type,
};
use utoipa::openapi::{Object, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A JSON object with any fields.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::http) struct JsonObject(pub Map<String, Value>);

impl PartialSchema for JsonObject {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .examples([serde_json::json!({ "speed": 1 })]);
        schema.into()
    }
}

impl ToSchema for JsonObject {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("JsonObject")
    }
}

/// A number, or a list or an object of numbers, lists and objects.
pub(in crate::http) type ReportedFigure = Nested<Nested<serde_json::Number>>;

/// A number, or a list or an object of `T`s.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "must be a number, or a list or object of numbers. Example: `12.5`"
)]
pub(in crate::http) enum Nested<T> {
    Number(serde_json::Number),
    List(Vec<T>),
    Object(BTreeMap<String, T>),
}

impl PartialSchema for ReportedFigure {
    fn schema() -> RefOr<Schema> {
        let part = RefOr::Ref(Ref::from_schema_name(PART));
        figure(
            part,
            "A number, or a list or an object of numbers, lists and objects.",
        )
    }
}

/// The name of what a figure consists of. A schema that refers to itself would say more, but generators of clients fail on it.
const PART: &str = "FigurePart";

fn figure(inner: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::RefOr(inner.clone())));
    AnyOfBuilder::new()
        .item(Object::with_type(Type::Number))
        .item(ArrayBuilder::new().items(inner))
        .item(object)
        .description(Some(description))
        .into()
}

impl ToSchema for ReportedFigure {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Figure")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let number = Object::with_type(Type::Number).into();
        let part = figure(number, "A number, or a list or an object of numbers.");
        schemas.push((PART.to_owned(), part));
    }
}

/// A timestamp of the caller's own clock, in any form: stored as given, and never used for a decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a timestamp must be a text or a number")]
#[schema(as = ClockHint)]
pub(in crate::http) enum Hint {
    Text(String),
    #[schema(value_type = f64)]
    Number(serde_json::Number),
}

impl fmt::Display for Hint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Number(number) => number.fmt(out),
        }
    }
}
