//! The OpenAPI description is complete, and true in itself. That the running bot keeps to it is a scenario.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> Value {
    serde_json::from_str(&routes().finish().1).unwrap()
}

/// Every operation with its path and its method.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, details)| (path.clone(), method.clone(), details.clone()))
    });
    operations.collect()
}

/// Those of them below `/api/v1`.
fn keyed(document: &Value) -> Vec<(String, String, Value)> {
    let mut operations = operations(document);
    operations.retain(|(path, _, _)| path.starts_with(BASE));
    operations
}

/// Every object and array below a value, and itself.
fn each(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|inner| each(inner, visit)),
        Value::Array(items) => items.iter().for_each(|inner| each(inner, visit)),
        _ => {}
    }
}

/// A schema that can be used alone: references lead to the components beside it.
fn alone(document: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    schema
}

#[test]
fn every_operation_is_complete() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let tags = document["tags"].as_array().unwrap();
    let tags: BTreeSet<&str> = tags
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in keyed(&document) {
        let name = format!("{method} {path}");
        assert!(METHODS.contains(&method.as_str()), "{name}");
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(ids.insert(id), "{name}: the id is taken");
        assert!(
            tags.contains(operation["tags"][0].as_str().unwrap()),
            "{name}"
        );
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
        let keys = operation["x-keys"].as_array().unwrap();
        assert!(!keys.is_empty(), "{name}: no keys");
        for status in ["401", "403", "429", "503"] {
            assert!(
                operation["responses"][status].is_object(),
                "{name}: {status}"
            );
        }
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let in_path: Vec<&Value> = parameters.filter(|one| one["in"] == "path").collect();
        assert_eq!(in_path.len(), path.matches('{').count(), "{name}");
        for parameter in in_path {
            let schema = &parameter["schema"];
            let is_closed = schema["pattern"].is_string() || schema["type"] == "integer";
            assert!(
                is_closed && !parameter["example"].is_null(),
                "{name}: {parameter}"
            );
            assert!(operation["responses"]["404"].is_object(), "{name}");
        }
    }
    assert!(ids.len() > 20);
}

#[test]
fn references_lead_somewhere_and_arrays_say_of_what() {
    let document = document();
    let mut used = BTreeSet::new();
    each(&document, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
            used.insert(pointer.to_owned());
        }
        let is_array = value["type"] == "array" || value["type"] == json!(["array", "null"]);
        assert!(!is_array || !value["items"].is_null(), "{value}");
    });
    for name in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        let is_used = used.contains(&format!("/components/schemas/{name}"));
        assert!(is_used, "nothing refers to {name}");
    }
}

#[test]
fn bodies_and_answers_have_named_schemas_and_valid_examples() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let body = &operation["requestBody"]["content"]["application/json"];
        if body.is_object() {
            assert!(body["schema"]["$ref"].is_string(), "{name}");
            check_example(&document, body, &name);
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let answer = &response["content"]["application/json"];
            if answer.is_object() {
                assert!(answer["schema"]["$ref"].is_string(), "{name} {status}");
                check_example(&document, answer, &format!("{name} {status}"));
            }
        }
    }
}

fn check_example(document: &Value, content: &Value, name: &str) {
    let example = &content["example"];
    assert!(!example.is_null(), "{name}: no example");
    let schema = alone(document, &content["schema"]);
    let result = jsonschema::validate(&schema, example);
    assert!(result.is_ok(), "{name}: {result:?}");
}

#[test]
fn the_table_of_operations() {
    let document = document();
    let lines = keyed(&document)
        .into_iter()
        .map(|(path, method, operation)| {
            let keys: Vec<&str> = operation["x-keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|kind| kind.as_str().unwrap())
                .collect();
            let statuses: Vec<&String> =
                operation["responses"].as_object().unwrap().keys().collect();
            format!(
                "{} {path}: {} [{}] {statuses:?}",
                method.to_uppercase(),
                operation["operationId"].as_str().unwrap(),
                keys.join(" ")
            )
        });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n").replace('"', ""));
}

#[test]
fn the_page_of_the_api_lists_every_request() {
    let page = std::fs::read_to_string("docs/api.md").unwrap();
    for (path, method, _) in keyed(&document()) {
        let path = path.strip_prefix(BASE).unwrap();
        let request = format!("`{} {path}`", method.to_uppercase());
        assert!(page.contains(&request), "{request}");
    }
}
