//! The API behaves as `/api/openapi.json` describes it: every route is described, every example works and its response
//! matches, every key grants what is listed, and everything else is rejected with a problem, never with a server error.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::devices::http_devices_servers::text;
use crate::harness::{Answer, Rollcall, Running};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const KINDS: [&str; 5] = ["fleet", "device", "server", "read", "admin"];
const BASE: &str = "/api/v1";

/// An operation in the description.
struct Operation {
    method: String,
    path: String,
    details: Value,
}

impl Operation {
    fn keys(&self) -> Vec<&str> {
        let keys = self.details["x-keys"].as_array().unwrap();
        keys.iter().map(|kind| kind.as_str().unwrap()).collect()
    }

    /// The most privileged kind of key that the operation accepts.
    fn most_privileged_key(&self) -> &'static str {
        match self.keys().contains(&"admin") {
            true => "admin",
            false => "server",
        }
    }

    fn body(&self) -> Option<(&Value, &Value)> {
        let body = &self.details["requestBody"]["content"]["application/json"];
        body.is_object()
            .then(|| (&body["schema"], &body["example"]))
    }

    fn parameters(&self) -> impl Iterator<Item = &Value> {
        let parameters = self.details["parameters"].as_array();
        parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

struct Document(Value);

impl Document {
    fn of(running: &Running<'_>) -> Self {
        let (status, text) = running.get("/api/openapi.json");
        assert_eq!(status, 200);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        Self(document)
    }

    fn operations(&self) -> Vec<Operation> {
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
        operations
    }

    /// The operations that require a key.
    fn with_key(&self) -> Vec<Operation> {
        let mut operations = self.operations();
        operations.retain(|operation| operation.path.starts_with(BASE));
        operations
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// The first violation of a schema by a value. Covers the part of JSON Schema that the description uses.
    fn violation(&self, schema: &Value, value: &Value) -> Option<String> {
        let schema = self.resolve(schema);
        if !has_type(&schema["type"], value) {
            return Some(format!("{value} is not of type {}", schema["type"]));
        }
        let words = schema["enum"].as_array();
        if words.is_some_and(|words| !words.contains(value)) {
            return Some(format!("{value} is not one of {}", schema["enum"]));
        }
        if let Some(items) = value.as_array() {
            let mut items = items.iter();
            return items.find_map(|item| self.violation(&schema["items"], item));
        }
        let fields = value.as_object()?;
        let required = schema["required"].as_array();
        let mut required = required.into_iter().flatten();
        if let Some(name) = required.find(|name| !fields.contains_key(name.as_str().unwrap())) {
            return Some(format!("{name} is missing in {value}"));
        }
        fields.iter().find_map(|(name, value)| {
            let known = schema["properties"].get(name);
            match (known, &schema["additionalProperties"]) {
                (Some(inner), _) => self.violation(inner, value),
                (None, Value::Bool(false)) => Some(format!("{name} is not described")),
                (None, inner @ Value::Object(_)) => self.violation(inner, value),
                (None, _) => None,
            }
        })
    }

    /// Checks a response against the description of its status.
    fn check(&self, operation: &Operation, answer: &Answer) {
        let name = operation.name();
        let described = &operation.details["responses"][answer.status.to_string()];
        assert!(described.is_object(), "{name}: not described: {answer:?}");
        let described = self.resolve(described);
        let Some(contents) = described["content"].as_object() else {
            assert_eq!(answer.text, "", "{name}");
            return;
        };
        let (kind, content) = contents.iter().next().unwrap();
        let content_type = answer.header("content-type").unwrap();
        assert!(
            content_type.starts_with(kind.as_str()),
            "{name}: {answer:?}"
        );
        if kind.ends_with("json") {
            let violation = self.violation(&content["schema"], &answer.json);
            assert_eq!(violation, None, "{name}: {answer:?}");
        }
    }
}

fn has_type(types: &Value, value: &Value) -> bool {
    let is = |word: &Value| match word.as_str().unwrap() {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        word => panic!("the description uses the type {word}"),
    };
    match types {
        Value::Null => true,
        Value::Array(words) => words.iter().any(is),
        word => is(word),
    }
}

/// A running bot, in which keys and monitors of each kind can be created.
struct TestApi<'a> {
    rollcall: &'a Rollcall,
    running: Running<'a>,
}

/// The monitors that an operation acts on, with their own key of each kind, so that no rate limit interferes.
struct Monitors {
    uuid: String,
    server: String,
    endpoint: String,
    keys: BTreeMap<&'static str, String>,
}

impl TestApi<'_> {
    fn key(&self, kind: &str) -> String {
        let made = self
            .rollcall
            .done(&["key", "create", "--kind", kind, "--json"]);
        text(&made.json()["key"])
    }

    fn monitors(&self, number: usize) -> Monitors {
        let mut keys: BTreeMap<&'static str, String> = ["fleet", "read", "admin"]
            .into_iter()
            .map(|kind| (kind, self.key(kind)))
            .collect();
        let register = "/api/v1/device/register";
        let made = self.running.call("POST", register, &keys["fleet"], "");
        keys.insert("device", text(&made.json["device_key"]));
        let server = format!("db-{number}");
        let added = self
            .rollcall
            .done(&["server", "add", &server, "--json"])
            .json();
        keys.insert("server", text(&added["key"]));
        let body = format!(r#"{{"target":"tcp://192.0.2.1:{}"}}"#, number + 1);
        let endpoint = self
            .running
            .call("POST", "/api/v1/endpoints", &keys["admin"], &body);
        assert_eq!(endpoint.status, 201, "{endpoint:?}");
        Monitors {
            uuid: text(&made.json["uuid"]),
            server: added["id"].to_string(),
            endpoint: endpoint.json["id"].to_string(),
            keys,
        }
    }

    fn call(&self, operation: &Operation, monitors: &Monitors, kind: &str, body: &str) -> Answer {
        let path = monitors.path(&operation.path);
        self.running
            .call(&operation.method, &path, &monitors.keys[kind], body)
    }
}

impl Monitors {
    fn path(&self, path: &str) -> String {
        let id = match path.contains("/servers/") {
            true => &self.server,
            false => &self.endpoint,
        };
        path.replace("{uuid}", &self.uuid).replace("{id}", id)
    }

    /// The example body, with the uuid of this device.
    fn example(&self, operation: &Operation) -> String {
        let Some((_, example)) = operation.body() else {
            return String::new();
        };
        let mut example = example.clone();
        if example.get("uuid").is_some() {
            example["uuid"] = json!(self.uuid);
        }
        example.to_string()
    }
}

fn bot() -> Rollcall {
    Rollcall::new()
        .with("DISCORD_GUILD_ID", "42")
        .with("PROBE_TIMEOUT", "1s")
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let table = include_str!("../../src/http/api/mod.rs");
    let route = regex::Regex::new(r#"\.route\(\s*"([^"]+)""#).unwrap();
    let routes: BTreeSet<String> = route
        .captures_iter(table)
        .map(|found| format!("{BASE}{}", &found[1]))
        .collect();
    assert!(routes.len() > 15, "{routes:?}");
    let rollcall = bot();
    let running = rollcall.run();
    let document = Document::of(&running);
    let described: BTreeSet<String> = document
        .with_key()
        .into_iter()
        .map(|found| found.path)
        .collect();
    assert_eq!(routes, described);
    // Without a key, the response shows whether the method exists, and nothing more.
    let mut refused = 0;
    for path in &described {
        for method in METHODS {
            let is_described = document.0["paths"][path].get(method).is_some();
            let concrete = path
                .replace("{uuid}", "00000000-0000-4000-8000-000000000000")
                .replace("{id}", "1");
            let answer = running.call(&method.to_uppercase(), &concrete, "", "");
            let expected: &[u16] = match is_described {
                true => &[401, 429],
                false => &[405],
            };
            assert!(
                expected.contains(&answer.status),
                "{method} {path}: {answer:?}"
            );
            refused += usize::from(answer.status == 401);
        }
    }
    assert!(refused > 0);
}

#[test]
fn every_example_works_with_exactly_the_listed_keys() {
    let rollcall = bot();
    let api = TestApi {
        running: rollcall.run(),
        rollcall: &rollcall,
    };
    let document = Document::of(&api.running);
    for (number, operation) in document.with_key().iter().enumerate() {
        let monitors = api.monitors(number);
        let (example, keys) = (monitors.example(operation), operation.keys());
        for kind in KINDS {
            // The admin key goes last, because it may remove the monitor.
            if kind == "admin" && keys.contains(&kind) {
                continue;
            }
            let answer = api.call(operation, &monitors, kind, &example);
            document.check(operation, &answer);
            let is_accepted = answer.status < 300;
            assert_eq!(
                is_accepted,
                keys.contains(&kind),
                "{} {kind}: {answer:?}",
                operation.name()
            );
            assert!(
                is_accepted || answer.status == 403,
                "{} {kind}: {answer:?}",
                operation.name()
            );
        }
        if keys.contains(&"admin") {
            let answer = api.call(operation, &monitors, "admin", &example);
            assert!(
                answer.status < 300 || answer.status == 409,
                "{}: {answer:?}",
                operation.name()
            );
            document.check(operation, &answer);
        }
    }
}

/// Bodies that are invalid by the schema, each with the expected statuses.
fn bad_bodies(schema: &Value) -> Vec<(String, &'static [u16])> {
    let mut bodies: Vec<(String, &'static [u16])> = vec![
        ("{".into(), &[400]),
        ("nul".into(), &[400]),
        ("\"text\"".into(), &[400]),
        (r#"{"a":1e999}"#.into(), &[400]),
        (
            format!("{{\"a\":{}1{}}}", "[".repeat(20), "]".repeat(20)),
            &[400],
        ),
        (format!(r#"{{"a":"{}"}}"#, "x".repeat(1_100)), &[422]),
        (format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000)), &[413]),
    ];
    let array = has_type(&schema["type"], &json!([]));
    if !array {
        bodies.push(("[]".into(), &[400]));
    }
    if schema["additionalProperties"] == false {
        bodies.push((r#"{"unknown_field":1}"#.into(), &[422]));
    }
    let empty = Map::new();
    for (name, inner) in schema["properties"].as_object().unwrap_or(&empty) {
        let wrong = [
            json!(1),
            json!("\u{202e}"),
            json!(true),
            json!([true]),
            json!({ "a": true }),
        ];
        for value in wrong {
            let is_text = has_type(&inner["type"], &json!("")) && value.is_string();
            if is_text
                || has_type(&inner["type"], &value)
                    && !inner.is_null()
                    && !value.is_object()
                    && !value.is_array()
            {
                continue;
            }
            let is_free = inner["additionalProperties"] == true && value.is_object();
            if !is_free {
                bodies.push((json!({ name: value }).to_string(), &[422]));
            }
        }
    }
    bodies
}

#[test]
fn invalid_bodies_are_rejected_with_a_problem_not_a_server_error() {
    let rollcall = bot();
    let api = TestApi {
        running: rollcall.run(),
        rollcall: &rollcall,
    };
    let document = Document::of(&api.running);
    let mut tried = 0;
    for (number, operation) in document.with_key().iter().enumerate() {
        let Some((schema, _)) = operation.body() else {
            continue;
        };
        let kind = operation.most_privileged_key();
        let mut monitors = api.monitors(number);
        for (index, (body, statuses)) in bad_bodies(schema).into_iter().enumerate() {
            if index % 8 == 7 {
                monitors.keys.insert("admin", api.key("admin"));
                monitors.uuid = fresh_uuid(number, index);
            }
            let answer = api.call(operation, &monitors, kind, &body);
            let name = operation.name();
            assert!(
                statuses.contains(&answer.status),
                "{name} {body}: {answer:?}"
            );
            document.check(operation, &answer);
            assert!(
                !text(&answer.json["detail"]).is_empty(),
                "{name}: {answer:?}"
            );
            tried += 1;
        }
        let compressed = api.running.call_with(
            &operation.method,
            &monitors.path(&operation.path),
            (&monitors.keys[kind], &[("Content-Encoding", "gzip")]),
            "{}",
        );
        assert_eq!(
            compressed.status,
            415,
            "{}: {compressed:?}",
            operation.name()
        );
    }
    assert!(tried > 100, "{tried}");
    assert!(!rollcall.log().contains("panicked"));
}

fn fresh_uuid(number: usize, index: usize) -> String {
    format!("00000000-0000-4000-8000-{:012}", number * 1_000 + index)
}

/// An invalid query for each described parameter, with the name that the error must contain.
fn bad_queries(operation: &Operation) -> Vec<(String, String)> {
    let mut queries: Vec<(String, String)> = operation
        .parameters()
        .map(|parameter| text(&parameter["name"]))
        .map(|name| (format!("?{name}=%F0%9F%A6%86"), name))
        .collect();
    if !queries.is_empty() {
        queries.push(("?unknown_parameter=1".into(), "unknown_parameter".into()));
    }
    queries
}

/// Path segments that are neither a uuid nor an id.
const STRANGE: [&str; 6] = [
    "nonsense",
    "%00",
    "..%2f..%2fetc",
    "'%20OR%201=1",
    "-1",
    "99999999999999999999",
];

#[test]
fn invalid_queries_and_paths_are_rejected_by_name() {
    let rollcall = bot();
    let api = TestApi {
        running: rollcall.run(),
        rollcall: &rollcall,
    };
    let document = Document::of(&api.running);
    for (number, operation) in document.with_key().iter().enumerate() {
        let (mut monitors, name) = (api.monitors(number), operation.name());
        let kind = operation.most_privileged_key();
        let path = monitors.path(&operation.path);
        let call = |path: &str, key: &str| api.running.call(&operation.method, path, key, "");
        for (query, parameter) in bad_queries(operation) {
            let answer = call(&format!("{path}{query}"), &monitors.keys[kind]);
            assert_eq!(answer.status, 400, "{name} {query}: {answer:?}");
            document.check(operation, &answer);
            let detail = text(&answer.json["detail"]);
            assert!(detail.contains(&parameter), "{name} {query}: {detail}");
        }
        monitors.keys.insert("admin", api.key("admin"));
        for strange in STRANGE {
            let path = operation
                .path
                .replace("{uuid}", strange)
                .replace("{id}", strange);
            if path != operation.path {
                let answer = call(&path, &monitors.keys[kind]);
                assert_eq!(answer.status, 404, "{name} {strange}: {answer:?}");
                document.check(operation, &answer);
            }
        }
    }
}
