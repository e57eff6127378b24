//! What scripts do with groups, silences, alert settings, webhooks and keys; and that another guild sees nothing of it.

use discord_sandbox::Sandbox;
use serde_json::{Value, json};

use super::document::BASE;
use crate::devices::http_devices_servers::{key, text};
use crate::harness::{Answer, Rollcall, Running, alerting};

/// A guild of scripts, with as many keys as it needs.
struct Script<'a> {
    rollcall: &'a Rollcall,
    running: &'a Running<'a>,
    guild: String,
}

impl<'a> Script<'a> {
    fn new(rollcall: &'a Rollcall, running: &'a Running<'a>) -> Self {
        Self {
            rollcall,
            running,
            guild: "42".into(),
        }
    }

    /// Calls with a fresh admin key, so that no rate limit interferes.
    fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let admin = key(self.rollcall, "admin", &self.guild);
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let path = format!("{BASE}{path}");
        self.running.call(method, &path, &admin, &body)
    }

    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(method, path, body);
        assert!(answer.status < 300, "{method} {path} {body}: {answer:?}");
        answer.json
    }

    fn server(&self, name: &str) -> i64 {
        let added = self.done("POST", "/servers", &json!({ "name": name }));
        added["id"].as_i64().unwrap()
    }

    /// The values of a field over all pages of a list.
    fn pages(&self, path: &str, field: &str) -> Vec<Value> {
        let noun = path.rsplit('/').next().unwrap();
        let (mut values, mut query) = (Vec::new(), "?limit=1".to_owned());
        loop {
            let page = self.done("GET", &format!("{path}{query}"), &Value::Null);
            let items = page[noun].as_array().unwrap();
            assert!(items.len() <= 1, "{page}");
            values.extend(items.iter().map(|item| item[field].clone()));
            match &page["next_cursor"] {
                Value::String(cursor) => query = format!("?limit=1&cursor={cursor}"),
                _ => return values,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_read_page_by_page_with_the_same_cursor() {
    // Nothing answers at the targets. No second check makes an endpoint offline, because those are listed first.
    let rollcall = Rollcall::new()
        .with("PROBE_INTERVAL", "1h")
        .with("PROBE_RETRY_INTERVAL", "1h");
    let running = rollcall.run();
    let script = Script::new(&rollcall, &running);
    let ids: Vec<i64> = ["b", "a", "c"]
        .iter()
        .map(|name| script.server(name))
        .collect();
    for name in ["y", "x", "z"] {
        script.done("POST", "/devices", &json!({ "name": name }));
        let target = format!("tcp://192.0.2.1:{}", name.as_bytes()[0]);
        script.done(
            "POST",
            "/endpoints",
            &json!({ "target": target, "name": name }),
        );
        let url = "https://example.org/hook";
        script.done("POST", "/webhooks", &json!({ "name": name, "url": url }));
    }
    for (id, group) in ids.iter().zip(["g2", "g1", "g3"]) {
        script.done(
            "POST",
            "/groups",
            &json!({ "name": group, "monitors": [id] }),
        );
        let mute = json!({ "kind": "mute", "monitors": [id], "duration": "1h" });
        script.done("POST", "/silences", &mute);
        script.done("PUT", &format!("/alerts/overrides/{id}"), &json!({}));
    }
    for (path, field, expected) in [
        ("/servers", "name", json!(["a", "b", "c"])),
        ("/devices", "name", json!(["x", "y", "z"])),
        ("/endpoints", "name", json!(["x", "y", "z"])),
        ("/webhooks", "name", json!(["x", "y", "z"])),
        ("/groups", "name", json!(["g1", "g2", "g3"])),
        ("/silences", "id", json!([1, 2, 3])),
        ("/alerts/overrides", "name", json!(["a", "b", "c"])),
    ] {
        assert_eq!(json!(script.pages(path, field)), expected, "{path}");
    }
    for path in ["/keys", "/events"] {
        let before = script.pages(path, "id").len();
        let ids = script.done("GET", &format!("{path}?limit=200"), &Value::Null);
        let ids = ids[&path[1..]].as_array().unwrap().len();
        assert!(
            before > 20 && before < ids,
            "{path}: each page took a new key"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_their_silences_follow_a_new_name() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let script = Script::new(&rollcall, &running);
    let [a, b, c] = ["a", "b", "c"].map(|name| script.server(name));
    script.done(
        "POST",
        "/groups",
        &json!({ "name": "web", "monitors": [a, b] }),
    );
    let twice = script.call(
        "POST",
        "/groups",
        &json!({ "name": "web", "monitors": [c] }),
    );
    assert_eq!(twice.status, 409, "{twice:?}");
    let missing = script.call(
        "POST",
        "/groups",
        &json!({ "name": "new", "monitors": [a, 999] }),
    );
    assert_eq!(missing.status, 404, "{missing:?}");
    assert_eq!(missing.json["detail"], "there is no monitor 999");
    let planned = json!({ "kind": "maintenance", "group": "web", "duration": "2h" });
    let silence = script.done("POST", "/silences", &planned);
    let change = json!({ "name": "shop", "monitors": [b, c] });
    let changed = script.done("PATCH", "/groups/web", &change);
    let names: Vec<&Value> = changed["monitors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(
        (&changed["name"], json!(names)),
        (&json!("shop"), json!(["b", "c"]))
    );
    let path = format!("/silences/{}", silence["id"]);
    assert_eq!(script.done("GET", &path, &Value::Null)["group"], "shop");
    assert_eq!(script.call("GET", "/groups/web", &Value::Null).status, 404);
    assert_eq!(
        script.call("DELETE", "/groups/shop", &Value::Null).status,
        204
    );
    assert_eq!(script.pages("/groups", "name"), [] as [Value; 0]);
    assert_eq!(script.pages("/servers", "name").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn silences_are_planned_changed_and_ended() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let script = Script::new(&rollcall, &running);
    let id = script.server("db");
    let weekly = json!({
        "kind": "maintenance", "title": "backup", "monitors": [id], "duration": "90m",
        "weekly": { "days": ["sun", "mon"], "at": "22:30", "zone": "europe/berlin" },
    });
    let planned = script.done("POST", "/silences", &weekly);
    let expected = json!({ "days": ["mon", "sun"], "at": "22:30", "duration_seconds": 5_400, "zone": "Europe/Berlin" });
    assert_eq!(
        (&planned["weekly"], &planned["monitors"]),
        (&expected, &json!([id]))
    );
    let path = format!("/silences/{}", planned["id"]);
    assert_eq!(
        script.done("PATCH", &path, &json!({ "title": "dump" }))["title"],
        "dump"
    );
    let end = json!({ "ends_at": "2100-01-01T00:00:00Z" });
    assert_eq!(script.call("PATCH", &path, &end).status, 409);
    let mute = json!({ "kind": "mute", "monitors": [id], "duration": "1h" });
    let muted = script.done("POST", "/silences", &mute);
    assert_eq!(
        (&muted["is_active"], &muted["title"]),
        (&json!(true), &Value::Null)
    );
    let path = format!("/silences/{}", muted["id"]);
    assert_eq!(
        script
            .call("PATCH", &path, &json!({ "ends_at": "1" }))
            .status,
        409,
        "in the past"
    );
    assert_eq!(
        script.call("PATCH", &path, &end).status,
        409,
        "longer than 30 days"
    );
    assert_eq!(
        script.call("PATCH", &path, &json!({ "title": "x" })).status,
        409
    );
    assert_eq!(script.call("DELETE", &path, &Value::Null).status, 204);
    assert_eq!(script.call("DELETE", &path, &Value::Null).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn silences_that_contradict_themselves_are_conflicts() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let script = Script::new(&rollcall, &running);
    let id = script.server("db");
    for wrong in [
        json!({ "kind": "mute", "duration": "1h" }),
        json!({ "kind": "mute", "monitors": [id], "group": "web", "duration": "1h" }),
        json!({ "kind": "maintenance", "monitors": [id], "group": "web", "duration": "1h" }),
        json!({ "kind": "maintenance", "duration": "8d" }),
        json!({ "kind": "maintenance", "duration": "1h", "starts_at": "1" }),
    ] {
        assert_eq!(
            script.call("POST", "/silences", &wrong).status,
            409,
            "{wrong}"
        );
    }
    let zone = json!({
        "kind": "maintenance", "duration": "1h", "weekly": { "days": ["mon"], "at": "22:30", "zone": "Mars" },
    });
    assert_eq!(script.call("POST", "/silences", &zone).status, 404);
    let group = json!({ "kind": "maintenance", "group": "nothing", "duration": "1h" });
    assert_eq!(script.call("POST", "/silences", &group).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_go_only_to_a_channel_of_the_own_guild() {
    let sandbox = Sandbox::start().await;
    let elsewhere = sandbox.add_guild("Elsewhere");
    let rollcall = alerting::bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let script = Script {
        rollcall: &rollcall,
        running: &running,
        guild: sandbox.guild().0.to_string(),
    };
    let channel = |guild| sandbox.channel(guild).to_string();
    for wrong in [channel(elsewhere), "1".to_owned()] {
        let refused = script.call("PUT", "/alerts", &json!({ "channel": wrong }));
        assert_eq!(refused.status, 404, "{refused:?}");
        assert!(text(&refused.json["detail"]).contains("not found in this Discord server"));
    }
    let everyone = json!({ "channel": channel(sandbox.guild()), "role": script.guild });
    assert_eq!(script.call("PUT", "/alerts", &everyone).status, 409);
    let nobody = json!({ "channel": channel(sandbox.guild()), "remind_after": "15m" });
    let refused = script.call("PUT", "/alerts", &nobody);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(text(&refused.json["detail"]).contains("mention nobody"));
    sandbox.user_leaves(123_456_789_012_345_678);
    let not_a_member = json!({
        "channel": channel(sandbox.guild()), "escalate": { "after": "30m", "user": "123456789012345678" },
    });
    assert_eq!(script.call("PUT", "/alerts", &not_a_member).status, 404);
    assert_eq!(script.call("GET", "/alerts", &Value::Null).status, 404);
    let wanted = json!({
        "channel": channel(sandbox.guild()), "role": "77", "warnings": false, "remind_after": "15m",
        "bulk": { "percent": 20 },
    });
    let set = script.done("PUT", "/alerts", &wanted);
    assert_eq!(set["remind_after_seconds"], 900);
    assert_eq!(
        set["bulk"],
        json!({ "count": null, "percent": 20, "window_seconds": 60 })
    );
    assert_eq!(script.done("GET", "/alerts", &Value::Null), set);
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(shown.contains("<@&77>"), "{shown}");
    assert_eq!(script.call("DELETE", "/alerts", &Value::Null).status, 204);
    assert_eq!(script.call("GET", "/alerts", &Value::Null).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_discord_a_channel_cannot_be_verified() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let script = Script::new(&rollcall, &running);
    let refused = script.call("PUT", "/alerts", &json!({ "channel": "5" }));
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.header("retry-after").as_deref(), Some("5"));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_webhooks_and_keys_are_shown_once() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let script = Script::new(&rollcall, &running);
    let hook = json!({ "name": "pager", "url": "https://example.org/canary", "template": { "canary": "{{title}}" } });
    let added = script.done("POST", "/webhooks", &hook);
    assert_eq!(
        (&added["format"], &added["url"]),
        (&json!("template"), &json!("https://example.org/…"))
    );
    let path = format!("/webhooks/{}", added["id"]);
    let conflict = script.call("PATCH", &path, &json!({ "format": "slack" }));
    assert_eq!(conflict.status, 409, "{conflict:?}");
    let change = json!({ "format": "slack", "template": null, "name": "chat" });
    assert_eq!(script.done("PATCH", &path, &change)["format"], "slack");
    let unknown = json!({ "format": "template", "template": { "a": "{{nonsense}}" } });
    assert_eq!(script.call("PATCH", &path, &unknown).status, 409);
    let created = script.done("POST", "/keys", &json!({ "kind": "ping" }));
    let rotated = script.call(
        "POST",
        &format!("/keys/{}/rotate", text(&created["id"])),
        &Value::Null,
    );
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let old = script.done(
        "GET",
        &format!("/keys/{}", text(&created["id"])),
        &Value::Null,
    );
    assert!(
        old["expires_at"].is_string() && old["is_valid"] == true,
        "{old}"
    );
    let new = format!("/keys/{}", text(&rotated.json["id"]));
    assert_eq!(script.call("DELETE", &new, &Value::Null).status, 204);
    assert_eq!(script.done("GET", &new, &Value::Null)["is_valid"], false);
    let everything = [
        "/webhooks",
        "/keys?limit=1000",
        "/events?limit=200",
        path.as_str(),
    ]
    .map(|path| script.done("GET", path, &Value::Null).to_string())
    .concat();
    let secrets = [&added["signing_key"], &created["key"], &rotated.json["key"]].map(text);
    for secret in secrets.iter().map(String::as_str).chain(["canary"]) {
        assert!(!everything.contains(secret), "{secret}");
    }
}

/// One of everything, in a guild.
struct Made {
    server: i64,
    silence: Value,
    hook: Value,
    key: Value,
    device: Value,
}

fn everything(ours: &Script<'_>) -> Made {
    let id = ours.server("db");
    ours.done(
        "POST",
        "/groups",
        &json!({ "name": "web", "monitors": [id] }),
    );
    let mute = json!({ "kind": "mute", "monitors": [id], "duration": "1h" });
    ours.done("PUT", &format!("/alerts/overrides/{id}"), &json!({}));
    let hook = json!({ "name": "pager", "url": "https://example.org/hook" });
    Made {
        server: id,
        silence: ours.done("POST", "/silences", &mute),
        hook: ours.done("POST", "/webhooks", &hook),
        key: ours.done("POST", "/keys", &json!({ "kind": "read" })),
        device: ours.done("POST", "/devices", &json!({ "name": "pump" })),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table of requests")]
async fn another_guild_sees_and_changes_nothing() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let [ours, theirs] = ["42", "43"].map(|guild| Script {
        rollcall: &rollcall,
        running: &running,
        guild: guild.to_owned(),
    });
    let Made {
        server: id,
        silence,
        hook,
        key: made,
        device,
    } = everything(&ours);
    let before = rollcall.sql("SELECT CAST(COUNT(*) AS TEXT) FROM events WHERE guild_id = 42");
    let (device, made) = (text(&device["uuid"]), text(&made["id"]));
    for (path, field) in [
        (format!("/servers/{id}"), "name"),
        (format!("/devices/{device}"), "name"),
        ("/groups/web".to_owned(), "name"),
        (format!("/silences/{}", silence["id"]), "title"),
        (format!("/webhooks/{}", hook["id"]), "name"),
        (format!("/keys/{made}"), ""),
        (format!("/alerts/overrides/{id}"), ""),
    ] {
        let methods = ["GET", "DELETE", "PATCH"].into_iter();
        for method in methods.filter(|method| *method != "PATCH" || !field.is_empty()) {
            let answer = theirs.call(method, &path, &json!({ field: "x" }));
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        }
    }
    let silence = |kind| json!({ "kind": kind, "monitors": [id], "duration": "1h" });
    let group = json!({ "name": "x", "monitors": [id] });
    for (method, path, body) in [
        ("PUT", format!("/alerts/overrides/{id}"), json!({})),
        ("GET", format!("/servers/{id}/limits"), Value::Null),
        (
            "PUT",
            format!("/servers/{id}/limits"),
            json!({ "limits": [] }),
        ),
        ("POST", format!("/keys/{made}/rotate"), Value::Null),
        ("POST", "/groups".to_owned(), group),
        ("POST", "/silences".to_owned(), silence("mute")),
        ("POST", "/silences".to_owned(), silence("maintenance")),
    ] {
        let answer = theirs.call(method, &path, &body);
        assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
    }
    for noun in [
        "servers",
        "devices",
        "groups",
        "silences",
        "webhooks",
        "alerts/overrides",
    ] {
        assert_eq!(
            theirs.pages(&format!("/{noun}"), "id"),
            [] as [Value; 0],
            "{noun}"
        );
    }
    let after = rollcall.sql("SELECT CAST(COUNT(*) AS TEXT) FROM events WHERE guild_id = 42");
    assert_eq!(before, after);
}
