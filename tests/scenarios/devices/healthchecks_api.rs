//! The part of Healthchecks' management API that reads, as dashboards use it.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{key, quick, text};
use crate::harness::{Answer, Rollcall, Running, wait_for};

fn call(running: &Running<'_>, key: &str, path: &str) -> Answer {
    let path = format!("/api/v3/checks{path}");
    running.call_with("GET", &path, ("", &[("X-Api-Key", key)]), "")
}

/// Reads with a key that may be used once a second.
fn read(running: &Running<'_>, key: &str, path: &str) -> Value {
    let answer = wait_for("a response", || {
        let answer = call(running, key, path);
        (answer.status != 429).then_some(answer)
    });
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json
}

fn add(rollcall: &Rollcall, name: &str, guild: &str) -> String {
    let added = rollcall.done(&["device", "add", name, "--guild", guild, "--json"]);
    text(&added.json()["uuid"])
}

fn ping(running: &Running<'_>, path: &str) {
    let answer = running.call("POST", &format!("/ping/{path}"), "", "");
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// These fields of each check of a list.
fn fields(list: &Value, names: &[&str]) -> Value {
    let checks = list["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            let values = names.iter().map(|name| check[*name].clone());
            values.collect::<Value>()
        })
        .collect()
}

#[test]
fn dashboards_list_checks_with_their_status() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "1h");
    let reader = key(&rollcall, "read", "42");
    let uuids = ["Backup", "Down", "New"].map(|name| add(&rollcall, name, "42"));
    add(&rollcall, "Theirs", "43");
    let running = rollcall.run();
    ping(&running, &format!("{}/start", uuids[0]));
    ping(&running, &uuids[0]);
    ping(&running, &format!("{}/start", uuids[0]));
    ping(&running, &format!("{}/fail", uuids[1]));
    rollcall.sql("UPDATE monitors SET group_name = 'nas weekly' WHERE name = 'Backup'");
    let names = [
        "name", "slug", "tags", "status", "started", "n_pings", "timeout", "grace",
    ];
    let list = read(&running, &reader, "/");
    assert_eq!(
        fields(&list, &names),
        json!([
            ["Backup", "backup", "nas weekly", "up", true, 3, 3600, 0],
            ["Down", "down", "", "down", false, 1, 3600, 0],
            ["New", "new", "", "new", false, 0, 3600, 0],
        ])
    );
    let times = fields(
        &list,
        &["last_ping", "next_ping", "last_duration", "ping_url"],
    );
    assert!(text(&times[0][0]).ends_with("+00:00"), "{times}");
    assert!(times[0][1].is_string() && times[0][2].is_u64(), "{times}");
    assert_eq!(
        times[1][1],
        Value::Null,
        "a check that is down expects nothing"
    );
    assert_eq!(times[2], json!([null, null, null, null]));
    for (query, found) in [
        ("?slug=backup", json!([["Backup"]])),
        ("?slug=other", json!([])),
        ("/?tag=nas", json!([["Backup"]])),
        ("/?tag=nas&tag=weekly", json!([["Backup"]])),
        ("/?tag=nas&tag=daily", json!([])),
    ] {
        assert_eq!(
            fields(&read(&running, &reader, query), &["name"]),
            found,
            "{query}"
        );
    }
    for version in ["v1", "v2", "v3"] {
        let path = format!("/api/{version}/checks/");
        let older = wait_for("a response", || {
            let answer = running.call_with("GET", &path, ("", &[("X-Api-Key", &reader)]), "");
            (answer.status != 429).then_some(answer)
        });
        assert_eq!(
            fields(&older.json, &names),
            fields(&list, &names),
            "{version}"
        );
    }
}

#[test]
fn only_an_admin_key_sees_the_urls_of_pings() {
    let rollcall = quick();
    let (reader, admin) = (key(&rollcall, "read", "42"), key(&rollcall, "admin", "42"));
    let uuid = add(&rollcall, "Backup", "42");
    let running = rollcall.run();
    for path in [
        "".to_owned(),
        "/".to_owned(),
        format!("/{uuid}"),
        format!("/{uuid}/"),
    ] {
        let of_check = |answer: Value| match answer.get("checks") {
            Some(checks) => checks[0].clone(),
            None => answer,
        };
        let shown = of_check(read(&running, &reader, &path));
        assert_eq!(
            (&shown["uuid"], shown.get("ping_url")),
            (&json!(uuid), None),
            "{path}"
        );
        let shown = of_check(read(&running, &admin, &path));
        assert_eq!(shown["ping_url"], format!("http://x/ping/{uuid}"), "{path}");
    }
    let headers = [
        ("X-Api-Key", admin.as_str()),
        ("X-Forwarded-Proto", "https"),
    ];
    let path = format!("/api/v3/checks/{uuid}");
    let shown = running.call_with("GET", &path, ("", &headers), "");
    assert_eq!(shown.json["ping_url"], format!("https://x/ping/{uuid}"));
    assert_eq!(running.stop().0, 0);
    let rollcall = rollcall.with("PUBLIC_URL", "https://example.org/rollcall/");
    let running = rollcall.run();
    let shown = running.call_with("GET", &path, ("", &headers), "");
    assert_eq!(
        shown.json["ping_url"],
        format!("https://example.org/rollcall/ping/{uuid}")
    );
    assert_eq!(
        read(&running, &reader, &format!("/{uuid}")).get("ping_url"),
        None
    );
}

