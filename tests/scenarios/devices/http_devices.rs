//! Devices over HTTP: they read their target state, report their current state and send logs; each request counts as a
//! heartbeat. Also slow requests, invalid keys and the device quota.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{device, key, quick, read_with, text};
use crate::harness::own_timer::stopwatch;
use crate::harness::{Running, wait_for};

fn wait_until_offline(running: &Running<'_>, read: &str, uuid: &str) {
    wait_for("the missed heartbeats to be noticed", || {
        (device(running, read, uuid)["status"] == "offline").then_some(())
    });
}

#[test]
fn a_device_reads_its_target_state_and_reports_its_current_state() {
    let rollcall = quick();
    let (fleet, admin) = (key(&rollcall, "fleet", "42"), key(&rollcall, "admin", "42"));
    let running = rollcall.run();
    let uuid = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";
    let state = format!("/api/v1/device/{uuid}/state");
    // Unknown so far: it is registered by this request and gets its own key.
    let first = running.call("GET", &state, &fleet, "");
    assert_eq!((first.status, &first.json), (200, &json!({})), "{first:?}");
    let own = first.header("rollcall-device-key").unwrap();
    let shown = format!("/api/v1/devices/{uuid}");
    let change = r#"{"target_state":{"speed":2},"threshold":"3s"}"#;
    assert_eq!(running.call("PATCH", &shown, &admin, change).status, 200);

    let response = running.call("GET", &state, &own, "");
    assert_eq!(response.json, json!({ "speed": 2 }));
    let tag = response.header("etag").unwrap();
    wait_until_offline(&running, &admin, uuid);
    let headers = [("If-None-Match", tag.as_str())];
    let same = running.call_with("GET", &state, (&own, &headers), "");
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    assert_eq!(
        device(&running, &admin, uuid)["status"],
        "online",
        "a 304 counts as a heartbeat"
    );

    wait_until_offline(&running, &admin, uuid);
    let reported = running.call(
        "PATCH",
        &state,
        &own,
        r#"{"speed":1,"app":{"version":"1"}}"#,
    );
    assert_eq!(
        (reported.status, &reported.json["status"]),
        (200, &json!("online"))
    );
    for (key, body) in [
        (&own, r#"{"app":{"mode":"idle"}}"#.to_owned()),
        (&fleet, format!(r#"{{"uuid":"{uuid}","speed":null}}"#)),
    ] {
        let reported = running.call("PATCH", "/api/v1/device/state", key, &body);
        assert_eq!(reported.status, 200, "{reported:?}");
    }
    let now = device(&running, &admin, uuid);
    assert_eq!(
        now["current_state"],
        json!({ "app": { "version": "1", "mode": "idle" } })
    );
    assert_eq!(now["target_state"], json!({ "speed": 2 }));
    let without_uuid = running.call("PATCH", "/api/v1/device/state", &fleet, "{}");
    assert_eq!(without_uuid.status, 409, "{without_uuid:?}");
    assert!(
        text(&without_uuid.json["detail"]).contains("`uuid`"),
        "{without_uuid:?}"
    );
}

#[test]
fn the_log_of_a_device_is_stored_and_paged() {
    let rollcall = quick();
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let foreign = key(&rollcall, "read", "43");
    let running = rollcall.run();
    let made = running.call("POST", "/api/v1/device/register", &fleet, "");
    let (uuid, own) = (text(&made.json["uuid"]), text(&made.json["device_key"]));
    let logs = format!("/api/v1/device/{uuid}/logs");
    wait_until_offline(&running, &read, &uuid);
    let batch = r#"["one",{"message":"two","level":"warn","timestamp":17}]"#;
    assert_eq!(running.call("POST", &logs, &own, batch).status, 200);
    assert_eq!(device(&running, &read, &uuid)["status"], "online");
    let headers = [("Content-Type", "application/x-ndjson")];
    let each = "{\"message\":\"three\"}\n\"four\"\n";
    let accepted = running.call_with("POST", &logs, (&own, &headers), each);
    assert_eq!(accepted.status, 200, "{accepted:?}");

    let page = |key: &str, query: &str| {
        read_with(
            &running,
            key,
            &format!("/api/v1/devices/{uuid}/logs{query}"),
        )
    };
    let messages = |page: &Value| -> Vec<String> {
        let lines = page["logs"].as_array().unwrap();
        lines.iter().map(|line| text(&line["message"])).collect()
    };
    let first = page(&read, "?limit=3").json;
    assert_eq!(messages(&first), ["one", "two", "three"]);
    assert_eq!(
        (&first["logs"][1]["level"], &first["logs"][1]["timestamp"]),
        (&json!("warn"), &json!("17"))
    );
    let rest = page(&own, &format!("?limit=3&after={}", first["next"])).json;
    assert_eq!(
        (messages(&rest), &rest["next"]),
        (vec!["four".to_owned()], &Value::Null)
    );
    assert_eq!(page(&foreign, "").status, 404);
    for (body, status) in [
        ("[1]", 422),
        (r#""one""#, 400),
        (r#"[{"message":"a","color":1}]"#, 422),
    ] {
        let answer = running.call("POST", &logs, &own, body);
        assert_eq!(answer.status, status, "{answer:?}");
    }
    for query in ["?limit=0", "?limit=1001", "?after=-1", "?before=1"] {
        assert_eq!(page(&read, query).status, 400, "{query}");
    }
}

/// Sends the beginning of a request. Returns the response and how long it took.
fn send_beginning(running: &Running<'_>, beginning: &str) -> (String, Duration) {
    let clock = stopwatch();
    let mut stream = TcpStream::connect(running.address()).unwrap();
    stream.write_all(beginning.as_bytes()).unwrap();
    let mut answer = String::new();
    // A connection that is closed without a response is a valid result, too.
    let _ = stream.read_to_string(&mut answer);
    (answer, clock.elapsed())
}

#[test]
fn unfinished_requests_are_cut_off() {
    let rollcall = quick();
    let fleet = key(&rollcall, "fleet", "42");
    let running = rollcall.run();
    let (_, took) = send_beginning(&running, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    assert!((4..8).contains(&took.as_secs()), "headers: {took:?}");
    let slow_body = format!(
        "POST /api/v1/device/register HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {fleet}\r\nContent-Length: 9\r\n\r\n{{"
    );
    let (answer, took) = send_beginning(&running, &slow_body);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!((9..14).contains(&took.as_secs()), "body: {took:?}");
    assert_eq!(running.get("/healthz").0, 200);
}

#[test]
fn invalid_keys_are_rate_limited_and_valid_ones_from_the_same_ip_are_not() {
    let rollcall = quick();
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let tried: Vec<u16> = (0..15)
        .map(|_| {
            running
                .call("GET", "/api/v1/devices", "nonsense", "")
                .status
        })
        .collect();
    assert_eq!(
        (&tried[..10], tried[14]),
        (&[401; 10][..], 429),
        "{tried:?}"
    );
    let refused = running.call("GET", "/api/v1/devices", "nonsense", "");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!(
        running.call("GET", "/api/v1/devices", &read, "").status,
        200
    );
}

#[test]
fn the_device_quota_is_enforced_and_the_error_names_its_setting() {
    let rollcall = quick().with("QUOTA_DEVICES", "1");
    let fleet = key(&rollcall, "fleet", "42");
    let running = rollcall.run();
    let register = || running.call("POST", "/api/v1/device/register", &fleet, "");
    assert_eq!(register().status, 201);
    let full = register();
    assert_eq!(full.status, 409, "{full:?}");
    assert!(
        text(&full.json["detail"]).contains("QUOTA_DEVICES"),
        "{full:?}"
    );
}
