//! Startup and shutdown, and what a running bot reports about itself: health, metrics and the log.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Rollcall, Web, wait_for};

#[test]
fn without_a_token_everything_but_discord_runs_and_a_warning_is_logged() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let ready = wait_for("the monitors to be loaded", || {
        let ready = running.call("GET", "/readyz", "", "");
        (ready.json["monitors"] == "ok").then_some(ready)
    });
    let expected = json!({
        "ready": true, "failing": [], "database": "ok", "writes": "ok", "scheduler": "ok", "monitors": "ok", "name_resolution": "up",
        "check_results": "ok", "deliveries": "ok", "background_jobs": "ok", "discord_runtime": "off", "gateway": "off",
        "discord_token": "accepted", "connectivity": "up",
        "gateway_away_seconds": null, "gateway_failed_checks": 0, "shards": [],
    });
    assert_eq!((ready.status, ready.json), (200, expected));
    assert_eq!(running.get("/healthz").0, 200);
    assert_eq!(running.get("/nothing").0, 404);
    rollcall.done(&["healthcheck"]);
    let (code, err, took) = running.stop();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(10));
    assert!(
        err.contains("[WARNING] rollcall: DISCORD_TOKEN is not set"),
        "{err}"
    );
    assert_eq!(rollcall.execute(&["healthcheck"]).code, 1);
}

#[test]
fn a_second_run_on_the_same_database_exits_with_one_line() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    let second = rollcall.execute(&["run"]);
    assert_eq!(second.code, 3);
    let line = second.err.lines().last().unwrap();
    assert!(
        line.starts_with("error: another Rollcall process uses "),
        "{second:?}"
    );
    assert_eq!(running.stop().0, 0);
}

#[test]
fn stops_within_ten_seconds_while_checks_hang() {
    let rollcall = Rollcall::new().with("PROBE_TIMEOUT", "60s");
    let unresponsive = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rollcall.add(&format!("http://{}/", unresponsive.local_addr().unwrap()));
    let running = rollcall.run();
    wait_for("a check in flight", || {
        running
            .metric("rollcall_checks_in_flight")
            .filter(|count| *count > 0.0)
    });
    let (code, _, took) = running.stop();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_port_in_use_is_named_in_the_error() {
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    let rollcall = Rollcall::new().with("HTTP_BIND", &address);
    let output = rollcall.execute(&["run"]);
    assert_eq!(output.code, 1, "another start may find the port free");
    let sentence = format!(
        "error: HTTP_BIND: cannot listen on {address}: another program uses this port. Stop that program, or choose another port. Example: HTTP_BIND=127.0.0.1:8081\n"
    );
    assert!(output.err.ends_with(&sentence), "{output:?}");
    drop(occupied);
    assert_eq!(rollcall.run().stop().0, 0);
}

#[test]
fn an_address_of_another_machine_is_an_invalid_setting() {
    let rollcall = Rollcall::new().with("HTTP_BIND", "192.0.2.1:8080");
    let output = rollcall.execute(&["run"]);
    assert_eq!(output.code, 2);
    let sentence = "error: HTTP_BIND: cannot listen on 192.0.2.1:8080: ";
    let line = output.err.lines().last().unwrap();
    assert!(line.starts_with(sentence), "{output:?}");
    assert!(line.contains("Use an address of this machine"), "{line}");
}

#[test]
fn the_metrics_page_is_well_formed() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    rollcall.add(&web.target());
    let running = rollcall.run();
    wait_for("a check", || {
        let checks = running.metric(r#"rollcall_checks_total{result="up"}"#);
        checks.filter(|checks| *checks >= 1.0)
    });
    let (status, page) = running.get("/metrics");
    assert_eq!(status, 200);
    let mut helped = std::collections::BTreeSet::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(
                ["rollcall_", "process_"]
                    .iter()
                    .any(|start| name.starts_with(start))
                    && help.ends_with('.'),
                "{line}"
            );
            assert!(helped.insert(name.to_owned()), "{name} twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(helped.contains(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(
                helped
                    .iter()
                    .any(|helped| name.starts_with(helped.as_str())),
                "{line}"
            );
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    drop(running);
}

#[test]
fn the_log_has_one_line_per_event_in_the_documented_format() {
    let rollcall = Rollcall::new();
    assert_eq!(rollcall.run().stop().0, 0);
    let log = rollcall.log();
    assert!(!log.is_empty());
    for line in log.lines() {
        let (time, rest) = line.split_once(' ').unwrap();
        let (date, clock) = time.split_once('T').unwrap();
        assert_eq!(
            (date.len(), clock.len(), clock.ends_with('Z')),
            (10, 9, true),
            "{line}"
        );
        let (level, rest) = rest
            .split_once("] rollcall: ")
            .unwrap_or_else(|| panic!("{line}"));
        assert!(
            ["[INFO", "[WARNING", "[ERROR", "[DEBUG", "[TRACE"].contains(&level),
            "{line}"
        );
        assert!(!rest.is_empty());
    }
}