#[test]
fn the_latest_pings_and_flips_of_a_check_are_listed() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "1h");
    let reader = key(&rollcall, "read", "42");
    let uuid = add(&rollcall, "Backup", "42");
    let running = rollcall.run();
    for signal in ["start", "3", "0"] {
        ping(&running, &format!("{uuid}/{signal}"));
    }
    let body = r#"["not a ping"]"#;
    let fleet = key(&rollcall, "fleet", "42");
    let logged = running.call("POST", &format!("/api/v1/device/{uuid}/logs"), &fleet, body);
    assert_eq!(logged.status, 200, "{logged:?}");
    for slash in ["", "/"] {
        let pings = read(&running, &reader, &format!("/{uuid}/pings{slash}"));
        let pings = pings["pings"].as_array().unwrap();
        let kinds: Vec<&Value> = pings.iter().map(|ping| &ping["type"]).collect();
        assert_eq!(kinds, ["success", "fail", "start"]);
        assert!(pings[1]["duration"].is_f64(), "{pings:?}");
        assert!(pings[0].get("duration").is_none(), "{pings:?}");
        let flips = read(&running, &reader, &format!("/{uuid}/flips{slash}"));
        let ups: Vec<&Value> = flips["flips"]
            .as_array()
            .unwrap()
            .iter()
            .map(|flip| &flip["up"])
            .collect();
        assert_eq!(ups, [1, 0, 1], "{flips}");
    }
    for (query, count) in [
        ("?seconds=3600", 3),
        ("?start=10000000000", 0),
        ("?end=1", 0),
        ("?start=1&end=10000000000", 3),
    ] {
        let flips = read(&running, &reader, &format!("/{uuid}/flips/{query}"));
        assert_eq!(flips["flips"].as_array().unwrap().len(), count, "{query}");
    }
    let wrong = wait_for("a response", || {
        let answer = call(&running, &reader, &format!("/{uuid}/flips/?start=soon"));
        (answer.status != 429).then_some(answer)
    });
    assert_eq!(
        (wrong.status, wrong.json),
        (400, json!({ "error": "invalid query" }))
    );
    rollcall.sql(
        "INSERT INTO device_logs (monitor_id, at, kind, message)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
         SELECT (SELECT MAX(monitor_id) FROM device_details), 1, 'success', '' FROM n",
    );
    let pings = read(&running, &reader, &format!("/{uuid}/pings/"));
    assert_eq!(pings["pings"].as_array().unwrap().len(), 100);
}

#[test]
fn a_key_reads_the_checks_of_its_own_guild_only() {
    let rollcall = quick();
    let (ours, theirs) = (key(&rollcall, "read", "42"), key(&rollcall, "admin", "43"));
    let uuid = add(&rollcall, "Backup", "42");
    let running = rollcall.run();
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (key, uuid) in [
        (&theirs, uuid.as_str()),
        (&ours, unknown),
        (&ours, "nonsense"),
    ] {
        for path in ["", "/", "/pings/", "/flips"] {
            let answer = wait_for("a response", || {
                let answer = call(&running, key, &format!("/{uuid}{path}"));
                (answer.status != 429).then_some(answer)
            });
            let expected = json!({ "error": "not found" });
            assert_eq!(
                (answer.status, answer.json),
                (404, expected),
                "{uuid}{path}"
            );
        }
    }
    assert_eq!(read(&running, &theirs, "/")["checks"], json!([]));
    assert_eq!(
        read(&running, &ours, "/")["checks"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let written = running.call_with(
        "POST",
        "/api/v3/checks/",
        ("", &[("X-Api-Key", &theirs)]),
        "{}",
    );
    assert_eq!(written.status, 405);
}

#[test]
fn other_keys_read_no_checks_and_are_limited() {
    let rollcall = quick();
    let reader = key(&rollcall, "read", "42");
    let added = rollcall.done(&["device", "add", "pump", "--json"]).json();
    let server = rollcall.done(&["server", "add", "db-1", "--json"]).json();
    let revoked = rollcall
        .done(&["key", "create", "--kind", "read", "--json"])
        .json();
    rollcall.done(&["key", "revoke", revoked["id"].as_str().unwrap()]);
    let keys = [
        key(&rollcall, "fleet", "42"),
        key(&rollcall, "ping", "42"),
        text(&added["key"]),
        text(&server["key"]),
        text(&revoked["key"]),
        "x".repeat(32),
    ];
    let running = rollcall.run();
    for key in &keys {
        let answer = call(&running, key, "/");
        let expected = json!({ "error": "wrong api key" });
        assert_eq!((answer.status, answer.json), (401, expected), "{key}");
    }
    // The key is not read from another header.
    let answer = running.call("GET", "/api/v3/checks/", &reader, "");
    assert_eq!(
        (answer.status, answer.json),
        (401, json!({ "error": "missing api key" }))
    );
    let answers: Vec<Answer> = (0..20).map(|_| call(&running, &keys[0], "/")).collect();
    let last = answers.last().unwrap();
    assert_eq!(last.status, 429, "{last:?}");
    assert!(
        last.header("retry-after").is_some() && last.json["error"].is_string(),
        "{last:?}"
    );
    assert_eq!(
        call(&running, &reader, "/").status,
        200,
        "a good key still works"
    );
}
