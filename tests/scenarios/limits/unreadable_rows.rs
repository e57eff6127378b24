//! Rows that cannot be read stop nothing but themselves, and can be removed.

use serde_json::Value;

use crate::devices::http_devices_servers::key;
use crate::harness::{Rollcall, Running, Web, wait_for};

/// Damages a monitor of each kind, a webhook and a silence of guild 42, as a tool that changes the database might do.
fn damage(rollcall: &Rollcall) {
    let target = format!("http://example.org/{}", "x".repeat(600));
    for statement in [
        &format!(
            "UPDATE endpoint_targets SET target = '{target}' WHERE guild_id = 42 AND port = 1"
        ),
        "UPDATE endpoint_targets SET http_check = '{\"method\":\"GET\",\"headers\":[[\"x\",\"canary\"]]}' WHERE guild_id = 42 AND port = 2",
        "UPDATE device_details SET slug = 'no slug' WHERE guild_id = 42",
        "UPDATE server_details SET online_ms = 9, warning_ms = 5, offline_ms = 1 WHERE guild_id = 42",
        "UPDATE webhooks SET url = 'canary' WHERE guild_id = 42",
        "UPDATE silences SET days = 1, minute = 0, length_ms = 60000, zone = 'Mars/Olympus' WHERE guild_id = 42",
    ] {
        rollcall.sql(statement);
    }
}

fn count(running: &Running<'_>, key: &str, path: &str) -> (u16, usize) {
    let answer = running.call("GET", &format!("/api/v1/{path}"), key, "");
    let noun = path.split('?').next().unwrap_or(path);
    (
        answer.status,
        answer.json[noun].as_array().map_or(0, Vec::len),
    )
}

/// The paths of one object of each kind, all of which will be damaged.
fn add_objects(running: &Running<'_>, admin: &str) -> Vec<String> {
    [
        ("endpoints", r#"{"target":"tcp://192.0.2.1:1"}"#),
        ("endpoints", r#"{"target":"https://192.0.2.1:2/"}"#),
        ("devices", r#"{"name":"pump","slug":"pump"}"#),
        ("servers", r#"{"name":"db"}"#),
        (
            "webhooks",
            r#"{"name":"pager","url":"https://example.org/hook"}"#,
        ),
        (
            "silences",
            r#"{"kind":"maintenance","title":"upgrade","duration":"1h"}"#,
        ),
    ]
    .into_iter()
    .map(|(noun, body)| {
        let added = running.call("POST", &format!("/api/v1/{noun}"), admin, body);
        assert_eq!(added.status, 201, "{noun}: {added:?}");
        let id = match &added.json["uuid"] {
            Value::String(uuid) => uuid.clone(),
            _ => added.json["id"].to_string(),
        };
        format!("{noun}/{id}")
    })
    .collect()
}

/// Waits until a new endpoint of another guild is checked, while damaged rows change, too.
fn changes_are_still_read(rollcall: &Rollcall, running: &Running<'_>, web: &Web, admin: &str) {
    rollcall.sql(
        "INSERT INTO events (guild_id, monitor_id, kind, at, noticed_at, actor, details)
         SELECT 42, monitor_id, 'endpoint_edited', 1, 1, 'cli', '{}' FROM endpoint_targets WHERE port < 3",
    );
    let second = format!(r#"{{"target":"{}second"}}"#, web.target());
    let added = running.call("POST", "/api/v1/endpoints", admin, &second);
    wait_for("a new endpoint to be checked", || {
        let path = format!("/api/v1/endpoints/{}", added.json["id"]);
        let shown = running.call("GET", &path, admin, "");
        (shown.json["status"] == "online").then_some(())
    });
    assert_eq!(running.get("/readyz").0, 200);
}

/// Lists omit the damaged rows, page by page, too.
fn lists_omit_unreadable_rows(running: &Running<'_>, admin: &str) {
    for (path, readable) in [
        ("endpoints", 1),
        ("devices", 0),
        ("servers", 0),
        ("webhooks", 0),
        ("silences", 0),
    ] {
        assert_eq!(count(running, admin, path), (200, readable), "{path}");
    }
    let first = running.call("GET", "/api/v1/endpoints?limit=2", admin, "");
    let cursor = first.json["next_cursor"].as_str().expect("there are more");
    let path = format!("/api/v1/endpoints?limit=2&cursor={cursor}");
    let rest = running.call("GET", &path, admin, "");
    let seen = [&first, &rest].map(|page| page.json["endpoints"].as_array().unwrap().len());
    assert_eq!(seen.iter().sum::<usize>(), 1, "{first:?} {rest:?}");
}

/// Removes every object, of which none can be shown any longer.
fn all_can_be_removed(rollcall: &Rollcall, running: &Running<'_>, paths: &[String]) {
    for path in paths {
        // A key of its own, because each may be used once a second.
        let admin = key(rollcall, "admin", "42");
        let removed = running.call("DELETE", &format!("/api/v1/{path}"), &admin, "");
        assert_eq!(removed.status, 204, "{path}: {removed:?}");
        let again = running.call("DELETE", &format!("/api/v1/{path}"), &admin, "");
        assert_eq!(again.status, 404, "{path}");
    }
}

fn wait_until_unreadable(running: &Running<'_>, rows: f64) {
    wait_for("the unreadable rows to be counted", || {
        (running.metric("rollcall_unreadable_rows") == Some(rows)).then_some(())
    });
}

#[test]
fn unreadable_rows_of_a_guild_affect_nothing_else_and_can_be_removed() {
    let web = Web::up();
    let rollcall = Rollcall::new()
        .with("PROBE_ALLOW", "loopback")
        .with("PROBE_INTERVAL", "1s");
    let admin = key(&rollcall, "admin", "42");
    let other = key(&rollcall, "admin", "43");
    let running = rollcall.run();
    let paths = add_objects(&running, &admin);
    let readable = r#"{"target":"tcp://192.0.2.1:3"}"#;
    let theirs = format!(r#"{{"target":"{}"}}"#, web.target());
    for (key, body) in [(&admin, readable), (&other, theirs.as_str())] {
        let added = running.call("POST", "/api/v1/endpoints", key, body);
        assert_eq!(added.status, 201, "{added:?}");
    }
    running.stop();
    damage(&rollcall);

    let running = rollcall.run();
    wait_until_unreadable(&running, 6.0);
    let requests = web.requests();
    wait_for("the other guild's endpoint to be checked", || {
        (web.requests() > requests).then_some(())
    });
    changes_are_still_read(&rollcall, &running, &web, &other);
    lists_omit_unreadable_rows(&running, &admin);
    assert_eq!(rollcall.list().len(), 3, "on the command line, too");
    let log = rollcall.log();
    assert_eq!(log.matches("unreadable row skipped").count(), 6, "{log}");
    assert!(
        !log.contains("canary") && !log.contains("xxxxxxxx"),
        "{log}"
    );
    all_can_be_removed(&rollcall, &running, &paths);
    running.stop();
    wait_until_unreadable(&rollcall.run(), 0.0);
}
