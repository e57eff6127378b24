//! IDs and timestamps in views.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::Timestamp;
use crate::domain::text;

/// A numeric ID.
pub(in crate::http) type Id = i64;

/// A timestamp as RFC 3339 in UTC, with milliseconds if there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct DateTime(Timestamp);

/// A timestamp for a view.
pub(in crate::http) fn date_time(at: Timestamp) -> DateTime {
    DateTime(at)
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text::timestamp(self.0))
    }
}

impl PartialSchema for DateTime {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        schema.into()
    }
}

impl ToSchema for DateTime {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Timestamp")
    }
}
