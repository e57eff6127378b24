//! The agent in `examples/agent.rs` works as `docs/servers.md` describes it.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::devices::http_devices_servers::{device, key, quick, text};
use crate::harness::{Rollcall, Running};

/// Runs the agent once. Cargo puts examples into a folder beside the program.
fn agent(rollcall: &Rollcall, running: &Running<'_>, settings: &[(&str, &str)]) -> Output {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_rollcall"));
    let agent = program.with_file_name("examples").join("agent");
    assert!(
        agent.exists(),
        "`cargo build --examples` makes {}",
        agent.display()
    );
    Command::new(agent)
        .arg("--once")
        .env_clear()
        .env("ROLLCALL_URL", format!("http://{}", running.address()))
        .env("ROLLCALL_AGENT_FILE", rollcall.path("agent.json"))
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_agent_registers_once_and_sends_heartbeats_and_reports() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "1h");
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let added = rollcall.done(&["server", "add", "db-1", "--json"]).json();
    let (id, server) = (added["id"].to_string(), text(&added["key"]));
    let running = rollcall.run();
    let settings = [
        ("ROLLCALL_FLEET_KEY", fleet.as_str()),
        ("ROLLCALL_SERVER_KEY", server.as_str()),
    ];
    for _ in 0..2 {
        let output = agent(&rollcall, &running, &settings);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    }
    let kept = std::fs::read_to_string(rollcall.path("agent.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let shown = device(&running, &read, &text(&kept["uuid"]));
    assert_eq!(
        (&shown["status"], &shown["device_type"]),
        (&"online".into(), &"agent".into())
    );
    let devices = running.call("GET", "/api/v1/devices", &read, "").json;
    assert_eq!(
        devices["devices"].as_array().unwrap().len(),
        1,
        "it registers once"
    );
    let series = running
        .call("GET", &format!("/api/v1/servers/{id}/stats"), &server, "")
        .json;
    let point = &series["points"][0];
    assert!(point["values"]["load.0"]["mean"].is_number(), "{series}");
    assert!(
        point["values"]["memory.total_kib"]["max"].as_f64().unwrap() > 0.0,
        "{series}"
    );
}

#[test]
fn the_agent_reports_errors_without_its_key() {
    let rollcall = quick();
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    for (settings, code, expected) in [
        (
            vec![],
            2,
            "neither ROLLCALL_FLEET_KEY nor ROLLCALL_SERVER_KEY is set",
        ),
        (
            vec![
                ("ROLLCALL_SERVER_KEY", read.as_str()),
                ("ROLLCALL_AGENT_SECONDS", "soon"),
            ],
            2,
            "ROLLCALL_AGENT_SECONDS must be a number",
        ),
        (
            vec![("ROLLCALL_SERVER_KEY", read.as_str())],
            1,
            "403 Forbidden: this API key is of the wrong kind",
        ),
        (
            vec![
                ("ROLLCALL_SERVER_KEY", read.as_str()),
                ("ROLLCALL_URL", "http://127.0.0.1:1"),
            ],
            1,
            "error sending request",
        ),
    ] {
        let output = agent(&rollcall, &running, &settings);
        assert_eq!(output.status.code(), Some(code), "{}", errors(&output));
        assert!(errors(&output).contains(expected), "{}", errors(&output));
        assert!(!errors(&output).contains(&read));
    }
}
