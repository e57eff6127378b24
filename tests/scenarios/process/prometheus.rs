//! What Prometheus reads of a running bot: the metrics of the process, the series of a Discord server's monitors, and the targets
//! of its endpoints. The documentation and the files in `contrib` name what is there.

use std::collections::BTreeSet;

use discord_sandbox::Sandbox;
use regex::Regex;
use serde_json::json;

use crate::devices::http_devices_servers::{key, text};
use crate::harness::query_plans::{assert_no_scans, traced};
use crate::harness::{Rollcall, Running, Web, wait_for};

/// The Unix time.
fn now_seconds(rollcall: &Rollcall) -> f64 {
    let now = rollcall.sql("SELECT CAST(unixepoch() AS TEXT)");
    now[0].parse().unwrap()
}

/// The part of a page below this heading.
fn section(heading: &str) -> String {
    let page = std::fs::read_to_string("docs/prometheus.md").unwrap();
    let start = page.find(&format!("\n## {heading}\n")).unwrap();
    let rest = &page[start + 4..];
    rest[..rest.find("\n## ").unwrap_or(rest.len())].to_owned()
}

/// The metrics in the first column of the tables of a section.
fn documented(heading: &str) -> BTreeSet<String> {
    let text = section(heading);
    let cells = text.lines().filter_map(|line| line.strip_prefix("| "));
    let names = cells.flat_map(|line| {
        line.split('|')
            .next()
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2)
    });
    let is_metric = |name: &&str| {
        ["rollcall_", "process_"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    names.filter(is_metric).map(str::to_owned).collect()
}

/// The families of a page in the text format.
fn families(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

/// The names of the samples of a page, without labels.
fn samples(page: &str) -> BTreeSet<String> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split(['{', ' ']).next().unwrap().to_owned())
        .collect()
}

/// What has a value other than 0 in a process that has done nothing.
const NOT_ZERO: [&str; 9] = [
    "process_",
    "rollcall_build_info",
    "rollcall_connectivity_up",
    "rollcall_name_resolution_up",
    "rollcall_database_",
    "rollcall_http_connections ",
    "rollcall_job_period_seconds",
    "rollcall_job_",
    "rollcall_timer_delay_seconds",
];

