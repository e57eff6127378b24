//! Single checks and latencies of a running bot: the API streams every check, also over packing, and series add up to them.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::key;
use crate::harness::{Answer, Rollcall, Running, Web, wait_for};

/// A bot with a monitor of guild 42, and a read key.
struct ReadApi<'a> {
    running: Running<'a>,
    key: String,
}

impl ReadApi<'_> {
    fn get(&self, path: &str) -> Answer {
        let path = format!("/api/v1{path}");
        self.running.call("GET", &path, &self.key, "")
    }

    fn found(&self, path: &str) -> Answer {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer
    }
}

fn add(rollcall: &Rollcall, target: &str) -> i64 {
    let added = ["endpoint", "add", target, "--guild", "42", "--json"];
    rollcall.done(&added).json()["id"].as_i64().unwrap()
}

fn sum(series: &Value, figure: &str) -> i64 {
    let points = series["points"].as_array().unwrap().iter();
    points.map(|point| point[figure].as_i64().unwrap()).sum()
}

/// The series of all checks but the last one has each of them.
fn series_add_up(api: &ReadApi<'_>, id: i64, lines: &[Value]) {
    let (last, of_range) = lines.split_last().unwrap();
    let [first, last] = [&lines[0], last].map(|line| line["at"].as_str().unwrap());
    let path = format!("/monitors/{id}/latency?from={first}&to={last}&q=0,1");
    let series = api.found(&path).json;
    assert_eq!(
        sum(&series, "checks"),
        i64::try_from(of_range.len()).unwrap()
    );
    let failed = of_range
        .iter()
        .filter(|line| line["result"] == "down")
        .count();
    assert_eq!(sum(&series, "failures"), i64::try_from(failed).unwrap());
    assert_eq!(
        (&series["step_ms"], &series["quantiles"]),
        (&json!(1000), &json!([0.0, 1.0]))
    );
    let slowest =
        |key: &dyn Fn(&Value) -> Option<i64>, all: &[Value]| all.iter().filter_map(key).max();
    let points = series["points"].as_array().unwrap();
    let of_points = slowest(&|point| point["latencies_us"][1].as_i64(), points);
    let passed = |line: &Value| {
        line["latency_us"]
            .as_i64()
            .filter(|_| line["result"] == "up")
    };
    let of_checks = slowest(&passed, of_range).unwrap();
    // A value is rounded in one of them, and cut in the other.
    assert!(
        (of_points.unwrap() - of_checks).abs() <= 1,
        "{series} {of_checks}"
    );
}

#[test]
fn every_check_is_in_the_api_in_the_export_and_in_series_of_latencies() {
    let rollcall = Rollcall::new();
    let mut web = Web::up();
    let id = add(&rollcall, &web.target());
    let running = rollcall.run();
    let api = ReadApi {
        running,
        key: key(&rollcall, "read", "42"),
    };
    let is = |status: &'static str| {
        rollcall.wait_until(status, id, |endpoint| endpoint["status"] == status);
    };
    is("online");
    web.goes_down();
    is("offline");
    // What was checked until now is packed, and the rest is not.
    rollcall.sql("DELETE FROM job_runs WHERE name = 'pack'");
    web.recovers();
    is("online");
    let checks = api.found(&format!("/monitors/{id}/checks"));
    assert_eq!(
        checks.header("content-type").as_deref(),
        Some("application/x-ndjson")
    );
    let lines = checks.lines();
    let with = |result: &str| lines.iter().filter(|line| line["result"] == result).count();
    assert!(with("up") >= 2 && with("down") >= 3, "{lines:?}");
    for line in &lines {
        let is_down = line["result"] == "down";
        assert_eq!(line["reason"] != Value::Null, is_down, "{line}");
        assert!(line["latency_us"].as_i64() > Some(0), "{line}");
    }
    let (first, last) = (&lines[0]["at"], &lines[lines.len() - 1]["at"]);
    let (first, last) = (first.as_str().unwrap(), last.as_str().unwrap());
    // From the first one, included, to the last one, excluded.
    let some = api.found(&format!("/monitors/{id}/checks?from={first}&to={last}"));
    assert_eq!(some.lines(), lines[..lines.len() - 1]);
    let none = api.found(&format!("/monitors/{id}/checks?from={last}&to={first}"));
    assert_eq!(none.text, "");

    series_add_up(&api, id, &lines);
    let export = ["history", "export", "--guild", "42", "--format", "jsonl"];
    let exported = rollcall.done(&export);
    assert!(exported.out.lines().count() >= lines.len(), "{exported:?}");
    api.running.stop();
}

