//! The OpenAPI description of the running bot, and the check of answers against it.

use serde_json::{Value, json};

use crate::harness::{Answer, Running};

pub const BASE: &str = "/api/v1";

/// An operation in the description.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub details: Value,
}

impl Operation {
    /// The kinds of keys that it accepts.
    pub fn keys(&self) -> Vec<&str> {
        let keys = self.details["x-keys"].as_array();
        let keys = keys.into_iter().flatten();
        keys.map(|kind| kind.as_str().unwrap()).collect()
    }

    /// The most privileged kind of key that it accepts.
    pub fn best_key(&self) -> &'static str {
        match self.keys().contains(&"admin") {
            true => "admin",
            false => "server",
        }
    }

    /// The schema and the example of its JSON body.
    pub fn body(&self) -> Option<&Value> {
        let body = &self.details["requestBody"]["content"]["application/json"];
        body.is_object().then_some(body)
    }

    pub fn query(&self) -> impl Iterator<Item = &Value> {
        let parameters = self.details["parameters"].as_array();
        let parameters = parameters.into_iter().flatten();
        parameters.filter(|parameter| parameter["in"] == "query")
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub struct Document(pub Value);

impl Document {
    pub fn of(running: &Running<'_>) -> Self {
        let (status, text) = running.get("/api/openapi.json");
        assert_eq!(status, 200);
        Self(serde_json::from_str(&text).unwrap())
    }

    /// The operations of the API that need a key.
    pub fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, methods) in self.0["paths"].as_object().unwrap() {
            for (method, details) in methods.as_object().unwrap() {
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    details: details.clone(),
                });
            }
        }
        operations.retain(|operation| operation.path.starts_with(BASE));
        operations
    }

    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// The schema of a property without null and without references.
    pub fn inner<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let schema = self.resolve(schema);
        match schema["oneOf"].as_array() {
            Some(forms) => {
                let some = forms.iter().find(|form| form["type"] != "null").unwrap();
                self.resolve(some)
            }
            None => schema,
        }
    }

    /// Why a value is not valid by a schema of this document.
    pub fn violation(&self, schema: &Value, value: &Value) -> Option<String> {
        let mut alone = schema.clone();
        alone["components"] = self.0["components"].clone();
        let result = jsonschema::validate(&alone, value);
        result.err().map(|error| error.to_string())
    }

    /// Checks an answer against the description of its status.
    pub fn check(&self, operation: &Operation, answer: &Answer) {
        let name = operation.name();
        let described = &operation.details["responses"][answer.status.to_string()];
        assert!(described.is_object(), "{name}: not described: {answer:?}");
        let described = self.resolve(described);
        for header in described["headers"].as_object().into_iter().flatten() {
            assert!(answer.header(header.0).is_some(), "{name}: {}", header.0);
        }
        let Some(contents) = described["content"].as_object() else {
            assert_eq!(answer.text, "", "{name}");
            return;
        };
        let (kind, content) = contents.iter().next().unwrap();
        let content_type = answer.header("content-type").unwrap();
        assert!(content_type.starts_with(kind), "{name}: {answer:?}");
        let values = match kind.as_str() {
            "application/x-ndjson" => answer.lines(),
            _ => vec![answer.json.clone()],
        };
        for value in values {
            let violation = self.violation(&content["schema"], &value);
            assert_eq!(violation, None, "{name}: {answer:?}");
        }
        if answer.status >= 400 {
            assert_ne!(answer.json["detail"], json!(""), "{name}: {answer:?}");
        }
    }
}
