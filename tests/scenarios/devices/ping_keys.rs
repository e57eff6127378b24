//! Ping keys: jobs send pings by slug and add devices with them, and can do nothing else.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{key, quick, read_with};
use crate::harness::{Answer, Rollcall, Running};

fn ping(running: &Running<'_>, path: &str) -> Answer {
    running.call("POST", &format!("/ping/{path}"), "", "disk full")
}

/// The status and the text of a response.
fn seen(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text.as_str())
}

/// The devices of a guild by name.
fn devices(running: &Running<'_>, read: &str) -> Vec<Value> {
    let listed = read_with(running, read, "/api/v1/devices");
    listed.json["devices"].as_array().unwrap().clone()
}

fn with_thresholds() -> Rollcall {
    quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "1h")
}

#[test]
fn pings_by_slug_report_every_signal() {
    let rollcall = with_thresholds();
    let (own, read) = (key(&rollcall, "ping", "42"), key(&rollcall, "read", "42"));
    rollcall.done(&["device", "add", "Nightly Backup"]);
    let running = rollcall.run();
    for (path, status) in [
        ("nightly-backup/start", "online"),
        ("nightly-backup", "online"),
        ("nightly-backup/3", "offline"),
        ("nightly-backup/log/", "offline"),
        ("nightly-backup/", "online"),
        ("nightly-backup/fail", "offline"),
        (
            "nightly-backup/0/?rid=7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f",
            "online",
        ),
    ] {
        let answer = ping(&running, &format!("{own}/{path}"));
        assert_eq!(seen(&answer), (200, "OK"), "{path}");
        assert_eq!(devices(&running, &read)[0]["status"], status, "{path}");
    }
    for (method, status) in [("GET", 200), ("HEAD", 200), ("PUT", 405), ("DELETE", 405)] {
        let path = format!("/ping/{own}/nightly-backup");
        let answer = running.call(method, &path, "", "");
        assert_eq!(answer.status, status, "{method}");
    }
}

#[test]
fn a_ping_with_create_adds_a_device_once_up_to_the_quota() {
    let rollcall = with_thresholds().with("QUOTA_DEVICES", "2");
    let (own, read) = (key(&rollcall, "ping", "42"), key(&rollcall, "read", "42"));
    let theirs = key(&rollcall, "ping", "43");
    let running = rollcall.run();
    for (key, path, status, text) in [
        (&own, "db-1", 404, "not found"),
        (&own, "db-1?create=0", 404, "not found"),
        (&own, "db-1?create=1", 201, "Created"),
        (&own, "db-1?create=1", 200, "OK"),
        (&own, "db-1", 200, "OK"),
        (&own, "db-2/fail?create=1", 201, "Created"),
        (
            &own,
            "db-3?create=1",
            403,
            "this Discord server has reached its limit of devices",
        ),
        (&theirs, "db-1", 404, "not found"),
        (&theirs, "db-1?create=1", 201, "Created"),
    ] {
        let answer = ping(&running, &format!("{key}/{path}"));
        assert_eq!(seen(&answer), (status, text), "{path}");
    }
    let found: Vec<Value> = devices(&running, &read)
        .iter()
        .map(|device| json!([device["name"], device["status"], device["failure"]]))
        .collect();
    assert_eq!(
        found,
        [
            json!(["db-1", "online", null]),
            json!(["db-2", "offline", "disk full"])
        ]
    );
    let actors = rollcall.sql("SELECT actor FROM events WHERE kind = 'device_registered'");
    assert!(
        actors.iter().all(|actor| actor.starts_with("key:")),
        "{actors:?}"
    );
}

