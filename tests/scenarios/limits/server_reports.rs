//! A server's own key can neither store nor read more than its limits allow.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{key, text};
use crate::harness::{Answer, Rollcall, Running};

/// A report as large as a body may be: names at every level, and thousands of numbers at the bottom.
fn hostile_report() -> String {
    let mut report = json!(vec![1; 20_000]);
    for level in 0..13 {
        report = json!({ format!("{level}{}", "n".repeat(1_000)): report });
    }
    json!({ "metrics": report }).to_string()
}

struct Server {
    key: String,
    path: String,
}

fn add(running: &Running<'_>, admin: &str) -> Server {
    let added = running.call("POST", "/api/v1/servers", admin, r#"{"name":"db"}"#);
    Server {
        key: text(&added.json["key"]),
        path: format!("/api/v1/servers/{}/stats?step=1s", added.json["id"]),
    }
}

fn report(running: &Running<'_>, server: &Server, body: &str) -> Answer {
    running.call("POST", "/api/v1/server-stats", &server.key, body)
}

#[test]
fn reports_are_limited_in_numbers_names_and_depth() {
    let rollcall = Rollcall::new();
    let admin = key(&rollcall, "admin", "42");
    let running = rollcall.run();
    let server = add(&running, &admin);
    let list = |count: usize| json!({ "load": vec![1; count] }).to_string();
    let named = |length: usize| json!({ "metrics": { "n".repeat(length): 1 } }).to_string();
    for (body, status, words) in [
        (list(200), 200, ""),
        (list(201), 422, "at most 200 numbers"),
        (named(128 - "metrics.".len()), 200, ""),
        (named(129 - "metrics.".len()), 422, "at most 128 bytes"),
        (hostile_report(), 422, "metrics"),
    ] {
        let answer = report(&running, &server, &body);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.text.contains(words), "{answer:?}");
    }
}

#[test]
fn large_reports_of_an_older_version_fill_no_memory_when_they_are_read() {
    let rollcall = Rollcall::new();
    let admin = key(&rollcall, "admin", "42");
    let running = rollcall.run();
    let server = add(&running, &admin);
    assert_eq!(report(&running, &server, r#"{"cpu":1}"#).status, 200);
    let stats = hostile_report();
    rollcall.sql(&format!(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100)
         INSERT INTO samples (at, monitor_id, stats) SELECT at + n * 1000, monitor_id, '{stats}' FROM samples, number"
    ));
    let before = running.own_memory();
    let answer = running.call("GET", &server.path, &server.key, "");
    assert_eq!(answer.status, 200, "{}", answer.text.len());
    assert!(answer.text.len() < 100_000, "{}", answer.text.len());
    let grown = running.own_memory().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes");
    let points = answer.json["points"].as_array().map(Vec::len);
    assert!(points.is_some_and(|points| points > 0), "{}", answer.text);
    // The key of the server itself is limited like every other one.
    let refused = (0..20)
        .map(|_| running.call("GET", &server.path, &server.key, ""))
        .find(|answer| answer.status != 200)
        .expect("a refusal");
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_ne!(refused.json["detail"], Value::Null);
}
