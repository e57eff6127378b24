//! What other users of the machine can see of Rollcall: no file, no secret among the arguments, and no way to give it a
//! setting.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::Rollcall;

/// The files and folders below a folder, with their modes, without links.
fn modes_below(folder: &Path) -> Vec<(String, u32)> {
    let mut modes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        if metadata.is_symlink() {
            continue;
        }
        if metadata.is_dir() {
            modes.extend(modes_below(&path));
        }
        let mode = metadata.permissions().mode() & 0o777;
        modes.push((path.display().to_string(), mode));
    }
    modes
}

#[test]
fn only_the_owner_can_read_what_rollcall_writes() {
    let rollcall = Rollcall::new().with("DATABASE_URL", "sqlite://data/deep/rollcall.db");
    let running = rollcall.run();
    rollcall.add("tcp://203.0.113.7:25565");
    rollcall.done(&["backup", "copy.db"]);
    let modes = modes_below(&rollcall.path(""));
    for name in [
        "/data",
        "/data/deep",
        "/rollcall.db",
        "/rollcall.db-wal",
        "/rollcall.db-shm",
        "/rollcall.db.lock",
        "/logs",
        "/logs/bot.",
        "/addr",
        "/copy.db",
    ] {
        let known = modes.iter().any(|(path, _)| path.contains(name));
        assert!(known, "{name} is not in {modes:?}");
    }
    for (path, mode) in &modes {
        assert_eq!(mode & 0o077, 0, "{path} has the mode {mode:o}");
    }
    assert_eq!(running.umask(), "0077", "it covers every file of a library");
}

#[test]
fn a_lock_file_that_others_can_open_becomes_private() {
    let rollcall = Rollcall::new();
    let file = rollcall.path("rollcall.db.lock");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _running = rollcall.run();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Runs a command in the folder `below`, which is in the folder of the other scenarios.
fn execute_below(
    rollcall: &Rollcall,
    input: &str,
    arguments: &str,
) -> crate::harness::CommandOutput {
    let script = format!(r#"cd below && printf '{input}' | "$0" {arguments}"#);
    rollcall.execute_other(
        "/bin/sh",
        &["-c", &script, env!("CARGO_BIN_EXE_rollcall")],
        &[],
    )
}

#[test]
fn settings_are_read_from_the_working_directory_only() {
    let rollcall = Rollcall::new();
    rollcall.create_database();
    std::fs::create_dir(rollcall.path("below")).unwrap();
    std::fs::write(rollcall.path(".env"), "QUOTA_ENDPOINTS=none\n").unwrap();
    let beside = rollcall.execute(&["endpoint", "list"]);
    assert_eq!(beside.code, 2, "{beside:?}");
    assert!(beside.err.contains("QUOTA_ENDPOINTS"), "{beside:?}");
    let above = execute_below(&rollcall, "", "endpoint list");
    assert_eq!(above.code, 0, "{above:?}");
    let own = "# comment\nQUOTA_ENDPOINTS=5\ncanary-secret\n";
    std::fs::write(rollcall.path("below/.env"), own).unwrap();
    let invalid = execute_below(&rollcall, "", "endpoint list");
    assert_eq!(invalid.code, 2, "{invalid:?}");
    assert!(invalid.err.contains(".env, line 3: "), "{invalid:?}");
    assert!(!invalid.err.contains("canary"), "{invalid:?}");
}

#[test]
fn headers_with_secrets_come_from_a_file_or_from_standard_input() {
    let rollcall = Rollcall::new();
    std::fs::create_dir(rollcall.path("below")).unwrap();
    std::fs::write(
        rollcall.path("headers"),
        "Authorization: Bearer canary\n\nX-Site: one\n",
    )
    .unwrap();
    let file = rollcall.path("headers").display().to_string();
    let add = [
        "endpoint",
        "add",
        "https://example.org/",
        "--header",
        "Accept: text/plain",
    ];
    let added = rollcall.done(&[&add[..], &["--header-file", &file]].concat());
    assert!(!added.err.contains("warning"), "{added:?}");
    let other = "endpoint add https://example.com/ --header-file -";
    let added = execute_below(&rollcall, r"Authorization: Bearer canary\n", other);
    assert_eq!(added.code, 0, "{added:?}");
    let stored = rollcall.sql("SELECT http_check FROM endpoint_targets ORDER BY monitor_id");
    for (stored, names) in stored.iter().zip([&["Accept", "X-Site"][..], &[]]) {
        assert!(stored.contains("Bearer canary"), "{stored}");
        for name in names {
            assert!(stored.contains(name), "{stored}");
        }
    }
    let add = ["endpoint", "add", "https://203.0.113.9/"];
    let hinted = rollcall.done(&[&add[..], &["--header", "Authorization: Bearer canary"]].concat());
    assert!(
        hinted.err.contains("--header-file") && !hinted.err.contains("canary"),
        "{hinted:?}"
    );
    for (content, words) in [("", "is empty"), ("no header\n", "--header-file: ")] {
        std::fs::write(rollcall.path("headers"), content).unwrap();
        let refused = rollcall.execute(&[&add[..], &["--header-file", &file]].concat());
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(words), "{refused:?}");
    }
}

#[test]
fn the_ids_and_tokens_of_devices_come_from_a_file_or_from_standard_input() {
    let rollcall = Rollcall::new();
    std::fs::create_dir(rollcall.path("below")).unwrap();
    let uuid = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";
    let token = "Wq3ZkT8nB1xRj5LpVd0mYc7HsGf2EuA9";
    std::fs::write(rollcall.path("below/token"), format!("{token}\n")).unwrap();
    let input = format!(r"{uuid}\n");
    let both = "device add pump --uuid-file - --push-token-file token";
    let added = execute_below(&rollcall, &input, both);
    assert!(added.out.starts_with(uuid), "{added:?}");
    let stored = "SELECT hex(push_token_sha256) FROM device_details";
    assert_eq!(rollcall.sql(stored)[0].len(), 64);
    let invalid = execute_below(&rollcall, "canary", "device add gate --push-token-file -");
    assert_eq!(invalid.code, 2, "{invalid:?}");
    assert!(
        invalid.err.contains("--push-token-file: ") && !invalid.err.contains("canary"),
        "{invalid:?}"
    );
    let twice = execute_below(
        &rollcall,
        &input,
        "device add gate --uuid-file - --push-token-file -",
    );
    assert_eq!(twice.code, 2, "{twice:?}");
    let two = format!("device add gate --uuid {uuid} --uuid-file -");
    assert_eq!(execute_below(&rollcall, &input, &two).code, 2);
}
