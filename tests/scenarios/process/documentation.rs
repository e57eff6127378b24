//! The pages under `docs/`: every shell block that talks to a running Rollcall does what the page says, as it stands. Only
//! the address is replaced, and the keys come from the environment, as they do for users.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::harness::{Rollcall, Running};

/// The address in the pages.
const EXAMPLE: &str = "http://127.0.0.1:8080";

/// The job in the pages: it fails, after it has printed more than is sent.
const BACKUP: &str = "#!/bin/sh
yes 'one more file' | head -n 2000
echo 'FATAL: disk full' >&2
exit 3
";

/// The shell blocks of a page that send requests.
fn blocks(page: &str) -> Vec<String> {
    let path = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let found = text.split("```sh\n").skip(1);
    let found = found.map(|rest| rest.split("```").next().unwrap().to_owned());
    found.filter(|block| block.contains(EXAMPLE)).collect()
}

/// A folder with the programs that the blocks call, for `PATH`.
fn programs(rollcall: &Rollcall) -> String {
    let folder = rollcall.path("bin");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rollcall"), folder.join("rollcall")).unwrap();
    let backup = folder.join("backup");
    std::fs::write(&backup, BACKUP).unwrap();
    std::fs::set_permissions(&backup, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    format!("{}:{path}", folder.display())
}

/// Runs the blocks of a page with `sh` and `bash` and returns what they printed. `None` without curl, which they need.
fn run(
    page: &str,
    rollcall: &Rollcall,
    running: &Running<'_>,
    keys: &[(&str, &str)],
) -> Option<String> {
    let path = programs(rollcall);
    let variables = [keys, &[("PATH", path.as_str())]].concat();
    let is_there = rollcall.execute_other("sh", &["-c", "command -v curl"], &variables);
    if is_there.code != 0 {
        eprintln!("curl is not installed, so the blocks of {page} are not run");
        return None;
    }
    let blocks = blocks(page);
    assert!(!blocks.is_empty(), "{page} has no requests");
    let address = format!("http://{}", running.address());
    let mut printed = String::new();
    for shell in ["sh", "bash"] {
        for block in &blocks {
            // Each shell registers a device of its own: a name that is taken is refused.
            let block = block
                .replace(EXAMPLE, &address)
                .replace("\"pump\"", &format!("\"pump-{shell}\""));
            let output = rollcall.execute_other(shell, &["-uc", &block], &variables);
            assert_eq!(
                (output.code, output.err.contains("curl")),
                (0, false),
                "{block}: {output:?}"
            );
            printed += &output.out;
        }
    }
    Some(printed)
}

#[test]
fn the_requests_of_the_page_about_devices_register_one_and_send_heartbeats() {
    let rollcall = Rollcall::new();
    let fleet = rollcall.done(&["key", "create", "--kind", "fleet"]).out;
    let running = rollcall.run();
    let made = running
        .call(
            "POST",
            "/api/v1/device/register",
            fleet.trim(),
            r#"{"device_name":"mine"}"#,
        )
        .json;
    let [uuid, key] = ["uuid", "device_key"].map(|name| made[name].as_str().unwrap().to_owned());
    let keys = [("UUID", uuid.as_str()), ("DEVICE_KEY", key.as_str())];
    let Some(printed) = run("devices.md", &rollcall, &running, &keys) else {
        return;
    };
    assert_eq!(
        printed.matches("\"device_key\":\"rc_device_").count(),
        2,
        "{printed}"
    );
    let status = running.call("GET", &format!("/api/v1/devices/{uuid}"), &key, "");
    assert_eq!(status.json["status"], "online", "{status:?}");
}

#[test]
fn the_requests_of_the_page_about_servers_send_a_report() {
    let rollcall = Rollcall::new();
    let key = rollcall.done(&["server", "add", "db-1", "--json"]).json()["key"].clone();
    let key = key.as_str().unwrap();
    let header = format!("Authorization: Bearer {key}\n");
    std::fs::write(rollcall.path("rollcall.header"), header).unwrap();
    let running = rollcall.run();
    let home = rollcall.path("").display().to_string();
    let Some(_) = run("servers.md", &rollcall, &running, &[("HOME", &home)]) else {
        return;
    };
    let servers = rollcall.done(&["server", "list", "--json"]).out;
    assert!(servers.contains("\"online\""), "{servers}");
}

#[test]
fn the_requests_of_the_page_about_compatibility_are_accepted() {
    let rollcall = Rollcall::new();
    let token = "Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9";
    let page = format!("{}/docs/compatibility.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).unwrap();
    let add = format!("device add backup --push-token {token}");
    assert!(page.contains(&format!("rollcall {add}\n")), "{page}");
    let arguments: Vec<&str> = add.split(' ').collect();
    let added = rollcall.done(&arguments).out;
    let read = rollcall.done(&["key", "create", "--kind", "read"]).out;
    let running = rollcall.run();
    let keys = [
        ("UUID", added.lines().next().unwrap()),
        ("READ_KEY", read.trim()),
        ("PUSH_TOKEN", token),
    ];
    let Some(printed) = run("compatibility.md", &rollcall, &running, &keys) else {
        return;
    };
    assert!(printed.contains("Created"), "{printed}");
    assert_eq!(printed.matches(r#"{"ok":true}"#).count(), 2, "{printed}");
    for field in [r#""checks":[{"#, r#""flips":[{"#, r#""pings":[{"#] {
        assert_eq!(printed.matches(field).count(), 2, "{field}: {printed}");
    }
}

#[test]
fn the_job_line_of_the_page_about_other_products_reports_a_failure_and_its_reason() {
    let rollcall = Rollcall::new();
    let read = rollcall.done(&["key", "create", "--kind", "read"]).out;
    let running = rollcall.run();
    let uuid = "0b9f8f8e-5c1d-4b0a-9a53-6f1f6b3f0c11";
    let Some(printed) = run("migrating.md", &rollcall, &running, &[("UUID", uuid)]) else {
        return;
    };
    assert!(printed.contains("OK"), "{printed}");
    let devices = running.call("GET", "/api/v1/devices", read.trim(), "").json;
    let device = &devices["devices"][0];
    assert_eq!(device["uuid"], json!(uuid), "{devices}");
    assert_eq!(
        (&device["status"], &device["failure"]),
        (&json!("offline"), &json!("exit status 3: FATAL: disk full")),
        "{devices}"
    );
}
