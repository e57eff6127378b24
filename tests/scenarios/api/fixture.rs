//! What an operation acts on: fresh keys and monitors, so that neither a rate limit nor an earlier case interferes.

use std::cell::Cell;
use std::collections::BTreeMap;

use discord_sandbox::Sandbox;
use serde_json::{Value, json};

use super::document::{BASE, Operation};
use crate::devices::http_devices_servers::text;
use crate::harness::{Answer, Rollcall, Running};

/// The kinds of keys of a guild; those of a device and a server belong to a fixture.
const GUILD_KEYS: [&str; 4] = ["fleet", "read", "ping", "admin"];

/// Calls per fixture: fewer than the burst that the rate limit allows.
const CALLS: usize = 8;

/// A running bot that makes fixtures.
pub struct TestApi<'a> {
    pub rollcall: &'a Rollcall,
    pub running: Running<'a>,
    /// The guild of the keys, and a channel of it.
    guild: u64,
    channel: String,
    made: Cell<u32>,
}

impl<'a> TestApi<'a> {
    pub fn new(rollcall: &'a Rollcall, sandbox: &Sandbox) -> Self {
        Self {
            rollcall,
            running: rollcall.run(),
            guild: sandbox.guild().0,
            channel: sandbox.channel(sandbox.guild()).to_string(),
            made: Cell::new(0),
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
        let maker = Maker {
            api: self,
            admin: self.key("admin"),
        };
        maker.add_monitors(&mut fixture, number);
        maker.add_others(&mut fixture, number);
        fixture
    }
}

/// Makes what fixtures have, with an admin key of its own, whose rate limit the cases do not use up.
struct Maker<'a> {
    api: &'a TestApi<'a>,
    admin: String,
}

