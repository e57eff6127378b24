//! `rollcall agent` works as `docs/servers.md` describes it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::devices::http_devices_servers::{key, text};
use crate::harness::other_machine::OtherMachine;
use crate::harness::{Rollcall, Running, wait_for};

/// An address where nothing listens.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Adds a server; returns its id and its key.
pub fn add_server(rollcall: &Rollcall) -> (String, String) {
    let added = rollcall.done(&["server", "add", "db-1", "--json"]).json();
    (added["id"].to_string(), text(&added["key"]))
}

/// The latest numbers that Rollcall has of a server, once there is a report.
pub fn latest(running: &Running<'_>, id: &str, key: &str) -> Value {
    wait_for("a report", || {
        let path = format!("/api/v1/servers/{id}/stats");
        let series = running.call("GET", &path, key, "").json;
        let points = series["points"].as_array()?;
        points.last().map(|point| point["values"].clone())
    })
}

#[test]
fn the_agent_reports_its_machine_without_settings_and_without_a_database() {
    let rollcall = Rollcall::new();
    let (id, key) = add_server(&rollcall);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let header = format!("Authorization: Bearer {key}\n");
    let file = machine.secret_file("rollcall.header", &header);
    let url = format!("http://{}/", running.address());
    let agent = machine.rollcall(&["agent", "--url", &url, "--key-file", &file]);
    let values = latest(&running, &id, &key);
    for name in [
        "cpu",
        "memory.total_kib",
        "memory.used_percent",
        "load.2",
        "network.in_bytes_per_second",
        "network.out_bytes_per_second",
        "uptime",
    ] {
        assert!(values[name]["mean"].is_number(), "{name}: {values}");
    }
    assert!(rollcall.done(&["server", "list"]).out.contains("online"));
    agent.signal("TERM");
    let ended = agent.ended();
    let printed = format!("Reporting to http://{} every 1 min.\n", running.address());
    assert_eq!((ended.code, &ended.err), (0, &printed));
    assert_eq!(ended.out, b"");
    assert_eq!(machine.files(), ["rollcall.header"]);
}

#[test]
fn a_refused_key_ends_the_agent_with_a_sentence_that_does_not_show_it() {
    let rollcall = Rollcall::new();
    let (_, server) = add_server(&rollcall);
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let url = format!("http://{}", running.address());
    let invalid = format!("{}x", &server[..server.len() - 1]);
    let machine = OtherMachine::new();
    for (key, more, status) in [
        (&read, None, "403 Forbidden"),
        (&read, Some("--once"), "403 Forbidden"),
        (&invalid, None, "401 Unauthorized"),
    ] {
        let file = machine.secret_file("key", key);
        let mut arguments = vec!["agent", "--url", &url, "--key-file", &file];
        arguments.extend(more);
        let ended = machine.rollcall(&arguments).ended();
        assert_eq!(ended.code, 2, "{ended:?}");
        let sentence = format!("error: Rollcall refuses the key: {status}: ");
        assert!(ended.err.contains(&sentence), "{ended:?}");
        assert!(ended.err.contains("/server rotate_key"), "{ended:?}");
        assert!(!ended.err.contains(key.as_str()), "{ended:?}");
    }
}

#[test]
fn the_agent_waits_for_rollcall_and_keeps_its_memory_when_rollcall_restarts() {
    let address = unused_address();
    let rollcall = Rollcall::new().with("HTTP_BIND", &address);
    let (id, key) = add_server(&rollcall);
    let machine = OtherMachine::new();
    let file = machine.secret_file("key", &key);
    let url = format!("http://{address}");
    let arguments = ["agent", "--url", &url, "--key-file", &file, "--every", "5s"];
    let agent = machine.rollcall(&arguments);
    agent.wait_for_error("Rollcall does not accept reports: Connection refused");
    let running = rollcall.run();
    agent.wait_for_error("Rollcall accepts reports again, after ");
    latest(&running, &id, &key);
    let memory = agent.memory();
    assert_eq!(running.stop().0, 0);
    wait_for("a second line about the failure", || {
        agent
            .errors_with("does not accept reports")
            .eq(&2)
            .then_some(())
    });
    let _running = rollcall.run();
    wait_for("a second line about the recovery", || {
        agent
            .errors_with("accepts reports again")
            .eq(&2)
            .then_some(())
    });
    let growth = agent.memory().saturating_sub(memory);
    assert!(growth < 4 * 1024, "{growth} KiB more than {memory} KiB");
    agent.signal("INT");
    let ended = agent.ended();
    assert_eq!((ended.code, ended.err.lines().count()), (0, 5), "{ended:?}");
    assert!(!ended.err.contains(&key), "{ended:?}");
}

#[test]
fn one_report_is_printed_or_sent() {
    let machine = OtherMachine::new();
    let printed = machine.rollcall(&["agent", "--print"]).ended();
    assert_eq!((printed.code, printed.err.as_str()), (0, ""));
    let report: Value = serde_json::from_slice(&printed.out).unwrap();
    let version = text(&report["agent_version"]);
    assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{report}");
    let rollcall = Rollcall::new();
    let (_, key) = add_server(&rollcall);
    let running = rollcall.run();
    let sent = running.call("POST", "/api/v1/server-stats", &key, &printed.text());
    assert_eq!(sent.status, 200, "{sent:?}");
    let file = machine.secret_file("key", &key);
    let url = format!("http://{}", running.address());
    let once = ["agent", "--once", "--url", &url, "--key-file", &file];
    let ended = machine.rollcall(&once).ended();
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(running.stop().0, 0);
    let ended = machine.rollcall(&once).ended();
    let refused = "error: Rollcall did not accept the report: Connection refused";
    assert_eq!(ended.code, 1);
    assert!(ended.err.starts_with(refused), "{ended:?}");
}

#[test]
fn mistakes_in_the_command_of_the_agent_are_answered_with_an_example() {
    let machine = OtherMachine::new();
    let file = machine.secret_file("key", "two words");
    let missing = machine.path("missing");
    let url = "https://rollcall.example.org";
    for (arguments, expected) in [
        (vec!["--url", url], "--key-file <FILE>"),
        (vec!["--key-file", &file], "--url <URL>"),
        (
            vec!["--url", "example.org", "--key-file", &file],
            "Example: `https://rollcall.example.org`",
        ),
        (
            vec!["--url", url, "--key-file", &file, "--every", "4s"],
            "must be from 5s to 1d",
        ),
        (
            vec!["--url", url, "--key-file", &file],
            "must contain one line with a key",
        ),
        (
            vec!["--url", url, "--key-file", &missing],
            "there is no such file or folder",
        ),
    ] {
        let arguments = [&["agent"], arguments.as_slice()].concat();
        let ended = machine.rollcall(&arguments).ended();
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(expected), "{expected}: {ended:?}");
        assert!(!ended.err.contains("two words"), "{ended:?}");
    }
}

#[test]
fn the_agent_warns_about_a_key_that_others_can_read() {
    let machine = OtherMachine::new();
    let file = machine.secret_file("key", "rc_server_canary");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let url = "http://name.example.invalid";
    let arguments = ["agent", "--once", "--url", url, "--key-file", &file];
    let ended = machine.rollcall(&arguments).ended();
    assert_eq!(ended.code, 1, "{ended:?}");
    let warnings = format!(
        "warning: other users can read {file}. Run `chmod go-rwx {file}`\nwarning: the key is sent unencrypted to {url}. Use an https:// address\nerror: "
    );
    assert!(ended.err.starts_with(&warnings), "{ended:?}");
    assert!(!ended.err.contains("canary"), "{ended:?}");
}
