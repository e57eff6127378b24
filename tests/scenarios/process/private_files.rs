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