impl Maker<'_> {
    fn add_monitors(&self, fixture: &mut Fixture<'_>, number: u32) {
        let device = self.add("/device/register", &json!({}));
        fixture.keys.insert("device", text(&device["device_key"]));
        let uuid = text(&device["uuid"]);
        fixture.places.insert("/device/{uuid}", uuid.clone());
        fixture.places.insert("/devices/{uuid}", uuid);
        let server = self.add("/servers", &json!({ "name": format!("db-{number}") }));
        fixture.keys.insert("server", text(&server["key"]));
        fixture
            .places
            .insert("/servers/{id}", server["id"].to_string());
        // A host has a limited number of ports.
        let target = format!("tcp://192.0.2.{}:{}", number % 250, 1 + number / 250);
        let endpoint = self.add("/endpoints", &json!({ "target": target }));
        fixture
            .places
            .insert("/endpoints/{id}", endpoint["id"].to_string());
    }

    /// A silence, a group, an override, an incident with a note, alert settings, a webhook and a key.
    fn add_others(&self, fixture: &mut Fixture<'_>, number: u32) {
        let endpoint = &fixture.places["/endpoints/{id}"].clone();
        let monitor: Value = endpoint.parse().unwrap();
        fixture.places.insert("/monitors/{id}", endpoint.clone());
        let silence = json!({ "kind": "mute", "monitors": [monitor], "duration": "1h" });
        let silence = self.add("/silences", &silence);
        fixture
            .places
            .insert("/silences/{id}", silence["id"].to_string());
        let group = format!("group-{number}");
        self.add("/groups", &json!({ "name": group, "monitors": [monitor] }));
        // A guild has a limited number of objectives, so these take the place of those before.
        self.api.rollcall.sql("DELETE FROM objectives");
        for path in [
            format!("{BASE}/monitors/{endpoint}/objective"),
            format!("{BASE}/groups/{group}/objective"),
        ] {
            let objective = r#"{"objective":99.9}"#;
            let set = self.api.running.call("PUT", &path, &self.admin, objective);
            assert_eq!(set.status, 200, "{set:?}");
        }
        fixture.places.insert("/groups/{name}", group);
        let path = format!("{BASE}/alerts/overrides/{endpoint}");
        let set = self.api.running.call("PUT", &path, &self.admin, "{}");
        assert_eq!(set.status, 200, "{set:?}");
        fixture
            .places
            .insert("/alerts/overrides/{id}", endpoint.clone());
        let [incident, note] = self.incident(&fixture.places["/servers/{id}"]);
        fixture.places.insert("/incidents/{id}", incident);
        fixture.places.insert("/notes/{id}", note);
        let guild = self.api.guild;
        self.api.rollcall.sql(&format!(
            "INSERT OR IGNORE INTO alert_settings (guild_id) VALUES ({guild})"
        ));
        self.api.rollcall.sql(&format!(
            "INSERT OR IGNORE INTO destinations (guild_id, kind, address) VALUES ({guild}, 'channel', {})",
            self.api.channel
        ));
        // A guild has few webhooks, so each takes the place of the one before.
        let (name, url) = (format!("hook {number}"), "https://example.org/hook");
        self.api.rollcall.sql("DELETE FROM webhooks");
        self.api
            .rollcall
            .sql("DELETE FROM destinations WHERE kind = 'webhook'");
        let webhook = self.add("/webhooks", &json!({ "name": name, "url": url }));
        fixture
            .places
            .insert("/webhooks/{id}", webhook["id"].to_string());
        fixture.places.insert("/summaries/{id}", self.summary());
        let key = self.add("/keys", &json!({ "kind": "read" }));
        fixture.places.insert("/keys/{id}", text(&key["id"]));
    }

    fn add(&self, path: &str, body: &Value) -> Value {
        let path = format!("{BASE}{path}");
        let answer = self
            .api
            .running
            .call("POST", &path, &self.admin, &body.to_string());
        assert_eq!(answer.status, 201, "{path}: {answer:?}");
        answer.json
    }

    /// Stores a scheduled summary, in place of those before: a guild has a limited number of them. Returns its id.
    fn summary(&self) -> String {
        let guild = self.api.guild;
        let ids = self.api.rollcall.sql(&format!(
            "DELETE FROM summary_schedules;
             INSERT INTO summary_schedules (guild_id, channel_id, period, day, minute, next_due_at, created_at)
                 VALUES ({guild}, 5, 'weekly', 0, 540, 4102444800000, 1700000000000) RETURNING CAST(id AS TEXT)"
        ));
        ids.concat()
    }

    /// Stores an open incident of a server, with a note; returns the ids of both. A real outage takes too long here.
    fn incident(&self, server: &str) -> [String; 2] {
        let guild = self.api.guild;
        let ids = self.api.rollcall.sql(&format!(
            "INSERT INTO incidents (guild_id, scope, opened_at, created_at, joined_at)
                 VALUES ({guild}, '', 1700000000000, 1700000000000, 1700000000000) RETURNING CAST(id AS TEXT);
             INSERT INTO outages (guild_id, monitor_id, started_at, reason, incident_id)
                 SELECT {guild}, {server}, 1700000000000, 'refused', MAX(id) FROM incidents;
             INSERT INTO incident_notes (incident_id, guild_id, at, actor, text)
                 SELECT MAX(id), {guild}, 1700000000000, 'discord:7', 'restarted it' FROM incidents RETURNING CAST(id AS TEXT)"
        ));
        ids.try_into().unwrap()
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
    /// The path of an operation with the values of its parameters.
    pub fn path(&self, operation: &Operation) -> String {
        let path = operation.path.strip_prefix(BASE).unwrap();
        let known = self.places.iter();
        let fitting = known.filter(|(place, _)| path.starts_with(**place));
        match fitting.max_by_key(|(place, _)| place.len()) {
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

    /// The example body, with what exists in the place of what it names.
    pub fn example(&self, operation: &Operation) -> Option<Value> {
        let mut example = operation.body()?["example"].clone();
        let endpoint: Value = self.places["/endpoints/{id}"].parse().unwrap();
        for (field, value) in [
            ("uuid", json!(self.places["/device/{uuid}"])),
            ("channel", json!(self.api.channel)),
            ("monitors", json!([endpoint])),
        ] {
            if example.get(field).is_some() {
                example[field] = value;
            }
        }
        Some(example)
    }

    /// Calls an operation with a key of this kind; replaces the fixture after `CALLS` calls.
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