#[test]
fn days_show_the_latencies_that_are_packed_and_foreign_monitors_are_not_found() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    let id = add(&rollcall, &web.target());
    let running = rollcall.run();
    let api = ReadApi {
        running,
        key: key(&rollcall, "read", "42"),
    };
    wait_for("some checks", || {
        let checks = rollcall.sql("SELECT CAST(COUNT(*) AS TEXT) FROM check_results");
        (checks[0].parse::<u32>().unwrap() >= 2).then_some(())
    });
    rollcall.sql("DELETE FROM job_runs WHERE name = 'pack'");
    let path = format!("/monitors/{id}/latency?from=2026-01-01T00:00:00Z");
    api.running.stop();
    let api = ReadApi {
        running: rollcall.run(),
        key: api.key,
    };
    let series = wait_for("the log to be packed", || {
        let series = api.found(&path).json;
        (sum(&series, "checks") >= 2).then_some(series)
    });
    // The range begins before single checks are kept.
    assert_eq!(series["from"], "2026-01-01T00:00:00Z");
    assert_eq!(
        series["step_ms"].as_i64().unwrap() % 86_400_000,
        0,
        "{series}"
    );
    let latencies = series["points"][0]["latencies_us"].as_array().unwrap();
    assert_eq!(latencies.len(), 3, "{series}");

    let other = ReadApi {
        running: api.running,
        key: key(&rollcall, "read", "43"),
    };
    for what in ["checks", "latency", "spans", "uptime"] {
        let foreign = other.get(&format!("/monitors/{id}/{what}"));
        let missing = other.get(&format!("/monitors/999999/{what}"));
        assert_eq!(
            (foreign.status, &foreign.text),
            (404, &missing.text),
            "{what}"
        );
    }
    // The archive of a week is damaged: that week is named, and the others are there.
    rollcall.sql(&format!(
        "INSERT INTO check_archive (monitor_id, week, checks) VALUES ({id}, 20444, x'00')"
    ));
    let ours = ReadApi {
        running: other.running,
        key: api.key,
    };
    let lines = ours.found(&format!("/monitors/{id}/checks?from=0")).lines();
    assert_eq!(lines[0], json!({ "damaged": "2025-W52" }));
    assert!(
        lines.len() >= 3 && lines[1..].iter().all(|line| line["result"] == "up"),
        "{lines:?}"
    );
}

#[test]
fn incidents_of_a_range_are_those_that_were_open_in_it() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let api = ReadApi {
        running,
        key: key(&rollcall, "read", "42"),
    };
    // From 2026-11-27 to the next day.
    rollcall.sql(
        "INSERT INTO incidents (guild_id, scope, opened_at, created_at, joined_at, ended_at)
         VALUES (42, '', 1795737600000, 1795737600000, 1795737600000, 1795824000000)",
    );
    let (opened, ended) = ("2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z");
    let counts = [
        (format!("?from={opened}"), 1),
        (format!("?from={ended}"), 0),
        (format!("?to={opened}"), 0),
        (format!("?to={ended}"), 1),
        (format!("?from={opened}&to={ended}&state=resolved"), 1),
    ];
    for (query, count) in counts {
        let found = api.found(&format!("/incidents{query}")).json;
        assert_eq!(
            found["incidents"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
}
