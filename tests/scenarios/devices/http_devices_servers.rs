//! Devices and servers over HTTP: heartbeats and reports count at once, missed ones are noticed in time, and Rollcall's own
//! downtime never counts against them.

use serde_json::{Value, json};

use crate::harness::own_timer::stopwatch;
use crate::harness::{Answer, Rollcall, Running, wait_for};

/// A bot that notices missed heartbeats and reports within seconds.
pub fn quick() -> Rollcall {
    Rollcall::new()
        .with("DISCORD_GUILD_ID", "42")
        .with("HEARTBEAT_CHECK_INTERVAL", "1s")
        .with("HEARTBEAT_OFFLINE_THRESHOLD", "3s")
        .with("ONLINE_THRESHOLD_MINUTES", "2s")
        .with("WARNING_THRESHOLD_MINUTES", "4s")
        .with("OFFLINE_THRESHOLD_MINUTES", "6s")
}

pub fn key(rollcall: &Rollcall, kind: &str, guild: &str) -> String {
    let made = rollcall.done(&["key", "create", "--kind", kind, "--guild", guild, "--json"]);
    made.json()["key"].as_str().unwrap().to_owned()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The device as the API returns it.
pub fn device(running: &Running<'_>, read: &str, uuid: &str) -> Value {
    let shown = read_with(running, read, &format!("/api/v1/devices/{uuid}"));
    assert_eq!(shown.status, 200, "{shown:?}");
    shown.json
}

/// Reads with a key that may be used once a second: retries while the rate limit applies.
pub fn read_with(running: &Running<'_>, key: &str, path: &str) -> Answer {
    wait_for("a response", || {
        let shown = running.call("GET", path, key, "");
        (shown.status != 429).then_some(shown)
    })
}

#[test]
fn a_device_registers_sends_heartbeats_goes_offline_and_recovers() {
    let rollcall = quick();
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let body = r#"{"device_name":"pump","device_type":"esp32"}"#;
    let made = running.call("POST", "/api/v1/device/register", &fleet, body);
    assert_eq!(made.status, 201, "{made:?}");
    let (uuid, own) = (text(&made.json["uuid"]), text(&made.json["device_key"]));
    let again = format!(r#"{{"uuid":"{uuid}"}}"#);
    let found = running.call("POST", "/api/v1/device/register", &fleet, &again);
    assert_eq!((found.status, &found.json), (200, &json!({ "uuid": uuid })));

    let taken = running.call("POST", "/api/v1/device/register", &fleet, body);
    let detail = text(&taken.json["detail"]);
    assert_eq!(taken.status, 409, "{taken:?}");
    assert!(detail.contains("send its `uuid`"), "{detail}");
    assert!(taken.json.get("device_key").is_none(), "{taken:?}");

    let heartbeat = format!("/api/v1/device/{uuid}/heartbeat");
    assert_eq!(running.call("POST", &heartbeat, &own, "").status, 200);
    let shown = device(&running, &read, &uuid);
    assert_eq!(
        (&shown["name"], &shown["device_type"], &shown["is_online"]),
        (&json!("pump"), &json!("esp32"), &json!(true))
    );
    wait_for("the missed heartbeats to be noticed", || {
        (device(&running, &read, &uuid)["status"] == "offline").then_some(())
    });
    assert_eq!(running.call("POST", &heartbeat, &own, "").status, 200);
    assert_eq!(device(&running, &read, &uuid)["status"], "online");
}

#[test]
fn a_heartbeat_with_a_fleet_key_registers_an_unknown_device() {
    let rollcall = quick();
    let fleet = key(&rollcall, "fleet", "42");
    let running = rollcall.run();
    let heartbeat = "/api/v1/device/7F9C24E53B1A4C0E9D2F8A6B5C4D3E2F/heartbeat";
    let made = running.call("POST", heartbeat, &fleet, "");
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(made.json["uuid"], "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f");
    assert!(text(&made.json["device_key"]).starts_with("rc_device_"));
    let again = running.call("POST", heartbeat, &fleet, "");
    assert!(again.json.get("device_key").is_none(), "{again:?}");
}

#[test]
fn keys_grant_only_their_scope_and_nothing_of_another_guild() {
    let rollcall = quick();
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let foreign = key(&rollcall, "admin", "43");
    let running = rollcall.run();
    let made = running.call("POST", "/api/v1/device/register", &fleet, "");
    let (uuid, own) = (text(&made.json["uuid"]), text(&made.json["device_key"]));
    let other = running.call("POST", "/api/v1/device/register", &fleet, "");
    let other = text(&other.json["uuid"]);
    let get = |path: &str, key: &str| running.call("GET", path, key, "");
    let path = format!("/api/v1/devices/{uuid}");

    // Missing, malformed, unknown and revoked keys get the same response.
    let revoked = key(&rollcall, "read", "42");
    let id = revoked.split('_').nth(2).unwrap();
    rollcall.done(&["key", "revoke", id, "--guild", "42"]);
    let unknown = "rc_read_000000000000_00000000000000000000000000000000000000000000000000";
    let refused: Vec<_> = ["", "nonsense", unknown, &revoked]
        .into_iter()
        .map(|key| get(&path, key))
        .collect();
    for answer in &refused {
        assert_eq!((answer.status, &answer.json), (401, &refused[0].json));
        assert!(
            answer.head.contains("application/problem+json"),
            "{answer:?}"
        );
    }
    // An id of another guild gets the same response as one that does not exist.
    let unknown_device = "/api/v1/devices/00000000-0000-4000-8000-000000000000";
    let not_there = get(unknown_device, &read);
    assert_eq!(not_there.status, 404);
    for (path, key) in [
        (path.clone(), &foreign),
        (format!("/api/v1/devices/{other}"), &own),
        ("/api/v1/devices/nonsense".to_owned(), &read),
    ] {
        let answer = get(&path, key);
        assert_eq!(
            (answer.status, &answer.json),
            (404, &not_there.json),
            "{path}"
        );
    }
    assert_eq!(
        get("/api/v1/devices", &foreign).json,
        json!({ "devices": [], "next_cursor": null })
    );
    assert_eq!(get(&path, &own).status, 200);
    assert_eq!(get(&path, &fleet).status, 403);
    assert_eq!(
        running
            .call("POST", "/api/v1/device/register", &read, "")
            .status,
        403
    );
    assert_eq!(get("/api/v1/nothing", &read).status, 404);
    assert_eq!(
        running.call("PUT", "/api/v1/devices", &read, "").status,
        405
    );
}

#[test]
fn a_rotated_key_works_beside_the_new_one_and_secrets_are_shown_once() {
    let rollcall = quick();
    let old = key(&rollcall, "read", "42");
    let id = old.split('_').nth(2).unwrap().to_owned();
    let rotated = rollcall.done(&["key", "rotate", &id, "--guild", "42", "--json"]);
    let new = text(&rotated.json()["key"]);
    let running = rollcall.run();
    for key in [&old, &new] {
        assert_eq!(running.call("GET", "/api/v1/devices", key, "").status, 200);
    }
    let listed = rollcall.done(&["key", "list", "--json"]);
    assert_eq!(listed.json().as_array().unwrap().len(), 2);
    let secret = |key: &str| key.split('_').nth(3).unwrap().to_owned();
    assert!(!listed.out.contains(&secret(&old)) && !listed.out.contains(&secret(&new)));
    let unknown = rollcall.execute(&["key", "revoke", "AAAAAAAAAAAA", "--guild", "42"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    let (_, err, _) = running.stop();
    assert!(!(err + &rollcall.log()).contains(&secret(&new)));
}

#[test]
fn a_servers_status_follows_its_reports_and_thresholds() {
    let rollcall = quick();
    let added = rollcall.done(&["server", "add", "db-1", "--json"]).json();
    let (id, own) = (added["id"].as_i64().unwrap(), text(&added["key"]));
    let running = rollcall.run();
    let path = format!("/api/v1/servers/{id}/status");
    let status = || running.call("GET", &path, &own, "").json;
    assert_eq!(
        (&status()["status"], &status()["threshold_used"]),
        (&json!("offline"), &json!("never_seen"))
    );
    let stats =
        r#"{"cpu":12.5,"memory":{"used":1,"total":2},"load":[0.1,0.2,0.3],"metrics":{"queue":3}}"#;
    let reported = running.call("POST", "/api/v1/server-stats", &own, stats);
    assert_eq!(reported.status, 200, "{reported:?}");
    let with_body_key = format!(r#"{{"server_key":"{own}","cpu":1}}"#);
    let reported = running.call("POST", "/api/v1/server-stats", "", &with_body_key);
    assert_eq!(reported.status, 200, "{reported:?}");
    let shown = status();
    assert_eq!(
        (
            &shown["status"],
            &shown["threshold_used"],
            &shown["should_alert"]
        ),
        (&json!("online"), &json!("online"), &json!(false))
    );
    assert_eq!(shown["minutes_ago"], 0.0);
    // Each with a new key: a key may be used once a second.
    let used_now = || {
        let read = key(&rollcall, "read", "42");
        running.call("GET", &path, &read, "").json["threshold_used"].clone()
    };
    for used in ["warning", "offline_grace", "offline"] {
        wait_for(used, || (used_now() == used).then_some(()));
    }
    // The server monitor has stored the status, and the terminal shows the same.
    let listed = rollcall.done(&["server", "list", "--json"]).json();
    assert_eq!(listed[0]["status"], "offline");
    assert_eq!(
        running
            .call("POST", "/api/v1/server-stats", &own, "{}")
            .status,
        200
    );
    assert_eq!(status()["status"], "online");
}

#[test]
fn invalid_bodies_are_rejected_with_a_sentence_and_do_no_harm() {
    let rollcall = quick();
    let own = text(&rollcall.done(&["server", "add", "db-1", "--json"]).json()["key"]);
    let running = rollcall.run();
    let deep = format!("{{\"cpu\":{}{}}}", "[".repeat(16), "]".repeat(16));
    let long = format!(r#"{{"agent_version":"{}"}}"#, "x".repeat(2_000));
    let large = format!(r#"{{"agent_version":"{}"}}"#, "x".repeat(70_000));
    for (body, status, detail) in [
        ("{", 400, "not valid JSON"),
        ("[]", 400, "must be a JSON object"),
        (r#"{"cpu":"high"}"#, 422, "`cpu`: must be a number"),
        (r#"{"color":1}"#, 422, "unknown field `color`"),
        (deep.as_str(), 400, "levels deep"),
        (long.as_str(), 422, "more than 1024 characters"),
        (large.as_str(), 413, "at most 64 KiB"),
    ] {
        let answer = running.call("POST", "/api/v1/server-stats", &own, body);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(text(&answer.json["detail"]).contains(detail), "{answer:?}");
    }
    let statuses: Vec<u16> = (0..30)
        .map(|_| {
            running
                .call("POST", "/api/v1/server-stats", &own, "{}")
                .status
        })
        .collect();
    assert!(
        statuses.contains(&200) && statuses.contains(&429),
        "{statuses:?}"
    );
    assert_eq!(running.get("/healthz").0, 200);
}

#[test]
fn no_device_goes_offline_because_of_rollcalls_own_downtime() {
    let rollcall = quick();
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let made = running.call("POST", "/api/v1/device/register", &fleet, "");
    let uuid = text(&made.json["uuid"]);
    running.kill();
    // Longer than the threshold, while Rollcall is not running.
    let downtime = stopwatch();
    wait_for("the downtime to exceed the threshold", || {
        (downtime.elapsed().as_secs() >= 5).then_some(())
    });
    let running = rollcall.run();
    let runs = || running.metric(r#"rollcall_job_runs_total{job="heartbeat_monitor"}"#);
    wait_for("two checks", || runs().filter(|count| *count >= 2.0));
    assert_eq!(device(&running, &read, &uuid)["status"], "online");
    wait_for("the heartbeats missed while Rollcall runs", || {
        (device(&running, &read, &uuid)["status"] == "offline").then_some(())
    });
}

#[test]
fn changing_thresholds_requires_an_admin_key_of_the_same_guild() {
    let rollcall = quick();
    let added = rollcall.done(&["server", "add", "db-1", "--json"]).json();
    let path = format!("/api/v1/servers/{}", added["id"]);
    let (admin, read) = (key(&rollcall, "admin", "42"), key(&rollcall, "read", "42"));
    let foreign = key(&rollcall, "admin", "43");
    let running = rollcall.run();
    let patch = |key: &str, body: &str| running.call("PATCH", &path, key, body);
    let own = r#"{"name":"db-2","thresholds":{"online":10,"warning":30,"offline":60}}"#;
    assert_eq!(patch(&read, own).status, 403);
    assert_eq!(patch(&foreign, own).status, 404);
    let changed = patch(&admin, own);
    assert_eq!(
        (changed.status, &changed.json["name"]),
        (200, &json!("db-2"))
    );
    let wrong = patch(
        &admin,
        r#"{"thresholds":{"online":60,"warning":30,"offline":60}}"#,
    );
    assert_eq!(wrong.status, 409);
    assert!(text(&wrong.json["detail"]).contains("online < warning ≤ offline"));
    assert_eq!(
        patch(&admin, r#"{"thresholds":null,"active":false}"#).status,
        200
    );
    let status = running.call("GET", &format!("{path}/status"), &admin, "");
    assert_eq!(status.json["threshold_used"], "inactive");
}

#[test]
fn the_audit_log_is_paged_and_readable_by_its_own_guild_only() {
    let rollcall = quick();
    for name in ["db-1", "db-2", "db-3"] {
        rollcall.done(&["server", "add", name]);
    }
    let (read, foreign) = (key(&rollcall, "read", "42"), key(&rollcall, "read", "43"));
    let running = rollcall.run();
    let page = |key: &str, query: &str| read_with(&running, key, &format!("/api/v1/events{query}"));
    let added = page(&read, "?type=server_added&limit=2").json;
    let names = |page: &Value| -> Vec<String> {
        let events = page["events"].as_array().unwrap();
        events.iter().map(|event| text(&event["name"])).collect()
    };
    assert_eq!(names(&added), ["db-3", "db-2"]);
    let rest = page(
        &read,
        &format!("?type=server_added&limit=2&before={}", added["next"]),
    )
    .json;
    assert_eq!(
        (names(&rest), &rest["next"]),
        (vec!["db-1".to_owned()], &Value::Null)
    );
    assert_eq!(rest["events"][0]["actor"], "cli");
    let theirs = page(&foreign, "").json;
    let theirs = theirs["events"].as_array().unwrap();
    let are_own = theirs.iter().all(|event| event["type"] == "key_created");
    assert!(!theirs.is_empty() && are_own, "{theirs:?}");
    let monitor = &rest["events"][0]["monitor"];
    assert_eq!(
        page(&foreign, &format!("?monitor={monitor}")).json["events"],
        json!([])
    );
    for wrong in ["?type=everything", "?limit=0", "?limit=many", "?color=red"] {
        let answer = page(&read, wrong);
        assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
        assert!(answer.json["detail"].is_string(), "{answer:?}");
    }
}

#[test]
fn server_stats_are_returned_as_a_time_series() {
    let rollcall = quick();
    let added = rollcall.done(&["server", "add", "db-1", "--json"]).json();
    let (id, own) = (added["id"].to_string(), text(&added["key"]));
    let foreign = key(&rollcall, "read", "43");
    let running = rollcall.run();
    // After the prune job at startup, which deletes samples that are older than a week.
    wait_for("the prune", || {
        rollcall.log().contains("prune finished").then_some(())
    });
    rollcall.sql(&format!(
        "INSERT INTO samples (at, monitor_id, stats) VALUES
         (1769860800000, {id}, '{{\"cpu\":10,\"load\":[0.5]}}'), (1769860830000, {id}, '{{\"cpu\":20}}'),
         (1769860920000, {id}, '{{\"cpu\":5}}')"
    ));
    let path = format!("/api/v1/servers/{id}/stats");
    let hour = "?from=2026-01-31T12:00:00Z&to=1769864400&step=60s";
    let series = running.call("GET", &format!("{path}{hour}"), &own, "");
    assert_eq!(series.status, 200, "{series:?}");
    assert_eq!(
        series.json["points"],
        json!([
            { "at": "2026-01-31T12:00:00Z", "reports": 2, "source": "reports", "values": {
                "cpu": { "mean": 15.0, "min": 10.0, "max": 20.0 },
                "load.0": { "mean": 0.5, "min": 0.5, "max": 0.5 },
            } },
            { "at": "2026-01-31T12:02:00Z", "reports": 1, "source": "reports", "values": {
                "cpu": { "mean": 5.0, "min": 5.0, "max": 5.0 },
            } },
        ])
    );
    let empty = running.call("GET", &path, &own, "");
    assert_eq!(
        (empty.status, &empty.json["points"]),
        (200, &json!([])),
        "today"
    );
    assert_eq!(running.call("GET", &path, &foreign, "").status, 404);
    for (query, step) in [("?step=1s", 86.4), ("?to=1&from=2", 1.0)] {
        let answer = running.call("GET", &format!("{path}{query}"), &own, "");
        let found = (&answer.json["step_seconds"], &answer.json["points"]);
        assert_eq!(found, (&json!(step), &json!([])), "{query}: {answer:?}");
    }
    for wrong in ["?from=yesterday", "?step=soon", "?color=red"] {
        let answer = running.call("GET", &format!("{path}{wrong}"), &own, "");
        assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
    }
}
