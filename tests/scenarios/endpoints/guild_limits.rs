//! Nobody scans a network with Rollcall: ports of a host, new hosts per hour and short intervals are limited.

use discord_sandbox::{File, Reply, Sandbox};
use serde_json::json;

use crate::devices::http_devices_servers::key;
use crate::harness::alerting;
use crate::harness::assert_contains;

async fn import(sandbox: &Sandbox, target: &str, numbers: std::ops::Range<usize>) -> Reply {
    let lines = numbers.map(|number| target.replace('#', &number.to_string()) + "\n");
    let file = File {
        name: "list.txt".into(),
        description: None,
        content: lines.collect::<String>().into_bytes(),
    };
    sandbox
        .slash_with_file("/endpoint import", "file", file)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_import_up_to_the_quota_is_possible_once() {
    let sandbox = Sandbox::start().await;
    let rollcall = alerting::bot(&sandbox)
        .with("QUOTA_ENDPOINTS", "250")
        .with("PROBE_INTERVAL", "1h");
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let first = import(&sandbox, "tcp://203.0.113.#:80", 1..251).await;
    assert_contains(&first, "Added: 250");
    // With the endpoints everything about them is deleted, but not how many hosts were added.
    let removed = rollcall.sql("DELETE FROM monitors RETURNING name");
    assert_eq!(removed.len(), 250);
    let second = import(&sandbox, "tcp://198.51.100.#:80", 1..202).await;
    assert_contains(&second, "Added: 200");
    assert_contains(&second, "Rejected: 1");
    assert_contains(
        &second,
        "Line 201: this Discord server has added 200 new hosts within an hour",
    );
    let known = import(&sandbox, "tcp://198.51.100.#:81", 1..2).await;
    assert_contains(&known, "Added: 1");
}

#[test]
fn ports_and_short_intervals_are_refused_over_http_but_not_on_the_command_line() {
    let rollcall = crate::harness::Rollcall::new().with("PROBE_INTERVAL", "10s");
    let admin = key(&rollcall, "admin", "42");
    let running = rollcall.run();
    let post = |body: &str| running.call("POST", "/api/v1/endpoints", &admin, body);
    let ports = (1..=20).map(|port| format!("tcp://192.0.2.1:{port}\n"));
    let file = rollcall.path("ports.txt");
    std::fs::write(&file, ports.collect::<String>()).unwrap();
    let file = file.display().to_string();
    rollcall.done(&["endpoint", "import", &file, "--guild", "42"]);

    let refused = post(r#"{"target":"tcp://192.0.2.1:21"}"#);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(
        refused.text.contains("endpoints on 20 ports already"),
        "{refused:?}"
    );
    assert_eq!(post(r#"{"target":"http://192.0.2.1:20/"}"#).status, 201);
    rollcall.done(&["endpoint", "add", "tcp://192.0.2.1:21", "--guild", "42"]);

    let short = post(r#"{"target":"tcp://192.0.2.2:1","interval":"9s"}"#);
    assert_eq!(short.status, 422, "{short:?}");
    assert!(short.text.contains("at least 10s"), "{short:?}");
    let added = post(r#"{"target":"tcp://192.0.2.2:1","interval":"10s"}"#);
    assert_eq!(added.status, 201, "{added:?}");
    let one = format!("/api/v1/endpoints/{}", added.json["id"]);
    let edited = running.call("PATCH", &one, &admin, r#"{"interval":"9s"}"#);
    assert_eq!(edited.status, 422, "{edited:?}");
    let allowed = post(r#"{"target":"tcp://127.0.0.1:1","interval":"1s"}"#);
    assert_eq!(
        (allowed.status, &allowed.json["interval_seconds"]),
        (201, &json!(1)),
        "{allowed:?}"
    );
    let target = ["endpoint", "add", "tcp://192.0.2.3:1", "--interval", "1s"];
    rollcall.done(&target);
}
