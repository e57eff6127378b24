//! What servers report and how long the runs of devices take is shown after the reports and the log lines themselves are deleted.

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{key, read_with, text};
use crate::devices::job_pings::Backup;
use crate::harness::{Rollcall, Running, wait_for};

/// The local monitor list.
const LOCAL: &str = "0";

/// Lets the jobs of the history run at the next start, as if an hour had passed.
const AN_HOUR_LATER: &str = "DELETE FROM job_runs WHERE name IN ('pack', 'rollup', 'prune')";

fn count(rollcall: &Rollcall, rows: &str) -> i64 {
    let sql = format!("SELECT CAST(COUNT(*) AS TEXT) FROM {rows}");
    rollcall.sql(&sql)[0].parse().unwrap()
}

fn report(running: &Running<'_>, key: &str, cpu: f64) {
    let body = json!({ "cpu": cpu, "memory": { "used_percent": 40 } }).to_string();
    let sent = running.call("POST", "/api/v1/server-stats", key, &body);
    assert_eq!(sent.status, 200, "{sent:?}");
}

/// A server, and what tests need to read it.
struct Server {
    id: String,
    read: String,
}

impl Server {
    fn metrics(&self, running: &Running<'_>, query: &str) -> Value {
        let path = format!("/api/v1/monitors/{}/metrics?{query}", self.id);
        read_with(running, &self.read, &path).json
    }
}

/// Adds a server that sent two reports four days ago, in one hour, and one report now.
fn with_reports(rollcall: &Rollcall) -> Server {
    let added = rollcall.done(&["server", "add", "db-1", "--json"]).json();
    let own = text(&added["key"]);
    let running = rollcall.run();
    for cpu in [10.0, 20.0, 60.0] {
        report(&running, &own, cpu);
    }
    running.kill();
    rollcall
        .sql("UPDATE samples SET at = at / 3600000 * 3600000 - 4 * 86400000 + id WHERE id <= 2");
    rollcall.sql("UPDATE monitors SET created_at = created_at - 5 * 86400000");
    Server {
        id: added["id"].to_string(),
        read: key(rollcall, "read", LOCAL),
    }
}

/// The figures of a point.
fn figures(point: &Value) -> Value {
    let names = ["least", "mean", "most", "p95", "samples"];
    names.map(|name| point[name].clone()).into_iter().collect()
}

#[test]
fn server_metrics_are_shown_after_the_reports_are_deleted() {
    let rollcall = Rollcall::new().with("RETENTION_SAMPLES", "1s");
    let server = with_reports(&rollcall);
    rollcall.sql(AN_HOUR_LATER);
    let running = rollcall.run();
    wait_for("the hours to be summarized", || {
        (count(&rollcall, "hourly_metrics") > 0).then_some(())
    });
    running.kill();
    rollcall.sql(AN_HOUR_LATER);
    let running = rollcall.run();
    wait_for("the reports of past days to be deleted", || {
        (count(&rollcall, "samples") == 1).then_some(())
    });
    let by_hour = server.metrics(&running, "range=7d&metric=cpu");
    assert_eq!(by_hour["step_seconds"], 3_600, "{by_hour}");
    let points = by_hour["series"][0]["points"].as_array().unwrap();
    let found: Vec<Value> = points.iter().map(figures).collect();
    let from_the_report = json!([60.0, 60.0, 60.0, 60.0, 1]);
    assert_eq!(found, [json!([10.0, 15.0, 20.0, 20.0, 2]), from_the_report]);
    let by_day = server.metrics(&running, "range=30d");
    assert_eq!(by_day["step_seconds"], 86_400, "{by_day}");
    let series = by_day["series"].as_array().unwrap();
    let names: Vec<&Value> = series.iter().map(|one| &one["metric"]).collect();
    assert_eq!(names, ["cpu", "memory.used_percent"]);
    assert_eq!(series[0]["points"][0]["p95"], 20.0);
    assert_eq!(running.stop().0, 0);
}

#[test]
fn a_series_of_a_server_continues_with_hours_and_a_removed_server_keeps_them() {
    let rollcall = Rollcall::new().with("RETENTION_SAMPLES", "1s");
    let server = with_reports(&rollcall);
    rollcall.sql(AN_HOUR_LATER);
    let running = rollcall.run();
    wait_for("the hours to be summarized", || {
        (count(&rollcall, "hourly_metrics") > 0).then_some(())
    });
    rollcall.sql("DELETE FROM samples WHERE id <= 2");
    let from = rollcall.sql("SELECT CAST(created_at / 1000 AS TEXT) FROM monitors")[0].clone();
    let path = format!("/api/v1/servers/{}/stats?from={from}&step=1h", server.id);
    let series = read_with(&running, &server.read, &path).json;
    let shown = |point: &Value| {
        json!([
            point["source"],
            point["reports"],
            point["values"]["cpu"]["max"]
        ])
    };
    let shown: Vec<Value> = series["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(shown)
        .collect();
    assert_eq!(
        shown,
        [json!(["hours", 2, 20.0]), json!(["reports", 1, 60.0])]
    );
    rollcall.done(&["server", "remove", "db-1"]);
    let kept = server.metrics(&running, "range=7d&metric=cpu");
    let points = kept["series"][0]["points"].as_array().unwrap();
    let found: Vec<Value> = points.iter().map(figures).collect();
    assert_eq!(found, [json!([10.0, 15.0, 20.0, 20.0, 2])]);
    let other = key(&rollcall, "read", "42");
    let path = format!("/api/v1/monitors/{}/metrics", server.id);
    assert_eq!(read_with(&running, &other, &path).status, 404);
    assert_eq!(running.stop().0, 0);
}

#[test]
fn runs_of_a_device_are_packed_once_over_a_kill_and_give_percentiles() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let backup = Backup::add(&rollcall);
    for end in ["start", "0", "start", "7", "0"] {
        let path = format!("/ping/{}/{end}", backup.uuid);
        assert_eq!(running.call("POST", &path, "", "").status, 200);
    }
    running.kill();
    rollcall.sql("UPDATE device_logs SET run_ms = 90000 WHERE run_ms IS NOT NULL");
    let packed =
        || rollcall.sql("SELECT checks || ' ' || failures FROM daily_stats WHERE checks > 0");
    for _ in 0..2 {
        rollcall.sql(AN_HOUR_LATER);
        let running = rollcall.run();
        wait_for("the job to run", || {
            (count(
                &rollcall,
                "job_runs WHERE name = 'pack' AND finished_at IS NOT NULL",
            ) > 0)
                .then_some(())
        });
        running.kill();
        assert_eq!(packed(), ["3 1"]);
    }
    // Of the run that failed and of the one whose start is not known, the duration does not count.
    let shown = rollcall.done(&["uptime", "backup", "--json"]).json();
    for percentile in ["p50_us", "p95_us", "p99_us"] {
        let micros = shown[0][percentile].as_i64().unwrap();
        assert!((89_100_000..=90_900_000).contains(&micros), "{shown}");
    }
    let line = rollcall.done(&["uptime", "backup", "--range", "24h"]);
    assert!(line.out.contains("p95 89.3 s"), "{line:?}");
}
