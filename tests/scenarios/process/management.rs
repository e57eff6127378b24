//! What an operator does from the terminal besides endpoints: devices, servers and their limits, alerts, silences, the local monitors, and the
//! settings.

use discord_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::harness::Rollcall;

#[test]
fn a_device_is_added_listed_shown_and_removed() {
    let rollcall = Rollcall::new().with("PUBLIC_URL", "https://rollcall.example.org");
    let arguments = [
        "device", "add", "backup", "--every", "1d", "--grace", "2h", "--json",
    ];
    let added = rollcall.done(&arguments).json();
    let uuid = added["uuid"].as_str().unwrap();
    let url = format!("https://rollcall.example.org/ping/{uuid}");
    assert_eq!(added["ping_url"], url.as_str());
    let listed = rollcall.done(&["device", "list", "--json"]).json();
    assert_eq!(listed[0]["name"], "backup");
    assert_eq!(listed[0]["threshold_seconds"], 26 * 3600);
    // A list is shown to more people than may send heartbeats.
    assert!(!listed.to_string().contains(uuid), "{listed}");
    let id = listed[0]["id"].to_string();
    for wanted in ["Backup", uuid, &id, &format!("#{id}")] {
        let shown = rollcall.done(&["device", "show", wanted, "--json"]).json();
        assert_eq!(shown["ping_url"], url.as_str(), "{wanted}");
    }
    let foreign = rollcall.execute(&["device", "show", "backup", "--guild", "43"]);
    assert_eq!(foreign.code, 1, "{foreign:?}");
    assert!(!foreign.out.contains(uuid) && !foreign.err.contains(uuid));
    let server = rollcall.execute(&["server", "remove", "backup"]);
    assert_eq!(server.code, 1, "{server:?}");
    rollcall.done(&["device", "remove", "backup"]);
    let empty = rollcall.done(&["device", "list"]);
    assert!(empty.err.contains("There are no devices yet"), "{empty:?}");
    for wrong in [
        &["device", "add", "x", "--grace", "2h"][..],
        &["device", "add", "x", "--every", "daily"],
        &["device", "add", "x", "--every", "1d", "--threshold", "1d"],
    ] {
        assert_eq!(rollcall.execute(wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn a_server_is_removed_with_its_key() {
    let rollcall = Rollcall::new();
    let added = rollcall.done(&["server", "add", "web-1", "--json"]).json();
    let key = added["key"].as_str().unwrap().to_owned();
    let running = rollcall.run();
    let report = r#"{"metrics":{"cpu":1}}"#;
    let path = "/api/v1/server-stats";
    assert_eq!(running.call("POST", path, &key, report).status, 200);
    rollcall.done(&["server", "remove", "web-1"]);
    crate::harness::wait_for("the key to end", || {
        (running.call("POST", path, &key, report).status == 401).then_some(())
    });
    let listed = rollcall.done(&["server", "list", "--json"]).json();
    assert_eq!(listed, json!([]));
}

/// The limits of a server as text: what `server limit` prints.
fn limits_of(rollcall: &Rollcall, server: &str) -> String {
    rollcall.done(&["server", "limit", server]).out
}

#[test]
fn limits_of_a_server_are_set_shown_and_removed() {
    let rollcall = Rollcall::new();
    assert_eq!(rollcall.execute(&["server", "limit", "web-1"]).code, 3);
    let mistake = rollcall.execute(&["server", "limit", "web-1", "--above", "90"]);
    assert_eq!(mistake.code, 2, "{mistake:?}");
    let added = rollcall.done(&["server", "add", "web-1", "--json"]).json();
    let id = format!("#{}", added["id"]);
    let limit = |words: &str| {
        let words = words.split_whitespace();
        let arguments: Vec<&str> = ["server", "limit", "web-1"]
            .into_iter()
            .chain(words)
            .collect();
        rollcall.execute(&arguments)
    };
    let empty = limit("");
    assert_eq!((empty.code, empty.out.as_str()), (0, ""), "{empty:?}");
    assert!(empty.err.contains("web-1 has no limits"), "{empty:?}");
    assert_eq!(limit("--json").json(), json!([]));
    assert_eq!(limit("--metric disk --above 90").code, 0);
    let set =
        limit("--metric metrics.temperature.* --below -5 --for 90s --as outage --json").json();
    let expected = json!({
        "metric": "metrics.temperature.*", "above": null, "below": -5.0, "changes": false, "for_seconds": 90,
        "severity": "outage", "exceeded_reason": null, "beyond_since": null,
    });
    assert_eq!((&set[0]["above"], &set[1]), (&json!(90.0), &expected));
    assert_eq!(
        limits_of(&rollcall, &id),
        "disk above 90 for 5 min  warning  met\nmetrics.temperature.* below -5 for 1 min 30 s  outage  met\n"
    );
    let again = limit("--metric disk --above 90");
    assert!(again.err.contains("Nothing changed"), "{again:?}");
    assert_eq!(limit("--metric disk --changes").code, 0);
    assert_eq!(limit("--metric disk --above 1 --remove").code, 0);
    assert_eq!(limit("--metric disk --above 1 --remove").code, 1);
    let left = limits_of(&rollcall, "WEB-1");
    assert!(left.starts_with("disk changes  warning  met\n"), "{left}");
    assert_eq!(limit("--metric disk --remove").code, 0);
    assert_eq!(limits_of(&rollcall, &id).lines().count(), 1);
    for number in 1..20 {
        assert_eq!(limit(&format!("--metric cpu{number} --above 1")).code, 0);
    }
    let beyond = limit("--metric cpu20 --above 1");
    assert_eq!(beyond.code, 1, "{beyond:?}");
    assert!(beyond.err.contains("at most 20 limits"), "{beyond:?}");
    let foreign = limit("--metric disk --above 90 --guild 43");
    assert_eq!(foreign.code, 1, "{foreign:?}");
}

#[test]
fn limits_are_suggested_for_what_the_latest_report_has() {
    let rollcall = Rollcall::new();
    let added = rollcall.done(&["server", "add", "web-1", "--json"]).json();
    let key = added["key"].as_str().unwrap().to_owned();
    let running = rollcall.run();
    let suggest = || rollcall.execute(&["server", "limit", "web-1", "--suggested"]);
    let early = suggest();
    assert_eq!(early.code, 1, "{early:?}");
    assert!(early.err.contains("has not sent a report yet"), "{early:?}");
    let report = |body: &str| {
        let sent = running.call("POST", "/api/v1/server-stats", &key, body);
        assert_eq!(sent.status, 200, "{sent:?}");
        sent.json["status"].clone()
    };
    report(r#"{"load":[1]}"#);
    let nothing = suggest();
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(nothing.err.contains("nothing to suggest"), "{nothing:?}");
    report(r#"{"disk":{"/":{"used_percent":93}}}"#);
    let set = suggest();
    assert_eq!(
        set.out, "disk above 90 for 5 min  warning  met\n",
        "{set:?}"
    );
    // The running bot applies it at once.
    report(r#"{"disk":{"/":{"used_percent":93}}}"#);
    let shown = limits_of(&rollcall, "web-1");
    assert!(shown.contains("warning  beyond it since 20"), "{shown}");
    rollcall.done(&[
        "server", "limit", "web-1", "--metric", "disk", "--above", "90", "--for", "0s",
    ]);
    assert_eq!(report(r#"{"disk":{"/":{"used_percent":93}}}"#), "warning");
    let shown = limits_of(&rollcall, "web-1");
    assert!(
        shown.contains("exceeded: disk / at 93 %, above 90 %"),
        "{shown}"
    );
    let listed = rollcall.done(&["server", "list"]).out;
    assert!(
        listed.contains("warning  web-1  disk / at 93 %"),
        "{listed}"
    );
}

#[test]
fn silences_are_started_listed_and_ended() {
    let rollcall = Rollcall::new();
    let id = rollcall.add("tcp://203.0.113.7:80").to_string();
    let mute = rollcall.done(&["silence", "mute", &id, "--for", "2h", "--json"]);
    let mute = mute.json()["id"].to_string();
    let at = "2099-12-01 22:30";
    let plan = [
        "silence",
        "maintenance",
        "--title",
        "router",
        "--for",
        "1h",
        "--at",
        at,
    ];
    rollcall.done(&plan);
    let listed = rollcall.done(&["silence", "list", "--json"]).json();
    let facts = |silence: &Value| {
        ["kind", "title", "monitors", "is_active"].map(|name| silence[name].clone())
    };
    let monitor: i64 = id.parse().unwrap();
    assert_eq!(
        facts(&listed[0]),
        [json!("mute"), json!(""), json!([monitor]), json!(true)]
    );
    assert_eq!(
        facts(&listed[1]),
        [
            json!("maintenance"),
            json!("router"),
            json!(null),
            json!(false)
        ]
    );
    assert_eq!(listed[1]["starts_at"], "2099-12-01T22:30:00Z");
    rollcall.done(&["silence", "end", &mute]);
    let listed = rollcall.done(&["silence", "list"]).out;
    assert!(
        listed.contains("planned") && !listed.contains("mute"),
        "{listed}"
    );
    assert_eq!(rollcall.execute(&["silence", "end", &mute]).code, 1);
    for (count, code) in [(25, 0), (26, 2)] {
        let mut arguments = vec!["silence", "maintenance", "--for", "1h"];
        // The same one many times is one.
        arguments.extend(["--monitor", &id].repeat(count));
        assert_eq!(rollcall.execute(&arguments).code, code, "{count}");
    }
    for wrong in ["0s", "31d", "forever"] {
        let output = rollcall.execute(&["silence", "mute", &id, "--for", wrong]);
        assert_eq!(output.code, 2, "{wrong}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_set_for_a_channel_of_the_own_discord_server_only() {
    let sandbox = Sandbox::start().await;
    let guild = sandbox.guild().0.to_string();
    let channel = sandbox.channel(sandbox.guild()).to_string();
    let rollcall = Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", guild.as_str());
    let off = rollcall.execute(&["alerts", "set", "--recovery", "false"]);
    assert_eq!(off.code, 2, "{off:?}");
    let missing = rollcall.execute(&["alerts", "set", "--channel", "4711"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.err.contains("--channel: "), "{missing:?}");
    let arguments = [
        "alerts",
        "set",
        "--channel",
        &channel,
        "--role",
        "77",
        "--remind-after",
        "15m",
        "--json",
    ];
    let set = rollcall.done(&arguments).json();
    assert_eq!(set["channel"], channel.as_str());
    assert_eq!(set["remind_after_seconds"], 900);
    let again = rollcall.done(&arguments);
    assert!(again.err.contains("Nothing changed"), "{again:?}");
    assert_eq!(rollcall.execute(&["alerts", "set"]).code, 2);
    // What is not named stays as it is.
    rollcall.done(&["alerts", "set", "--recovery", "false"]);
    let shown = rollcall.done(&["alerts", "show", "--json"]).json();
    assert_eq!(
        (&shown["role"], &shown["recovery"]),
        (&json!("77"), &json!(false))
    );
    let nobody = rollcall.execute(&["alerts", "set", "--role", "none"]);
    assert_ne!(nobody.code, 0, "{nobody:?}");
    let everyone = rollcall.execute(&["alerts", "set", "--role", &guild]);
    assert_eq!(everyone.code, 2, "{everyone:?}");
    rollcall.done(&["alerts", "set", "--role", "none", "--remind-after", "never"]);
    let other = rollcall.done(&["alerts", "show", "--guild", "43"]);
    assert!(other.err.contains("Alerts are off"), "{other:?}");
}

/// Nothing of the local list is left but keys for the whole list, and the guild's rows are counted.
fn nothing_is_left(rollcall: &Rollcall) {
    let keys = rollcall.sql("SELECT kind FROM api_keys WHERE guild_id = 0");
    assert_eq!(keys, ["admin"], "a key for the whole local list stays");
    let left = rollcall.sql(
        "SELECT CAST((SELECT COUNT(*) FROM monitors WHERE guild_id = 0) + (SELECT COUNT(*) FROM api_keys WHERE guild_id = 0 AND kind <> 'admin')
             + (SELECT COUNT(*) FROM events WHERE guild_id = 0) + (SELECT COUNT(*) FROM guild_usage WHERE guild_id = 0) AS TEXT)",
    );
    assert_eq!(left, ["0"]);
    let counted = rollcall.sql(
        "SELECT CAST(stored_rows - (SELECT COUNT(*) FROM events WHERE guild_id = 42) AS TEXT) FROM guild_usage
         WHERE guild_id = 42 AND kind = 'events'",
    );
    assert_eq!(counted, ["0"]);
}

#[test]
fn local_monitors_move_into_a_discord_server_with_their_keys_and_their_history() {
    let rollcall = Rollcall::new();
    let shop = rollcall.add("tcp://203.0.113.7:80");
    rollcall.done(&["endpoint", "add", "203.0.113.8:80", "--name", "door"]);
    rollcall.done(&[
        "endpoint",
        "add",
        "203.0.113.9:80",
        "--name",
        "Door",
        "--guild",
        "42",
    ]);
    let key = rollcall.done(&["server", "add", "web-1", "--json"]).json()["key"].clone();
    rollcall.done(&["server", "limit", "web-1", "--metric", "cpu", "--changes"]);
    rollcall.done(&["silence", "mute", &shop.to_string(), "--for", "2h"]);
    rollcall.done(&["silence", "maintenance", "--for", "2h"]);
    let running = rollcall.run();
    let refused = rollcall.execute(&["guild", "move-local", "42", "--yes"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    drop(running);
    let unknown = rollcall.execute(&["guild", "move-local", "42"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.err.contains("--yes"), "{unknown:?}");
    rollcall.done(&["key", "create", "--kind", "admin"]);
    let moved = rollcall.done(&["guild", "move-local", "42", "--yes"]);
    assert!(moved.err.contains("door is now door (2)"), "{moved:?}");
    assert_eq!(
        moved.out,
        "Moved 3 monitors with their history and their own keys into the Discord server 42\n"
    );
    let names = rollcall.list().into_iter().map(|endpoint| {
        assert_eq!(endpoint["guild_id"], "42", "{endpoint}");
        endpoint["name"].as_str().unwrap().to_owned()
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["203.0.113.7:80", "Door", "door (2)"]);
    let silences = rollcall
        .done(&["silence", "list", "--guild", "42", "--json"])
        .json();
    assert_eq!(
        (silences.as_array().unwrap().len(), &silences[0]["kind"]),
        (1, &json!("mute"))
    );
    let limits = rollcall.done(&["server", "limit", "web-1", "--guild", "42"]);
    assert_eq!(limits.out, "cpu changes  warning  met\n");
    nothing_is_left(&rollcall);
    let running = rollcall.run();
    let report = r#"{"metrics":{"cpu":1}}"#;
    let answer = running.call(
        "POST",
        "/api/v1/server-stats",
        key.as_str().unwrap(),
        report,
    );
    assert_eq!(answer.status, 200, "{}", answer.text);
    drop(running);
    let none = rollcall.execute(&["guild", "move-local", "42", "--yes"]);
    assert_eq!(none.code, 1, "{none:?}");
    assert!(none.err.contains("there are no local monitors"), "{none:?}");
}

#[test]
fn nothing_moves_if_a_target_is_in_both_or_the_quota_is_exceeded() {
    let rollcall = Rollcall::new().with("QUOTA_ENDPOINTS", "2");
    rollcall.done(&["endpoint", "add", "203.0.113.7:80", "--guild", "42"]);
    rollcall.done(&["endpoint", "add", "203.0.113.7:80", "--name", "twice"]);
    let both = rollcall.execute(&["guild", "move-local", "42", "--yes"]);
    assert_eq!(both.code, 1, "{both:?}");
    assert!(both.err.contains("twice"), "{both:?}");
    rollcall.done(&["endpoint", "remove", "twice"]);
    // Pings by a slug of two devices would be refused.
    rollcall.done(&["device", "add", "backup", "--guild", "42"]);
    rollcall.done(&["device", "add", "backup"]);
    let slug = rollcall.execute(&["guild", "move-local", "42", "--yes"]);
    assert!(slug.err.contains("backup"), "{slug:?}");
    rollcall.done(&["device", "remove", "backup"]);
    rollcall.done(&["endpoint", "add", "203.0.113.8:80"]);
    rollcall.done(&["endpoint", "add", "203.0.113.9:80"]);
    let many = rollcall.execute(&["guild", "move-local", "42", "--yes"]);
    assert!(
        many.err.contains("may have 2 endpoints, and would have 3"),
        "{many:?}"
    );
    let local = rollcall
        .done(&["endpoint", "list", "--guild", "0", "--json"])
        .json();
    assert_eq!(local.as_array().unwrap().len(), 2);
    rollcall.done(&["endpoint", "remove", "203.0.113.9:80"]);
    rollcall.done(&["guild", "move-local", "42", "--yes"]);
}

#[test]
fn settings_show_their_origin_and_no_secret() {
    let rollcall = Rollcall::new()
        .with("DISCORD_TOKEN", "canary.a.b")
        .with("LOG_LEVEL", "info");
    std::fs::write(rollcall.path(".env"), "RECHECK_BATCH=7\n").unwrap();
    let shown = rollcall.done(&["settings"]);
    assert!(!shown.out.contains("canary"), "{shown:?}");
    let line = |name: &str| {
        let mut lines = shown.out.lines();
        let line = lines.find(|line| line.split_whitespace().next() == Some(name));
        let words: Vec<_> = line.unwrap().split_whitespace().skip(1).collect();
        words.join(" ")
    };
    assert_eq!(line("DISCORD_TOKEN"), "environment (secret)");
    assert_eq!(line("DISCORD_TOKEN_FILE"), "not set -");
    assert_eq!(line("RECHECK_BATCH"), ".env 7");
    assert_eq!(line("PROBE_CONCURRENCY"), "default 512");
    let invalid = rollcall.with("LOG_LEVEL", "loud");
    let shown = invalid.execute(&["settings", "--set", "--json"]);
    assert_eq!(shown.code, 2, "{shown:?}");
    let settings: Value = serde_json::from_str(&shown.out).unwrap();
    let level = json!({ "name": "LOG_LEVEL", "value": "loud", "origin": "environment", "is_secret": false });
    assert!(settings.as_array().unwrap().contains(&level), "{settings}");
    assert!(shown.err.contains("LOG_LEVEL must be one of"), "{shown:?}");
}

/// The states that the doctor found by part; several findings of a part are joined.
fn states(output: &str) -> Vec<(String, String)> {
    let findings: Vec<Value> = serde_json::from_str(output).unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let pair = |finding: &Value| (text(finding, "part"), text(finding, "state"));
    findings.iter().map(pair).collect()
}

fn state_of<'a>(states: &'a [(String, String)], part: &str) -> &'a str {
    let mut found = states.iter().filter(|(known, _)| known == part);
    &found
        .next()
        .unwrap_or_else(|| panic!("{part}: {states:?}"))
        .1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_nothing_where_everything_works() {
    let sandbox = Sandbox::start().await;
    let rollcall = Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string());
    let channel = sandbox.channel(sandbox.guild()).to_string();
    rollcall.done(&["alerts", "set", "--channel", &channel]);
    let stopped = rollcall.done(&["doctor", "--json"]);
    let stopped = states(&stopped.out);
    for part in [
        "database",
        "port",
        "token",
        "discord server",
        "alerts",
        "clock",
    ] {
        assert_eq!(state_of(&stopped, part), "ok", "{part}: {stopped:?}");
    }
    let running = rollcall.run();
    let output = rollcall.done(&["doctor"]);
    assert!(output.out.contains("Rollcall is running"), "{output:?}");
    assert!(output.out.contains("Rollcall answers at"), "{output:?}");
    drop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_keeps_rollcall_from_working() {
    let sandbox = Sandbox::start().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let broken = Rollcall::new()
        .with("DISCORD_TOKEN", "canary.wrong.token")
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("HTTP_BIND", taken.local_addr().unwrap().to_string())
        .with("CONNECTIVITY_HOSTS", "nothing.invalid:1")
        .with("CONNECTIVITY_NAMES", "nothing.invalid")
        .with("PROBE_INTERVALL", "5s");
    let output = broken.execute(&["doctor", "--json"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(!output.out.contains("canary"), "{output:?}");
    let found = states(&output.out);
    for (part, expected) in [
        ("settings", "warning"),
        ("database", "warning"),
        ("port", "problem"),
        ("resolver", "problem"),
        ("network", "problem"),
        ("token", "problem"),
    ] {
        assert_eq!(state_of(&found, part), expected, "{part}: {found:?}");
    }
    let elsewhere = Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", "4711");
    let output = elsewhere.execute(&["doctor", "--json"]);
    let found = states(&output.out);
    assert_eq!(state_of(&found, "discord server"), "problem", "{found:?}");
    let invalid = Rollcall::new().with("LOG_LEVEL", "loud");
    let output = invalid.execute(&["doctor", "--json"]);
    assert_eq!(output.code, 1, "{output:?}");
    assert_eq!(state_of(&states(&output.out), "settings"), "problem");
    // Nothing is created by looking.
    assert!(!elsewhere.path("rollcall.db").exists());
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let rollcall = Rollcall::new();
    let page = rollcall.done(&["man"]).out;
    assert!(
        page.contains(".TH") && page.contains("healthcheck"),
        "{page}"
    );
    std::fs::create_dir(rollcall.path("man1")).unwrap();
    rollcall.done(&["man", "--dir", "man1"]);
    for name in ["rollcall.1", "rollcall-endpoint-add.1", "rollcall-doctor.1"] {
        let page = std::fs::read_to_string(rollcall.path("man1").join(name)).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
    assert_eq!(rollcall.execute(&["man", "--dir", "missing"]).code, 2);
}
