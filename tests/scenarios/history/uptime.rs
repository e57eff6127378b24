//! Uptime of a running bot: the API, the command line and the database agree, and nothing that Rollcall did not observe counts.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::key;
use crate::harness::{Rollcall, Running, Web, wait_for};

const GUILD: [&str; 2] = ["--guild", "42"];

fn add(rollcall: &Rollcall, target: &str, name: &str) -> i64 {
    let added = ["endpoint", "add", target, "--name", name, "--json"];
    let added = rollcall.done(&[&added[..], &GUILD].concat()).json();
    added["id"].as_i64().unwrap()
}

fn uptime(rollcall: &Rollcall, arguments: &[&str]) -> Vec<Value> {
    let all = [&["uptime", "--json", "--range", "24h"], arguments, &GUILD].concat();
    rollcall.done(&all).json().as_array().unwrap().clone()
}

fn get(rollcall: &Rollcall, running: &Running<'_>, path: &str) -> Value {
    let read = key(rollcall, "read", "42");
    let answer = running.call("GET", &format!("/api/v1{path}"), &read, "");
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json
}

/// What does not depend on the time of the request.
fn settled(figures: &Value) -> Value {
    json!({
        "offline_ms": figures["offline_ms"], "outages": figures["outages"], "longest_outage_ms": figures["longest_outage_ms"],
        "mean_time_to_recovery_ms": figures["mean_time_to_recovery_ms"], "id": figures["id"], "name": figures["name"],
    })
}

/// The names of the figures, in order.
fn keys(figures: &Value) -> Vec<&String> {
    let mut keys: Vec<&String> = figures.as_object().unwrap().keys().collect();
    keys.sort();
    keys
}

fn adds_up(figures: &Value) {
    let number = |name: &str| figures[name].as_i64().unwrap();
    let classes = [
        "online_ms",
        "offline_ms",
        "maintenance_ms",
        "unknown_ms",
        "paused_ms",
    ];
    let sum: i64 = classes.iter().map(|name| number(name)).sum();
    assert_eq!(sum, 24 * 3600 * 1000, "{figures}");
    let watched = number("online_ms") + number("offline_ms") + number("maintenance_ms");
    assert_eq!(number("watched_ms"), watched, "{figures}");
}

#[test]
fn an_outage_has_the_same_figures_in_the_api_the_command_line_and_the_database() {
    let rollcall = Rollcall::new();
    let mut web = Web::up();
    let id = add(&rollcall, &web.target(), "shop");
    let other = Web::up();
    add(&rollcall, &other.target(), "blog");
    let running = rollcall.run();
    let is = |status: &'static str| {
        rollcall.wait_until(status, id, |endpoint| endpoint["status"] == status);
    };
    is("online");
    web.goes_down();
    is("offline");
    web.recovers();
    is("online");
    let length = rollcall.sql("SELECT CAST(ended_at - started_at AS TEXT) FROM outages");
    let length: i64 = length[0].parse().unwrap();
    let expected = json!({
        "offline_ms": length, "outages": 1, "longest_outage_ms": length, "mean_time_to_recovery_ms": length, "id": id, "name": "shop",
    });
    let all = uptime(&rollcall, &[]);
    assert_eq!((all.len(), &all[0]["name"]), (2, &json!("blog")));
    assert_eq!(all[0]["outages"], 0);
    all.iter().for_each(adds_up);
    assert_eq!(settled(&all[1]), expected);
    for arguments in [&["shop"][..], &["SHOP"], &[&format!("#{id}")]] {
        assert_eq!(settled(&uptime(&rollcall, arguments)[0]), expected);
    }
    let listed = get(&rollcall, &running, "/uptime?range=24h");
    assert_eq!(settled(&listed[1]), expected);
    adds_up(&listed[1]);
    let one = get(
        &rollcall,
        &running,
        &format!("/monitors/{id}/uptime?range=24h"),
    );
    assert_eq!(settled(&one), expected);
    assert_eq!(keys(&one), keys(&all[1]));
    let spans = get(
        &rollcall,
        &running,
        &format!("/monitors/{id}/spans?range=24h"),
    );
    let statuses: Vec<&str> = spans["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| span["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["unknown", "online", "offline", "online"]);
    assert_eq!(spans["observed"].as_array().unwrap().len(), 1);
    // Another Discord server sees nothing of it.
    let theirs = key(&rollcall, "read", "43");
    let path = format!("/api/v1/monitors/{id}/uptime");
    assert_eq!(running.call("GET", &path, &theirs, "").status, 404);
    assert_eq!(
        running.call("GET", "/api/v1/uptime", &theirs, "").json,
        json!([])
    );
    let elsewhere = rollcall.execute(&["uptime", "shop", "--guild", "43"]);
    assert_eq!(elsewhere.code, 1, "{elsewhere:?}");
}

