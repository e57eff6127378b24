//! Examples of answers, made from their schemas: from the examples of the fields, or else from their types.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayItems, KnownFormat, Object, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Schema};

/// How deep schemas may refer to each other; a schema that refers to itself ends there.
const DEEPEST: usize = 12;

/// The named schemas.
pub(super) struct Examples<'a>(pub &'a BTreeMap<String, RefOr<Schema>>);

impl Examples<'_> {
    /// A value that is valid by the schema.
    pub fn of(&self, schema: &RefOr<Schema>) -> Value {
        self.at(schema, DEEPEST)
    }

    fn at(&self, schema: &RefOr<Schema>, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        match schema {
            RefOr::Ref(reference) => {
                let name = reference
                    .ref_location
                    .rsplit('/')
                    .next()
                    .unwrap_or_default();
                let found = self.0.get(name);
                found.map_or(Value::Null, |found| self.at(found, depth - 1))
            }
            RefOr::T(Schema::Object(object)) => self.of_object(object, depth),
            RefOr::T(Schema::Array(array)) => match &array.items {
                ArrayItems::RefOrSchema(items) => json!([self.at(items, depth - 1)]),
                ArrayItems::False => json!([]),
            },
            RefOr::T(Schema::AllOf(all)) => {
                let parts = all.items.iter().map(|part| self.at(part, depth - 1));
                let fields = parts.filter_map(|part| match part {
                    Value::Object(fields) => Some(fields),
                    _ => None,
                });
                Value::Object(fields.flatten().collect())
            }
            // The last one: the first one is null where null is possible.
            RefOr::T(Schema::OneOf(one)) => self.last(&one.items, depth),
            RefOr::T(Schema::AnyOf(any)) => any
                .items
                .first()
                .map_or(Value::Null, |item| self.at(item, depth - 1)),
            RefOr::T(_) => Value::Null,
        }
    }

    fn last(&self, items: &[RefOr<Schema>], depth: usize) -> Value {
        items
            .last()
            .map_or(Value::Null, |item| self.at(item, depth - 1))
    }

    fn of_object(&self, object: &Object, depth: usize) -> Value {
        if let Some(example) = object.examples.first() {
            return example.clone();
        }
        if let Some(word) = object.enum_values.as_ref().and_then(|words| words.first()) {
            return word.clone();
        }
        let kind = match &object.schema_type {
            SchemaType::Type(kind) => Some(kind),
            SchemaType::Array(kinds) => kinds.iter().find(|kind| **kind != Type::Null),
            SchemaType::AnyValue => None,
        };
        match kind {
            Some(Type::Object) => Value::Object(self.fields(object, depth)),
            Some(Type::Boolean) => json!(true),
            Some(Type::Integer) => json!(1),
            Some(Type::Number) => json!(1.5),
            Some(Type::String) => match object.format {
                Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => {
                    json!("2026-01-31T12:00:00Z")
                }
                _ => json!("text"),
            },
            _ => Value::Null,
        }
    }

    fn fields(&self, object: &Object, depth: usize) -> Map<String, Value> {
        let properties = object.properties.iter();
        let mut fields: Map<String, Value> = properties
            .map(|(name, schema)| (name.clone(), self.at(schema, depth - 1)))
            .collect();
        if let Some(AdditionalProperties::RefOr(value)) = object.additional_properties.as_deref() {
            fields.insert("name".to_owned(), self.at(value, depth - 1));
        }
        fields
    }
}
