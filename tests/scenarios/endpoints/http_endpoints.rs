//! Endpoints managed by programs, over HTTP.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{key, read_with, text};
use crate::harness::{Rollcall, Web, wait_for};

#[test]
fn endpoints_are_added_changed_paused_rechecked_and_removed_over_http() {
    let web = Web::up();
    let rollcall = Rollcall::new().with("PROBE_ALLOW", "loopback");
    let (admin, read) = (key(&rollcall, "admin", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let call = |method: &str, path: &str, key: &str, body: &str| {
        running.call(method, &format!("/api/v1/endpoints{path}"), key, body)
    };
    let body = format!(
        r#"{{"target":"{}health","name":"shop","interval":"1h","http":{{"status":"200"}}}}"#,
        web.target()
    );
    let added = call("POST", "", &admin, &body);
    assert_eq!(added.status, 201, "{added:?}");
    assert_eq!(
        (&added.json["name"], &added.json["interval_seconds"]),
        (&json!("shop"), &json!(3600))
    );
    assert_eq!(call("POST", "", &admin, &body).status, 409, "a duplicate");
    let one = format!("/{}", added.json["id"]);
    wait_for("the first check", || {
        let shown = read_with(&running, &read, &format!("/api/v1/endpoints{one}"));
        (shown.json["status"] == "online").then_some(())
    });

    let change = r#"{"name":"web shop","interval":null,"http":{"keyword":"nowhere to be found"}}"#;
    let changed = call("PATCH", &one, &admin, change);
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(
        (
            &changed.json["name"],
            &changed.json["http"]["status"],
            &changed.json["interval_seconds"]
        ),
        (&json!("web shop"), &json!("200-200"), &Value::Null)
    );
    let checked = call("POST", &format!("{one}/recheck"), &admin, "");
    assert_eq!(
        (checked.status, &checked.json["status"]),
        (200, &json!("warning")),
        "{checked:?}"
    );
    let paused = call("PATCH", &one, &admin, r#"{"paused":true}"#);
    assert_eq!(paused.json["status"], "paused", "{paused:?}");
    assert_eq!(
        call("POST", &format!("{one}/recheck"), &admin, "").status,
        409
    );

    assert_eq!(call("DELETE", &one, &admin, "").status, 204);
    let events = read_with(&running, &read, "/api/v1/events?limit=4").json;
    let events = events["events"].as_array().unwrap();
    let kinds: Vec<String> = events.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(
        kinds,
        [
            "endpoint_removed",
            "endpoint_paused",
            "endpoint_warning",
            "endpoint_edited"
        ]
    );
    assert!(text(&events[0]["actor"]).starts_with("key:"), "{events:?}");
}

#[test]
fn other_guilds_see_no_endpoint_and_read_keys_change_nothing() {
    let rollcall = Rollcall::new();
    let (admin, read) = (key(&rollcall, "admin", "42"), key(&rollcall, "read", "42"));
    let foreign = key(&rollcall, "admin", "43");
    let running = rollcall.run();
    let call = |method: &str, path: &str, key: &str, body: &str| {
        running.call(method, &format!("/api/v1/endpoints{path}"), key, body)
    };
    let added = call("POST", "", &admin, r#"{"target":"tcp://192.0.2.1:1"}"#);
    let one = format!("/{}", added.json["id"]);
    for (method, path) in [("GET", one.as_str()), ("PATCH", &one), ("DELETE", &one)] {
        let answer = call(method, path, &foreign, "");
        let not_there = call(method, "/999999", &foreign, "");
        assert_eq!(
            (answer.status, answer.text),
            (404, not_there.text.clone()),
            "{method}"
        );
    }
    assert_eq!(
        call("GET", "", &foreign, "").json,
        json!({ "endpoints": [], "next_cursor": null, "total": 0 })
    );
    assert_eq!(call("DELETE", &one, &read, "").status, 403);
    assert_eq!(call("GET", &one, &read, "").status, 200);
}

#[test]
fn invalid_fields_and_parameters_are_named() {
    let rollcall = Rollcall::new().with("QUOTA_ENDPOINTS", "1");
    let (admin, read) = (key(&rollcall, "admin", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    for (body, status, detail) in [
        ("{}", 422, r#"missing field `target`. Example: `{"#),
        (r#"{"target":"http://127.1"}"#, 422, "`target`: "),
        (
            r#"{"target":"tcp://192.0.2.1:1","interval":"soon"}"#,
            422,
            "`interval`: ",
        ),
        (
            r#"{"target":"tcp://192.0.2.1:1","http":{"redirects":1}}"#,
            409,
            "no HTTP options",
        ),
        (
            r#"{"target":"http://192.0.2.1","http":{"method":"POST"}}"#,
            422,
            "`http.method`: ",
        ),
        (
            r#"{"target":"tcp://192.0.2.1:1","color":"red"}"#,
            422,
            "unknown field `color`",
        ),
        (r#"{"target":"tcp://192.0.2.1:1"}"#, 201, ""),
        (r#"{"target":"tcp://192.0.2.1:2"}"#, 409, "QUOTA_ENDPOINTS"),
    ] {
        let answer = running.call("POST", "/api/v1/endpoints", &admin, body);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.text.contains(detail), "{answer:?}");
    }
    for query in [
        "?status=fine",
        "?reason=bad",
        "?limit=0",
        "?color=red",
        "?active=perhaps",
    ] {
        let answer = running.call("GET", &format!("/api/v1/endpoints{query}"), &read, "");
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
    }
}
