//! The description at `/api/openapi.json` is true: every route is in it, every example works and answers as described, every
//! key opens what it says, and everything else is refused with a problem, never with a fault.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::harness::{Answer, Rollcall, Running};
use crate::listens::text;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const KINDS: [&str; 5] = ["fleet", "device", "server", "read", "admin"];
const BASE: &str = "/api/v1";

/// An operation of the description.
struct Operation {
    method: String,
    path: String,
    facts: Value,
}

impl Operation {
    fn keys(&self) -> Vec<&str> {
        let keys = self.facts["x-keys"].as_array().unwrap();
        keys.iter().map(|kind| kind.as_str().unwrap()).collect()
    }

    /// The kind of key that opens it and most else.
    fn loudest(&self) -> &'static str {
        match self.keys().contains(&"admin") {
            true => "admin",
            false => "server",
        }
    }

    fn body(&self) -> Option<(&Value, &Value)> {
        let body = &self.facts["requestBody"]["content"]["application/json"];
        body.is_object()
            .then(|| (&body["schema"], &body["example"]))
    }

    fn parameters(&self) -> impl Iterator<Item = &Value> {
        let parameters = self.facts["parameters"].as_array();
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
            for (method, facts) in methods.as_object().unwrap() {
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    facts: facts.clone(),
                });
            }
        }
        operations
    }

    /// The operations that take a key.
    fn locked(&self) -> Vec<Operation> {
        let mut operations = self.operations();
        operations.retain(|operation| operation.path.starts_with(BASE));
        operations
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(place) => self.0.pointer(place.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// Why a value is not what a schema says; the part of JSON Schema that the description uses.
    fn mistake(&self, schema: &Value, value: &Value) -> Option<String> {
        let schema = self.resolve(schema);
        if !has_type(&schema["type"], value) {
            return Some(format!("{value} is no {}", schema["type"]));
        }
        let words = schema["enum"].as_array();
        if words.is_some_and(|words| !words.contains(value)) {
            return Some(format!("{value} is none of {}", schema["enum"]));
        }
        if let Some(items) = value.as_array() {
            let mut items = items.iter();
            return items.find_map(|item| self.mistake(&schema["items"], item));
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
                (Some(inner), _) => self.mistake(inner, value),
                (None, Value::Bool(false)) => Some(format!("{name} is not described")),
                (None, inner @ Value::Object(_)) => self.mistake(inner, value),
                (None, _) => None,
            }
        })
    }

    /// Holds an answer against what is described for its status.
    fn check(&self, operation: &Operation, answer: &Answer) {
        let name = operation.name();
        let described = &operation.facts["responses"][answer.status.to_string()];
        assert!(described.is_object(), "{name}: not described: {answer:?}");
        let described = self.resolve(described);
        let Some(contents) = described["content"].as_object() else {
            assert_eq!(answer.text, "", "{name}");
            return;
        };
        let (kind, content) = contents.iter().next().unwrap();
        let told = answer.header("content-type").unwrap();
        assert!(told.starts_with(kind.as_str()), "{name}: {answer:?}");
        if kind.ends_with("json") {
            let mistake = self.mistake(&content["schema"], &answer.json);
            assert_eq!(mistake, None, "{name}: {answer:?}");
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

/// A bot with one of each on the roll, and as many keys as are asked for.
struct World<'a> {
    rollcall: &'a Rollcall,
    running: Running<'a>,
}

/// What an operation is about, and a key of each kind for it alone, so that no pace is in the way.
struct Thing {
    uuid: String,
    server: String,
    endpoint: String,
    keys: BTreeMap<&'static str, String>,
}

impl World<'_> {
    fn key(&self, kind: &str) -> String {
        let made = self
            .rollcall
            .done(&["key", "create", "--kind", kind, "--json"]);
        text(&made.json()["key"])
    }

    fn thing(&self, number: usize) -> Thing {
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
        Thing {
            uuid: text(&made.json["uuid"]),
            server: added["id"].to_string(),
            endpoint: endpoint.json["id"].to_string(),
            keys,
        }
    }

    fn call(&self, operation: &Operation, thing: &Thing, kind: &str, body: &str) -> Answer {
        let path = thing.path(&operation.path);
        self.running
            .call(&operation.method, &path, &thing.keys[kind], body)
    }
}

impl Thing {
    fn path(&self, path: &str) -> String {
        let id = match path.contains("/servers/") {
            true => &self.server,
            false => &self.endpoint,
        };
        path.replace("{uuid}", &self.uuid).replace("{id}", id)
    }

