//! Devices that are added before their first heartbeat, with the push token that their jobs already use with Uptime Kuma.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{device, key, quick, text};
use crate::harness::{Rollcall, Running};

const TOKEN: &str = "Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9";

/// Adds a device with a push token and returns its uuid.
fn add(rollcall: &Rollcall, name: &str, token: &str) -> String {
    let added = rollcall.done(&["device", "add", name, "--push-token", token, "--json"]);
    text(&added.json()["uuid"])
}

fn status(running: &Running<'_>, read: &str, uuid: &str) -> Value {
    device(running, read, uuid)["status"].clone()
}

#[test]
fn a_push_with_any_method_brings_an_added_device_online() {
    let rollcall = quick();
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let uuid = add(&rollcall, "nightly backup", TOKEN);
    assert_eq!(status(&running, &read, &uuid), "unknown");
    let path = format!("/api/push/{TOKEN}");
    for (method, path, expected) in [
        ("GET", format!("{path}?status=up&msg=OK&ping="), "online"),
        (
            "PUT",
            format!("{path}?status=down&msg=no%20disk"),
            "offline",
        ),
        ("PATCH", path.clone(), "online"),
        ("POST", format!("{path}/?status=up&status=down"), "offline"),
        ("DELETE", format!("{path}/?status="), "online"),
    ] {
        let answer = running.call(method, &path, "", "");
        assert_eq!(
            (answer.status, &answer.json),
            (200, &json!({ "ok": true })),
            "{method} {path}"
        );
        assert_eq!(status(&running, &read, &uuid), expected, "{method} {path}");
    }
    let unknown = running.call(
        "GET",
        &format!("/api/push/{}", TOKEN.to_lowercase()),
        "",
        "",
    );
    assert_eq!(unknown.status, 404);
    let events =
        rollcall.sql("SELECT kind FROM events WHERE kind LIKE 'device%' ORDER BY id LIMIT 2");
    assert_eq!(events, ["device_registered", "device_online"]);
}

#[test]
fn a_device_that_has_never_sent_a_heartbeat_is_neither_overdue_nor_offline() {
    let rollcall = quick();
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let new = add(&rollcall, "new", TOKEN);
    let old = rollcall.done(&["device", "add", "old", "--threshold", "1s", "--json"]);
    let old = text(&old.json()["uuid"]);
    assert_eq!(
        running.call("GET", &format!("/ping/{old}"), "", "").status,
        200
    );
    // The heartbeat monitor has run when it has found the other device.
    crate::harness::wait_for("the other device to be offline", || {
        (status(&running, &read, &old) == "offline").then_some(())
    });
    assert_eq!(status(&running, &read, &new), "unknown");
    let outages = rollcall
        .sql("SELECT m.name FROM outages o JOIN monitors m ON m.id = o.monitor_id ORDER BY o.id");
    assert_eq!(outages, ["old"]);
}

#[test]
fn a_push_token_is_unique_and_stored_nowhere() {
    let rollcall = quick();
    let running = rollcall.run();
    add(&rollcall, "backup", TOKEN);
    let push = running.call("GET", &format!("/api/push/{TOKEN}"), "", "");
    assert_eq!(push.status, 200);
    for (guild, token, code, reason) in [
        ("42", TOKEN, 1, "this push token is already in use"),
        ("43", TOKEN, 1, "this push token is already in use"),
        ("42", "short", 2, "32 letters and digits"),
        ("42", "7f9c24e53b1a4c0e9d2f8a6b5c4d3e2f", 2, "is a uuid"),
    ] {
        let arguments = [
            "device",
            "add",
            "other",
            "--push-token",
            token,
            "--guild",
            guild,
        ];
        let refused = rollcall.execute(&arguments);
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(refused.err.contains(reason), "{refused:?}");
    }
    let log = rollcall.log();
    assert_eq!(running.stop().0, 0);
    for name in ["rollcall.db", "rollcall.db-wal"] {
        let bytes = std::fs::read(rollcall.path(name)).unwrap_or_default();
        let found = bytes
            .windows(TOKEN.len())
            .any(|part| part == TOKEN.as_bytes());
        assert!(!found, "{name} has the token");
    }
    assert!(
        !log.contains(TOKEN) && !rollcall.log().contains(TOKEN),
        "{log}"
    );
}

#[test]
fn added_devices_count_toward_the_quota() {
    let rollcall = quick().with("QUOTA_DEVICES", "1");
    let add = |name| rollcall.execute(&["device", "add", name]);
    let first = add("one");
    assert_eq!(first.code, 0, "{first:?}");
    let lines: Vec<&str> = first.out.lines().collect();
    assert_eq!(lines.len(), 2, "{first:?}");
    assert!(lines[1].starts_with("rc_device_"), "{first:?}");
    let refused = add("two");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("limit of 1 devices"), "{refused:?}");
}
