//! Compatibility with what people already run: Healthchecks pings and Uptime Kuma pushes.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{device, key, quick, text};
use crate::harness::{Answer, Running};

/// Registers a device to ping and returns its uuid and its key.
fn register_device(running: &Running<'_>, fleet: &str) -> (String, String) {
    let made = running.call("POST", "/api/v1/device/register", fleet, "");
    (text(&made.json["uuid"]), text(&made.json["device_key"]))
}

fn ping(running: &Running<'_>, path: &str, body: &str) -> Answer {
    running.call("POST", &format!("/ping/{path}"), "", body)
}

fn logs(running: &Running<'_>, read: &str, uuid: &str) -> Vec<Value> {
    let page = running.call("GET", &format!("/api/v1/devices/{uuid}/logs"), read, "");
    page.json["logs"].as_array().unwrap().clone()
}

#[test]
fn pings_time_the_runs_of_a_job_and_report_failures_at_once() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "1h");
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let (uuid, _) = register_device(&running, &fleet);
    let run = "rid=7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";
    for (path, body, status, failure) in [
        (format!("{uuid}/start?{run}"), "", "online", Value::Null),
        (
            format!("{uuid}?{run}"),
            "backed up 3 files",
            "online",
            Value::Null,
        ),
        (
            format!("{uuid}/3"),
            "tar: x\ndisk full\n",
            "offline",
            json!("exit status 3: disk full"),
        ),
        (
            format!("{uuid}/log"),
            "still trying",
            "offline",
            json!("exit status 3: disk full"),
        ),
        (format!("{uuid}/0"), "", "online", Value::Null),
        (
            format!("{uuid}/fail"),
            "",
            "offline",
            json!("its last run failed"),
        ),
        (format!("{uuid}/success"), "", "online", Value::Null),
    ] {
        let answer = ping(&running, &path, body);
        assert_eq!((answer.status, answer.text.as_str()), (200, "OK"), "{path}");
        assert!(answer.head.contains("ping-body-limit: 10000"), "{answer:?}");
        let shown = device(&running, &read, &uuid);
        assert_eq!(
            (&shown["status"], &shown["failure"]),
            (&json!(status), &failure),
            "{path}"
        );
    }
    assert_logged(&logs(&running, &read, &uuid));
    let events = running.call("GET", "/api/v1/events?type=device_offline", &read, "");
    assert_eq!(
        events.json["events"].as_array().unwrap().len(),
        2,
        "{events:?}"
    );
    let details = &events.json["events"][1]["details"];
    assert_eq!(details["reason"], "exit status 3: disk full");
    assert_eq!(
        (&details["device_uuid"], &details["severity"]),
        (&json!(uuid), &json!("warning"))
    );
}

fn assert_logged(lines: &[Value]) {
    let kinds: Vec<String> = lines.iter().map(|line| text(&line["kind"])).collect();
    assert_eq!(
        kinds,
        [
            "start", "success", "fail", "log", "success", "fail", "success"
        ]
    );
    let took = lines[1]["run_ms"].as_i64();
    assert!(
        took.is_some_and(|took| (0..60_000).contains(&took)),
        "{lines:?}"
    );
    assert_eq!(lines[1]["message"], "backed up 3 files");
    assert_eq!(
        lines[4]["run_ms"],
        Value::Null,
        "a run without a start ping"
    );
}

#[test]
fn pings_are_accepted_and_rejected_as_healthchecks_clients_expect() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "1h");
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let (uuid, _) = register_device(&running, &fleet);
    for method in ["GET", "HEAD"] {
        let answer = running.call(method, &format!("/ping/{uuid}"), "", "");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    // A long log is truncated, not rejected.
    let answer = ping(&running, &uuid, &"ä".repeat(60_000));
    assert_eq!(answer.status, 200, "{answer:?}");
    let kept = logs(&running, &read, &uuid);
    let message = kept[2]["message"].as_str().unwrap();
    let half = |length: usize| "ä".repeat(length / 2);
    let expected = format!("{}\n[110000 bytes omitted]\n{}", half(2_000), half(8_000));
    assert_eq!(message, expected);
    let output = format!("{}\nFATAL: disk full\n\n", "copied a file\n".repeat(8_000));
    assert_eq!(ping(&running, &format!("{uuid}/3"), &output).status, 200);
    let shown = running.call("GET", &format!("/api/v1/devices/{uuid}"), &read, "");
    assert_eq!(shown.json["failure"], "exit status 3: FATAL: disk full");
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (path, status, expected) in [
        (unknown.to_owned(), 404, "not found"),
        ("nonsense".to_owned(), 400, "invalid url format"),
        (format!("{uuid}/256"), 400, "invalid url format"),
        (format!("{uuid}/nonsense"), 400, "invalid url format"),
        (format!("{uuid}?rid=tuesday"), 400, "invalid uuid format"),
    ] {
        let answer = ping(&running, &path, "");
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (status, expected),
            "{path}"
        );
    }
    // A client that guesses uuids is soon rate limited; pings of known devices are not.
    let tried: Vec<u16> = (0..20)
        .map(|_| ping(&running, unknown, "").status)
        .collect();
    assert_eq!(tried.last(), Some(&429), "{tried:?}");
    assert_eq!(ping(&running, &uuid, "").status, 200);
}

#[test]
fn an_uptime_kuma_push_is_a_heartbeat() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "1h");
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let (uuid, own) = register_device(&running, &fleet);
    let push = |token: &str, query: &str| {
        running.call("GET", &format!("/api/push/{token}{query}"), "", "")
    };
    let short = uuid.replace('-', "");
    for (token, query, status, failure) in [
        (&short, "?status=up&msg=OK&ping=", "online", Value::Null),
        (
            &own,
            "?status=down&msg=no%20disk",
            "offline",
            json!("no disk"),
        ),
        (&uuid, "?status=up&msg=OK&ping=12.5", "online", Value::Null),
        (&uuid, "", "online", Value::Null),
    ] {
        let answer = push(token, query);
        assert_eq!(
            (answer.status, &answer.json),
            (200, &json!({ "ok": true })),
            "{query}"
        );
        let shown = device(&running, &read, &uuid);
        assert_eq!(
            (&shown["status"], &shown["failure"]),
            (&json!(status), &failure),
            "{query}"
        );
    }
    assert_eq!(logs(&running, &read, &uuid)[2]["run_ms"], 12);
    for token in ["nonsense", "00000000000040008000000000000000", &read] {
        let answer = push(token, "?status=up");
        let expected = json!({ "ok": false, "msg": "Monitor not found or not active." });
        assert_eq!((answer.status, answer.json), (404, expected), "{token}");
    }
}

#[test]
fn pings_go_to_the_guild_that_registered_the_uuid_first() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "1h");
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let (foreign, theirs) = (key(&rollcall, "fleet", "43"), key(&rollcall, "read", "43"));
    let running = rollcall.run();
    let (uuid, _) = register_device(&running, &fleet);
    let body = format!(r#"{{"uuid":"{uuid}"}}"#);
    let registered = running.call("POST", "/api/v1/device/register", &foreign, &body);
    assert_eq!(
        registered.status, 201,
        "another guild's own device with the same uuid"
    );
    assert_eq!(ping(&running, &format!("{uuid}/fail"), "").status, 200);
    assert_eq!(device(&running, &read, &uuid)["status"], "offline");
    assert_eq!(device(&running, &theirs, &uuid)["status"], "online");
}