    /// The example, about this device.
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
        .locked()
        .into_iter()
        .map(|found| found.path)
        .collect();
    assert_eq!(routes, described);
    // Whoever has no key learns from the answer whether there is such a method, and nothing more.
    let mut refused = 0;
    for path in &described {
        for method in METHODS {
            let is_described = document.0["paths"][path].get(method).is_some();
            let called = path
                .replace("{uuid}", "00000000-0000-4000-8000-000000000000")
                .replace("{id}", "1");
            let answer = running.call(&method.to_uppercase(), &called, "", "");
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
fn every_example_works_with_every_key_that_is_named_and_with_no_other() {
    let rollcall = bot();
    let world = World {
        running: rollcall.run(),
        rollcall: &rollcall,
    };
    let document = Document::of(&world.running);
    for (number, operation) in document.locked().iter().enumerate() {
        let thing = world.thing(number);
        let (example, keys) = (thing.example(operation), operation.keys());
        for kind in KINDS {
            // What an admin may do goes last: it may remove the thing.
            if kind == "admin" && keys.contains(&kind) {
                continue;
            }
            let answer = world.call(operation, &thing, kind, &example);
            document.check(operation, &answer);
            let is_opened = answer.status < 300;
            assert_eq!(
                is_opened,
                keys.contains(&kind),
                "{} {kind}: {answer:?}",
                operation.name()
            );
            assert!(
                is_opened || answer.status == 403,
                "{} {kind}: {answer:?}",
                operation.name()
            );
        }
        if keys.contains(&"admin") {
            let answer = world.call(operation, &thing, "admin", &example);
            assert!(
                answer.status < 300 || answer.status == 409,
                "{}: {answer:?}",
                operation.name()
            );
            document.check(operation, &answer);
        }
    }
}

/// Bodies that are none, by what the schema says, each with the statuses that are an answer to it.
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
        bodies.push((r#"{"nobody_knows_this":1}"#.into(), &[422]));
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
fn what_is_not_described_is_refused_with_a_problem_and_never_with_a_fault() {
    let rollcall = bot();
    let world = World {
        running: rollcall.run(),
        rollcall: &rollcall,
    };
    let document = Document::of(&world.running);
    let mut tried = 0;
    for (number, operation) in document.locked().iter().enumerate() {
        let Some((schema, _)) = operation.body() else {
            continue;
        };
        let kind = operation.loudest();
        let mut thing = world.thing(number);
        for (place, (body, statuses)) in bad_bodies(schema).into_iter().enumerate() {
            if place % 8 == 7 {
                thing.keys.insert("admin", world.key("admin"));
                thing.uuid = fresh_uuid(number, place);
            }
            let answer = world.call(operation, &thing, kind, &body);
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
        let packed = world.running.call_with(
            &operation.method,
            &thing.path(&operation.path),
            (&thing.keys[kind], &[("Content-Encoding", "gzip")]),
            "{}",
        );
        assert_eq!(packed.status, 415, "{}: {packed:?}", operation.name());
    }
    assert!(tried > 100, "{tried}");
    assert!(!rollcall.log().contains("panicked"));
}

fn fresh_uuid(number: usize, place: usize) -> String {
    format!("00000000-0000-4000-8000-{:012}", number * 1_000 + place)
}

/// A query that is none for each that is described, with the name that the refusal must hold.
fn bad_queries(operation: &Operation) -> Vec<(String, String)> {
    let mut queries: Vec<(String, String)> = operation
        .parameters()
        .map(|parameter| text(&parameter["name"]))
        .map(|name| (format!("?{name}=%F0%9F%A6%86"), name))
        .collect();
    if !queries.is_empty() {
        queries.push(("?nobody_knows_this=1".into(), "nobody_knows_this".into()));
    }
    queries
}

/// Parts of a path that are neither a uuid nor an id.
const STRANGE: [&str; 6] = [
    "nonsense",
    "%00",
    "..%2f..%2fetc",
    "'%20OR%201=1",
    "-1",
    "99999999999999999999",
];

#[test]
fn a_query_or_a_path_that_is_none_is_refused_by_name() {
    let rollcall = bot();
    let world = World {
        running: rollcall.run(),
        rollcall: &rollcall,
    };
    let document = Document::of(&world.running);
    for (number, operation) in document.locked().iter().enumerate() {
        let (mut thing, name) = (world.thing(number), operation.name());
        let kind = operation.loudest();
        let path = thing.path(&operation.path);
        let call = |path: &str, key: &str| world.running.call(&operation.method, path, key, "");
        for (query, parameter) in bad_queries(operation) {
            let answer = call(&format!("{path}{query}"), &thing.keys[kind]);
            assert_eq!(answer.status, 400, "{name} {query}: {answer:?}");
            document.check(operation, &answer);
            let detail = text(&answer.json["detail"]);
            assert!(detail.contains(&parameter), "{name} {query}: {detail}");
        }
        thing.keys.insert("admin", world.key("admin"));
        for strange in STRANGE {
            let path = operation
                .path
                .replace("{uuid}", strange)
                .replace("{id}", strange);
            if path != operation.path {
                let answer = call(&path, &thing.keys[kind]);
                assert_eq!(answer.status, 404, "{name} {strange}: {answer:?}");
                document.check(operation, &answer);
            }
        }
    }
}