#[test]
fn the_documented_metrics_exist_from_the_start_with_0_and_no_others() {
    let rollcall = Rollcall::new();
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let (_, page) = running.get("/metrics");
    assert_eq!(
        documented("Rollcall itself"),
        families(&page),
        "left: docs/prometheus.md"
    );
    let monitors = running.call("GET", "/metrics/monitors", &read, "").text;
    assert_eq!(
        documented("Monitors"),
        families(&monitors),
        "left: docs/prometheus.md"
    );
    for family in families(&page) {
        let has_samples = samples(&page).iter().any(|name| name.starts_with(&family));
        assert!(has_samples, "{family}");
    }
    let zero = page.lines().filter(|line| !line.starts_with('#'));
    for line in zero.filter(|line| !NOT_ZERO.iter().any(|start| line.starts_with(start))) {
        assert!(line.ends_with(" 0"), "{line}");
    }
    for line in [
        r#"rollcall_checks_total{result="tls_failed"} 0"#,
        r#"rollcall_checks_total{result="unknown"} 0"#,
        r#"rollcall_commands_total{command="endpoint add"} 0"#,
        r#"rollcall_commands_total{command="ping"} 0"#,
        r#"rollcall_commands_total{command="button"} 0"#,
        r#"rollcall_gateway_reconnects_total{reason="look_up"} 0"#,
        r#"rollcall_gateway_reconnects_total{reason="invalid_session"} 0"#,
        r#"rollcall_job_failures_total{job="recheck"} 0"#,
        r#"rollcall_notifications_total{destination="webhook",result="failed"} 0"#,
        r#"rollcall_notifications_total{destination="direct_message",result="sent"} 0"#,
        r#"rollcall_notifications_pending{destination="board"} 0"#,
        r#"rollcall_rows_over_limit{kind="device_logs"} 0"#,
        r#"rollcall_http_connections_closed_total{reason="stalled"} 0"#,
        r#"rollcall_devices{status="offline"} 0"#,
        &format!(
            "rollcall_build_info{{version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        ),
    ] {
        assert!(page.lines().any(|known| known == line), "{line}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_background_jobs_exist_from_the_start_and_no_others() {
    let sandbox = Sandbox::start().await;
    let rollcall = Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("HEALTHCHECK_PING_URL", "http://127.0.0.1:1/ping");
    let running = rollcall.run();
    let (_, page) = running.get("/metrics");
    let job = Regex::new(r#"(?m)^rollcall_job_failures_total\{job="(\w+)"\} 0$"#).unwrap();
    let shown: BTreeSet<String> = job
        .captures_iter(&page)
        .map(|found| found[1].to_owned())
        .collect();
    let text = section("Rollcall itself");
    let (_, list) = text.split_once("background jobs are").unwrap();
    let (list, _) = list.split_once(';').unwrap();
    let documented = list.split('`').skip(1).step_by(2).map(str::to_owned);
    assert_eq!(
        documented.collect::<BTreeSet<_>>(),
        shown,
        "left: docs/prometheus.md"
    );
}

#[test]
fn the_metrics_of_the_process_are_those_of_the_system() {
    let rollcall = Rollcall::new();
    rollcall.create_database();
    let before = now_seconds(&rollcall);
    let running = rollcall.run();
    let metric = |name: &str| running.metric(&format!("{name} ")).unwrap();
    let started = metric("process_start_time_seconds");
    // The start of the system is known in whole seconds.
    assert!(
        (before - 2.0..=now_seconds(&rollcall) + 2.0).contains(&started),
        "{started} {before}"
    );
    let used = running.processor_time().as_secs_f64();
    let shown = metric("process_cpu_seconds_total");
    assert!(shown >= used && shown < used + 5.0, "{shown} {used}");
    let open = metric("process_open_fds");
    let descriptors = running.descriptors() as f64;
    // Connections and files come and go meanwhile.
    assert!((open - descriptors).abs() <= 5.0, "{open} {descriptors}");
    assert!(metric("process_max_fds") > open);
    let own = running.own_memory() as f64 * 1024.0;
    let resident = metric("process_resident_memory_bytes");
    assert!(
        resident >= own / 2.0 && resident < own + 500e6,
        "{resident} {own}"
    );
}

/// The start of the line about the last success of a job.
fn last_success(running: &Running<'_>, job: &str) -> f64 {
    let name = format!("rollcall_job_last_success_timestamp_seconds{{job=\"{job}\"}}");
    running.metric(&name).unwrap()
}

#[test]
fn the_last_success_of_a_job_is_known_after_a_restart_unless_its_last_run_failed() {
    let rollcall = Rollcall::new();
    rollcall.create_database();
    let before = now_seconds(&rollcall);
    let running = rollcall.run();
    for job in ["prune", "recheck"] {
        wait_for(job, || {
            (last_success(&running, job) >= before - 1.0).then_some(())
        });
    }
    let stored = || rollcall.sql("SELECT name FROM job_runs WHERE name IN ('prune', 'recheck')");
    wait_for("the runs to be stored", || {
        (stored().len() == 2).then_some(())
    });
    assert_eq!(running.stop().0, 0);
    rollcall.sql("UPDATE job_runs SET finished_at = 1700000000999 WHERE name = 'recheck'");
    rollcall.sql("UPDATE job_runs SET summary = 'failed: the disk is full' WHERE name = 'prune'");
    let running = rollcall.run();
    wait_for("the last success before the restart", || {
        (last_success(&running, "recheck") == 1_700_000_000.0).then_some(())
    });
    assert_eq!(last_success(&running, "prune"), 0.0);
    assert_eq!(
        running.metric(r#"rollcall_job_period_seconds{job="recheck"}"#),
        Some(3600.0)
    );
}

#[test]
fn monitors_and_incidents_of_all_discord_servers_are_counted() {
    let rollcall = Rollcall::new().with("PROBE_INTERVAL", "1h");
    let fleet = key(&rollcall, "fleet", "42");
    let running = rollcall.run();
    for _ in 0..2 {
        let made = running.call("POST", "/api/v1/device/register", &fleet, "{}");
        assert_eq!(made.status, 201, "{made:?}");
    }
    rollcall.done(&["server", "add", "db"]);
    rollcall.sql("INSERT INTO incidents (guild_id, scope, opened_at, created_at, joined_at) VALUES (42, '', 1, 1, 1)");
    rollcall.sql("INSERT INTO incidents (guild_id, scope, opened_at, created_at, joined_at, ended_at) VALUES (42, '', 1, 1, 1, 2)");
    for (name, count) in [
        (r#"rollcall_devices{status="online"}"#, 2.0),
        (r#"rollcall_devices{status="offline"}"#, 0.0),
        (r#"rollcall_servers{status="unknown"}"#, 1.0),
        ("rollcall_incidents_open", 1.0),
    ] {
        assert_eq!(running.metric(name), Some(count), "{name}");
    }
}

/// Guild 42 with an endpoint, a device and a server, and guild 43 with an endpoint.
struct TwoGuilds {
    web: Web,
    read: String,
}

impl TwoGuilds {
    fn add(rollcall: &Rollcall, running: &Running<'_>) -> Self {
        let web = Web::up();
        let [ours, theirs] = ["42", "43"].map(|guild| key(rollcall, "admin", guild));
        let add = |admin: &str, path: &str, body: serde_json::Value| {
            let made = running.call("POST", &format!("/api/v1/{path}"), admin, &body.to_string());
            assert_eq!(made.status, 201, "{made:?}");
            made.json
        };
        let name = r#"the "shop" C:\new"#;
        let endpoint = add(
            &ours,
            "endpoints",
            json!({ "target": web.target(), "name": name }),
        );
        add(
            &ours,
            "groups",
            json!({ "name": "web", "monitors": [endpoint["id"]] }),
        );
        add(&ours, "devices", json!({ "name": "pump" }));
        add(
            &theirs,
            "endpoints",
            json!({ "target": web.target(), "name": "theirs" }),
        );
        let server = add(&ours, "servers", json!({ "name": "db" }));
        let report = r#"{"cpu":12.5,"memory":{"used":7},"metrics":{"a\"b\nc":3}}"#;
        let sent = running.call(
            "POST",
            "/api/v1/server-stats",
            &text(&server["key"]),
            report,
        );
        assert_eq!(sent.status, 200, "{sent:?}");
        wait_for("a check", || (web.requests() >= 2).then_some(()));
        Self {
            web,
            read: key(rollcall, "read", "42"),
        }
    }
}

/// Waits until the page has this line.
fn monitors_with(running: &Running<'_>, rollcall: &Rollcall, line: &str) -> String {
    wait_for(line, || {
        // A key may be used once a second.
        let read = key(rollcall, "read", "42");
        let page = running.call("GET", "/metrics/monitors", &read, "");
        assert_eq!(page.status, 200, "{page:?}");
        page.text
            .lines()
            .any(|known| known.starts_with(line))
            .then_some(page.text)
    })
}

#[test]
fn a_read_key_reads_the_series_of_the_monitors_of_its_discord_server() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let guilds = TwoGuilds::add(&rollcall, &running);
    let shop = r#"id="1",name="the \"shop\" C:\\new",group="web",kind="endpoint""#;
    let page = monitors_with(
        &running,
        &rollcall,
        &format!("rollcall_monitor_up{{{shop}}} 1"),
    );
    for line in [
        format!("rollcall_monitor_check_seconds{{{shop}}} 0.0"),
        r#"rollcall_server_metric{id="4",name="db",group="",kind="server",metric="cpu"} 12.5"#
            .to_owned(),
        r#"rollcall_server_metric{id="4",name="db",group="",kind="server",metric="memory.used"} 7"#
            .to_owned(),
        r#"rollcall_monitor_up{id="4",name="db",group="",kind="server"} 1"#.to_owned(),
        "rollcall_monitor_series_omitted 0".to_owned(),
    ] {
        assert!(
            page.lines().any(|known| known.starts_with(&line)),
            "{line}: {page}"
        );
    }
    // It is not set up, so it is neither up nor down.
    assert!(!page.contains("pump"), "{page}");
    for secret in ["theirs", "127.0.0.1", &guilds.web.target()] {
        assert!(!page.contains(secret), "{secret}: {page}");
    }
    let head = running.call("GET", "/metrics/monitors", &guilds.read, "");
    let kind = head.header("content-type");
    assert_eq!(
        kind.as_deref(),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    drop(guilds);
    monitors_with(
        &running,
        &rollcall,
        &format!("rollcall_monitor_up{{{shop}}} 0"),
    );
}

#[test]
fn the_pages_with_monitors_need_a_read_key_and_have_its_rate_limit() {
    let rollcall = Rollcall::new();
    let kinds = ["fleet", "ping", "read", "admin"];
    let keys = kinds.map(|kind| key(&rollcall, kind, "42"));
    let added = rollcall.done(&["server", "add", "db", "--json"]).json();
    let running = rollcall.run();
    let probe = format!("/probe?module=tcp_connect&target={}", running.address());
    for path in ["/metrics/monitors", "/api/v1/sd", &probe] {
        let status = |key: &str| running.call("GET", path, key, "").status;
        assert_eq!(
            [status(""), status("rc_read_nonsense")],
            [401, 401],
            "{path}"
        );
        assert_eq!(status(&text(&added["key"])), 403, "{path}");
        let statuses = [&keys[0], &keys[1], &keys[2], &keys[3]].map(|key| status(key));
        assert_eq!(statuses, [403, 403, 200, 200], "{path}");
        assert_eq!(
            running.call("POST", path, &keys[3], "").status,
            405,
            "{path}"
        );
    }
    let read = key(&rollcall, "read", "42");
    let statuses: Vec<u16> = (0..14)
        .map(|_| running.call("GET", "/metrics/monitors", &read, "").status)
        .collect();
    assert_eq!(&statuses[..10], [200; 10]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[test]
fn prometheus_discovers_the_endpoints_of_the_discord_server_of_the_key() {
    let rollcall = Rollcall::new().with("PROBE_INTERVAL", "1h");
    let running = rollcall.run();
    let (ours, theirs) = (key(&rollcall, "admin", "42"), key(&rollcall, "admin", "43"));
    for (admin, target, name) in [
        (&ours, "https://example.org/health?x=1", "the \"shop\""),
        (&ours, "tcp://db.example.org:5432", "db"),
        (&theirs, "https://example.com/", "theirs"),
    ] {
        let body = json!({ "target": target, "name": name }).to_string();
        assert_eq!(
            running
                .call("POST", "/api/v1/endpoints", admin, &body)
                .status,
            201
        );
    }
    let pause = running.call("PATCH", "/api/v1/endpoints/2", &ours, r#"{"paused":true}"#);
    assert_eq!(pause.status, 200, "{pause:?}");
    let found = running.call("GET", "/api/v1/sd", &key(&rollcall, "read", "42"), "");
    assert_eq!(
        found.header("content-type").as_deref(),
        Some("application/json")
    );
    let mut found = found.json;
    // Whether it was checked already does not matter.
    found[0]["labels"]["__meta_rollcall_status"] = json!("unknown");
    let expected = json!([
        { "targets": ["https://example.org/health?x=1"], "labels": {
            "__meta_rollcall_id": "1", "__meta_rollcall_name": "the \"shop\"", "__meta_rollcall_group": "",
            "__meta_rollcall_status": "unknown", "__meta_rollcall_module": "http_2xx" } },
        { "targets": ["tcp://db.example.org:5432"], "labels": {
            "__meta_rollcall_id": "2", "__meta_rollcall_name": "db", "__meta_rollcall_group": "",
            "__meta_rollcall_status": "paused", "__meta_rollcall_module": "tcp_connect" } },
    ]);
    assert_eq!(found, expected);
    let config = std::fs::read_to_string("contrib/prometheus/scrape.yml").unwrap();
    let label = Regex::new(r"__meta_rollcall_\w+").unwrap();
    let used: BTreeSet<&str> = label
        .find_iter(&config)
        .map(|found| found.as_str())
        .collect();
    assert!(used.len() > 3);
    for label in used {
        assert!(found[0]["labels"][label].is_string(), "{label}");
    }
}

/// The names of metrics in a file of `contrib`.
fn names_in(file: &str) -> BTreeSet<String> {
    let file = std::fs::read_to_string(file).unwrap();
    let name = Regex::new(r"\b(?:rollcall|process|probe)_[a-z0-9_]+\b").unwrap();
    name.find_iter(&file)
        .map(|found| found.as_str().to_owned())
        .collect()
}

/// The names of families and of samples, such as the buckets of a histogram.
fn names_on(page: &str) -> BTreeSet<String> {
    families(page).union(&samples(page)).cloned().collect()
}

#[test]
fn the_rules_and_the_dashboard_use_metrics_that_exist() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let guilds = TwoGuilds::add(&rollcall, &running);
    let page = monitors_with(&running, &rollcall, "rollcall_monitor_up");
    let mut known = names_on(&page);
    let (_, page) = running.get("/metrics");
    known.extend(names_on(&page));
    let mut count = 0;
    for file in [
        "contrib/prometheus/alerts.yml",
        "contrib/grafana/rollcall.json",
    ] {
        for name in names_in(file) {
            assert!(known.contains(&name), "{file}: {name}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
    // The labels that they use.
    for label in [
        "status=",
        "job=",
        "result=",
        "destination=",
        "le=",
        "version=",
    ] {
        assert!(page.contains(label), "{label}");
    }
    drop(guilds);
}

#[test]
fn the_dashboard_can_be_imported() {
    let text = std::fs::read_to_string("contrib/grafana/rollcall.json").unwrap();
    let board: serde_json::Value = serde_json::from_str(&text).unwrap();
    let variables = board["templating"]["list"].as_array().unwrap();
    assert_eq!(variables[0]["type"], "datasource");
    let mut ids = BTreeSet::new();
    for panel in board["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{panel}");
            let expression = target["expr"].as_str().unwrap();
            assert_eq!(
                expression.matches('(').count(),
                expression.matches(')').count(),
                "{expression}"
            );
        }
    }
    assert!(ids.len() > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_read_no_whole_table_that_grows() {
    let rollcall = traced(Rollcall::new());
    rollcall.create_database();
    rollcall.sql(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 3000)
         INSERT INTO monitors (guild_id, kind, name, status, since, created_at)
         SELECT 99, 'device', n, 'online', 1, 1 FROM number",
    );
    let running = rollcall.run();
    let guilds = TwoGuilds::add(&rollcall, &running);
    monitors_with(&running, &rollcall, "rollcall_server_metric");
    for (path, expected) in [
        ("/api/v1/sd", 200),
        ("/probe?target=192.0.2.1:1&module=tcp_connect", 403),
    ] {
        let status = running.call("GET", path, &guilds.read, "").status;
        assert_eq!(status, expected, "{path}");
    }
    running.get("/metrics");
    assert_no_scans(&rollcall).await;
}