#[test]
fn time_without_a_running_bot_and_maintenance_and_pauses_are_no_downtime() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    let id = add(&rollcall, &web.target(), "shop");
    let running = rollcall.run();
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    wait_for("a window that is recorded", || {
        let longer = "SELECT 'yes' FROM observation_windows WHERE confirmed_at > started_at";
        (!rollcall.sql(longer).is_empty()).then_some(())
    });
    running.kill();
    // The endpoint fails while the bot does not run, and is offline when it is back.
    drop(web);
    let running = rollcall.run();
    rollcall.wait_until("offline", id, |endpoint| endpoint["status"] == "offline");
    let spans = get(
        &rollcall,
        &running,
        &format!("/monitors/{id}/spans?range=24h"),
    );
    let observed = spans["observed"].as_array().unwrap();
    assert_eq!(observed.len(), 2, "{spans}");
    // The outage begins with the first failure that was observed.
    assert!(spans["spans"][2]["began_at"].as_str() >= observed[1]["starts_at"].as_str());
    let maintenance = ["silence", "maintenance", "--for", "1h", "--monitor", "shop"];
    rollcall.done(&[&maintenance[..], &GUILD].concat());
    let before = wait_for("maintenance in the figures", || {
        let figures = uptime(&rollcall, &["shop"]).remove(0);
        (figures["maintenance_ms"] != 0).then_some(figures)
    });
    adds_up(&before);
    // Downtime does not grow from then on.
    let after = wait_for("more maintenance", || {
        let figures = uptime(&rollcall, &["shop"]).remove(0);
        (figures["maintenance_ms"] != before["maintenance_ms"]).then_some(figures)
    });
    assert_eq!(after["offline_ms"], before["offline_ms"]);
    assert!(after["unknown_ms"].as_i64() < before["unknown_ms"].as_i64());
    // A monitor that was removed keeps its history under its name.
    rollcall.done(&[&["endpoint", "remove", "shop"][..], &GUILD].concat());
    let removed = uptime(&rollcall, &["shop"]).remove(0);
    assert_eq!(removed["offline_ms"], before["offline_ms"]);
    assert!(removed["removed_at"].is_string(), "{removed}");
    adds_up(&removed);
    let listed = get(&rollcall, &running, "/uptime?range=24h");
    assert_eq!(listed[0]["removed_at"], removed["removed_at"]);
}

#[test]
fn a_range_that_cannot_be_read_is_answered_with_one_that_can() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let read = key(&rollcall, "read", "42");
    for (range, sentence) in [
        ("yesterdy", "yesterday"),
        ("2026-13", "2026-"),
        ("2026-10-17..2026-10-03", "2026-10-03..2026-10-17"),
        ("9y", "1826 days"),
    ] {
        let refused = rollcall.execute(&["uptime", "--range", range]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(sentence), "{refused:?}");
        let answer = running.call("GET", &format!("/api/v1/uptime?range={range}"), &read, "");
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.text.contains(sentence), "{answer:?}");
    }
    let empty = rollcall.done(&["uptime", "--range", "this month"]);
    assert!(
        empty.err.contains("There are no monitors in this range"),
        "{empty:?}"
    );
    let unknown = rollcall.execute(&["uptime", "--group", "nobody"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
}
