//! Requests made from the schemas: examples, wrong types and missing fields, values at and beyond their limits. The
//! schema itself says which of them are valid.

use serde_json::{Value, json};

use super::document::{Document, Operation};

/// Bodies for an operation, from its example.
pub fn bodies(document: &Document, operation: &Operation, example: &Value) -> Vec<Value> {
    let schema = document.resolve(&operation.body().unwrap()["schema"]);
    let mut bodies = vec![example.clone(), json!([]), json!({ "unknown_field": 1 })];
    for field in fields(document, schema, example) {
        bodies.extend(field.bodies(document));
    }
    bodies
}

/// A field of a body, by the names that lead to it.
struct Field<'a> {
    names: Vec<String>,
    schema: &'a Value,
    is_required: bool,
    /// The body around it.
    body: Value,
}

/// The fields of a body and of the objects in it.
fn fields<'a>(document: &'a Document, schema: &'a Value, body: &Value) -> Vec<Field<'a>> {
    let mut found = Vec::new();
    collect(document, schema, &[], body, &mut found);
    found
}

fn collect<'a>(
    document: &'a Document,
    schema: &'a Value,
    names: &[String],
    body: &Value,
    found: &mut Vec<Field<'a>>,
) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let names = [names, std::slice::from_ref(name)].concat();
        let inner = document.inner(inner);
        found.push(Field {
            names: names.clone(),
            schema: inner,
            is_required: required.contains(&json!(name)),
            body: body.clone(),
        });
        if inner["properties"].is_object() {
            collect(document, inner, &names, body, found);
        }
    }
}

impl Field<'_> {
    fn bodies(&self, document: &Document) -> Vec<Value> {
        let wrong = [
            json!(null),
            json!(1.5),
            json!(2.0),
            json!(-1),
            json!("\u{202e}"),
            json!(""),
            json!(true),
            json!([true]),
            json!([{ "a": { "b": [1] } }]),
            json!({ "a": true }),
        ];
        let values = wrong.into_iter().chain(limits(document, self.schema));
        let mut bodies: Vec<Value> = values.map(|value| self.with(value)).collect();
        if self.is_required {
            let mut without = self.body.clone();
            let mut place = Some(&mut without);
            let (last, path) = self.names.split_last().unwrap();
            for name in path {
                place = place.and_then(|place| place.get_mut(name));
            }
            if let Some(Value::Object(fields)) = place {
                fields.remove(last);
                bodies.push(without);
            }
        }
        bodies
    }

    /// The body with another value of this field.
    fn with(&self, value: Value) -> Value {
        let mut body = self.body.clone();
        let mut place = &mut body;
        for name in &self.names {
            if !place.is_object() {
                *place = json!({});
            }
            place = &mut place[name];
        }
        *place = value;
        body
    }
}

/// Values at the limits of a schema, and one beyond each.
pub fn limits(document: &Document, schema: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    if let Some(words) = schema["enum"].as_array() {
        values.extend(words.iter().cloned());
        values.push(json!("no such word"));
    }
    for (limit, beyond) in [("minimum", -1), ("maximum", 1)] {
        if let Some(number) = schema[limit].as_i64() {
            values.extend([json!(number), json!(number + beyond)]);
        }
    }
    if let Some(longest) = schema["maxLength"].as_u64() {
        let longest = usize::try_from(longest).unwrap();
        let start = schema["examples"][0].as_str().unwrap_or_default();
        values.extend([longest, longest + 1].map(|length| json!(padded(start, length))));
    }
    if let Some(most) = schema["maxProperties"].as_u64() {
        let value = some_value(document, &schema["additionalProperties"]);
        let with = |count: u64| -> Value {
            let fields = (0..count).map(|number| (format!("name{number}"), value.clone()));
            Value::Object(fields.collect())
        };
        values.extend([with(most), with(most + 1)]);
    }
    if let Some(most) = schema["maxItems"].as_u64() {
        let item = some_value(document, &schema["items"]);
        let most = usize::try_from(most).unwrap();
        values.extend([most, most + 1].map(|count| json!(vec![&item; count])));
    }
    values.extend(schema["examples"].as_array().into_iter().flatten().cloned());
    values
}

fn padded(start: &str, length: usize) -> String {
    let missing = length.saturating_sub(start.chars().count());
    format!("{start}{}", "a".repeat(missing))
}

/// A valid value of a schema.
fn some_value(document: &Document, schema: &Value) -> Value {
    let schema = document.inner(schema);
    if let Some(known) = schema["examples"].get(0).or(schema["enum"].get(0)) {
        return known.clone();
    }
    match schema["type"].as_str() {
        Some("string") => json!("a"),
        Some("integer") => schema["minimum"].as_i64().unwrap_or(1).into(),
        _ => json!(1),
    }
}

/// Values of a query parameter that are tried, as text.
pub fn query_values(document: &Document, parameter: &Value) -> Vec<(String, Value)> {
    let schema = document.inner(&parameter["schema"]);
    let mut values = limits(document, schema);
    values.extend([
        json!("\u{1f986}"),
        json!("no such word"),
        json!(1),
        json!(true),
    ]);
    let written = |value: Value| match &value {
        Value::String(text) => (text.clone(), value),
        other => (other.to_string(), value),
    };
    values.into_iter().map(written).collect()
}
