//! What an operation acts on: fresh keys and monitors, so that neither a rate limit nor an earlier case interferes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{BASE, Operation};
use crate::devices::http_devices_servers::text;
use crate::harness::{Answer, Rollcall, Running};

/// The kinds of keys of a guild; those of a device and a server belong to a fixture.
const GUILD_KEYS: [&str; 3] = ["fleet", "read", "admin"];

/// Calls with one key or to one device, before a fixture is made anew: fewer than the burst of the rate limit.
const CALLS: usize = 8;

/// A running bot that makes fixtures.
pub struct TestApi<'a> {
    pub rollcall: &'a Rollcall,
    pub running: Running<'a>,
    made: std::cell::Cell<u32>,
}

impl<'a> TestApi<'a> {
    pub fn new(rollcall: &'a Rollcall) -> Self {
        Self {
            rollcall,
            running: rollcall.run(),
            made: std::cell::Cell::new(0),
        }
    }

    fn key(&self, kind: &str) -> String {
        let made = ["key", "create", "--kind", kind, "--json"];
        text(&self.rollcall.done(&made).json()["key"])
    }

    /// Everything that a path can name, with a key of each kind.
    pub fn fixture(&self) -> Fixture<'_> {
        let number = self.made.get() + 1;
        self.made.set(number);
        let keys = GUILD_KEYS.map(|kind| (kind, self.key(kind)));
        let mut fixture = Fixture {
            api: self,
            keys: keys.into_iter().collect(),
            places: BTreeMap::new(),
            calls: 0,
        };
        let device = fixture.add("/device/register", "fleet", &json!({}));
        fixture.keys.insert("device", text(&device["device_key"]));
        let uuid = text(&device["uuid"]);
        fixture.places.insert("/device/{uuid}", uuid.clone());
        fixture.places.insert("/devices/{uuid}", uuid);
        let server = fixture.add(
            "/servers",
            "admin",
            &json!({ "name": format!("db-{number}") }),
        );
        fixture.keys.insert("server", text(&server["key"]));
        fixture
            .places
            .insert("/servers/{id}", server["id"].to_string());
        let target = format!("tcp://192.0.2.1:{number}");
        let endpoint = fixture.add("/endpoints", "admin", &json!({ "target": target }));
        fixture
            .places
            .insert("/endpoints/{id}", endpoint["id"].to_string());
        fixture
    }
}

/// Monitors and keys for a few calls.
pub struct Fixture<'a> {
    api: &'a TestApi<'a>,
    pub keys: BTreeMap<&'static str, String>,
    /// The values of path parameters, by the start of the path below `/api/v1`.
    places: BTreeMap<&'static str, String>,
    calls: usize,
}

impl Fixture<'_> {
    fn add(&self, path: &str, kind: &str, body: &Value) -> Value {
        let path = format!("{BASE}{path}");
        let key = &self.keys[kind];
        let answer = self.api.running.call("POST", &path, key, &body.to_string());
        assert_eq!(answer.status, 201, "{path}: {answer:?}");
        answer.json
    }

    /// The path of an operation with the values of its parameters.
    pub fn path(&self, operation: &Operation) -> String {
        let path = operation.path.strip_prefix(BASE).unwrap();
        let known = self.places.iter();
        let mut fitting = known.filter(|(place, _)| path.starts_with(**place));
        match fitting.next() {
            Some((place, value)) => {
                let start = place.split('{').next().unwrap();
                format!("{BASE}{start}{value}{}", &path[place.len()..])
            }
            None => {
                assert!(!path.contains('{'), "no fixture for {path}");
                operation.path.clone()
            }
        }
    }

    /// The example body; a uuid in it is that of the device.
    pub fn example(&self, operation: &Operation) -> Option<Value> {
        let mut example = operation.body()?["example"].clone();
        if example.get("uuid").is_some() {
            example["uuid"] = json!(self.places["/device/{uuid}"]);
        }
        Some(example)
    }

    /// Calls an operation with a key of this kind; makes the fixture anew when it is used up.
    pub fn call(&mut self, operation: &Operation, kind: &str, query: &str, body: &str) -> Answer {
        if self.calls == CALLS {
            *self = self.api.fixture();
        }
        self.calls += 1;
        let path = format!("{}{query}", self.path(operation));
        let running = &self.api.running;
        running.call(&operation.method, &path, &self.keys[kind], body)
    }
}