#[test]
fn a_slug_of_several_devices_is_ambiguous_and_an_invalid_one_is_refused() {
    let rollcall = with_thresholds();
    let (own, theirs) = (key(&rollcall, "ping", "42"), key(&rollcall, "ping", "43"));
    for (name, guild) in [("pump", "42"), ("other pump", "42"), ("pump", "43")] {
        rollcall.done(&["device", "add", name, "--slug", "pump", "--guild", guild]);
    }
    let running = rollcall.run();
    for (path, status, text) in [
        (format!("{own}/pump"), 409, "ambiguous slug"),
        (format!("{own}/pump?create=1"), 409, "ambiguous slug"),
        (format!("{theirs}/pump"), 200, "OK"),
        (format!("{own}/Pump?create=1"), 400, "invalid url format"),
        (format!("{own}/pump/sideways"), 400, "invalid url format"),
        (format!("{own}/pump/256"), 400, "invalid url format"),
        (format!("{own}/pump/fail/now"), 400, "invalid url format"),
        (own.clone(), 400, "invalid url format"),
        (
            format!("{own}/pump?rid=tuesday"),
            400,
            "invalid uuid format",
        ),
    ] {
        let answer = ping(&running, &path);
        assert_eq!(seen(&answer), (status, text), "{path}");
    }
    let seen = rollcall.sql("SELECT CAST(COUNT(*) AS TEXT) FROM monitor_state");
    assert_eq!(seen, ["1"], "only one ping was recorded");
}

#[test]
fn other_keys_send_no_pings_by_slug_and_guesses_are_limited() {
    let rollcall = with_thresholds();
    let own = key(&rollcall, "ping", "42");
    let revoked = rollcall
        .done(&["key", "create", "--kind", "ping", "--json"])
        .json();
    let id = revoked["id"].as_str().unwrap();
    rollcall.done(&["key", "revoke", id]);
    let added = rollcall.done(&["device", "add", "pump", "--json"]).json();
    let others = [
        key(&rollcall, "fleet", "42"),
        key(&rollcall, "read", "42"),
        key(&rollcall, "admin", "42"),
        added["key"].as_str().unwrap().to_owned(),
        revoked["key"].as_str().unwrap().to_owned(),
        "nonsense".to_owned(),
    ];
    let running = rollcall.run();
    for other in &others {
        let answer = ping(&running, &format!("{other}/pump?create=1"));
        assert_eq!(seen(&answer), (404, "not found"), "{other}");
    }
    // Wrong keys count against the address, and soon get no other answer.
    let tried: Vec<u16> = (0..20)
        .map(|_| ping(&running, "nonsense/pump").status)
        .collect();
    assert_eq!(tried.last(), Some(&429), "{tried:?}");
    // A good key still works. Unknown slugs are limited for each key.
    assert_eq!(seen(&ping(&running, &format!("{own}/pump"))), (200, "OK"));
    let tried: Vec<u16> = (0..20)
        .map(|number| ping(&running, &format!("{own}/guess-{number}?create=1")).status)
        .collect();
    let added = tried.iter().filter(|status| **status == 201).count();
    assert!((10..=12).contains(&added), "{tried:?}");
    assert_eq!(tried.last(), Some(&429), "{tried:?}");
    assert_eq!(seen(&ping(&running, &format!("{own}/pump"))), (200, "OK"));
}

#[test]
fn a_ping_key_is_no_push_token() {
    let rollcall = with_thresholds();
    let own = key(&rollcall, "ping", "42");
    rollcall.done(&["device", "add", "pump"]);
    let running = rollcall.run();
    let push = running.call("GET", &format!("/api/push/{own}"), "", "");
    assert_eq!(push.status, 404, "{push:?}");
    let seen = rollcall
        .sql("SELECT CAST(COUNT(*) AS TEXT) FROM monitor_state WHERE last_seen_at IS NOT NULL");
    assert_eq!(seen, ["0"]);
}

#[test]
fn the_secrets_of_pings_are_not_logged() {
    let rollcall = with_thresholds().with("LOG_LEVEL", "trace");
    let own = key(&rollcall, "ping", "42");
    let running = rollcall.run();
    let secret = own.rsplit('_').next().unwrap();
    assert_eq!(ping(&running, &format!("{own}/db-1?create=1")).status, 201);
    assert_eq!(ping(&running, &format!("{own}/Db-1")).status, 400);
    assert_eq!(ping(&running, &format!("{own}x/db-1")).status, 404);
    let (_, err, _) = running.stop();
    let log = rollcall.log();
    assert!(log.contains("rollcall"), "the log has lines: {log}");
    assert!(!log.contains(secret) && !err.contains(secret), "{log}{err}");
}
