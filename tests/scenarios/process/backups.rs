//! Backups that fail: on a full disk, and by a kill in the middle. Nothing that looks like a backup may remain.

use std::os::unix::fs::PermissionsExt;

use crate::harness::{CommandOutput, Rollcall};

/// A database of 4 MiB, which no limit below has room for.
fn large() -> Rollcall {
    let rollcall = Rollcall::new();
    rollcall.add("tcp://203.0.113.7:25565");
    rollcall.sql(
        "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 64) SELECT randomblob(65536) AS bytes FROM n",
    );
    rollcall
}

/// Runs a command that may write 512 KiB to each file. Beyond that a write fails, or ends the process by SIGXFSZ.
fn limited(rollcall: &Rollcall, arguments: &[&str], ends_the_process: bool) -> CommandOutput {
    let ignore = if ends_the_process { "" } else { "trap '' 25; " };
    let script = format!(r#"{ignore}ulimit -c 0; ulimit -f 1024; exec "$0" "$@""#);
    let mut all = vec!["-c", &script, env!("CARGO_BIN_EXE_rollcall")];
    all.extend(arguments);
    rollcall.execute_other("/bin/sh", &all, &[])
}

/// The files whose names begin so, with their modes.
fn files(rollcall: &Rollcall, prefix: &str) -> Vec<(String, u32)> {
    let mut files: Vec<(String, u32)> = std::fs::read_dir(rollcall.path(""))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry))
        // SQLite deletes its own files beside the database while they are listed.
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, entry)| (name, entry.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    files.sort();
    files
}

#[test]
fn a_backup_without_space_leaves_nothing_and_can_be_repeated() {
    let rollcall = large();
    let failed = limited(&rollcall, &["backup", "copy.db"], false);
    assert_eq!(failed.code, 3, "{failed:?}");
    assert!(
        failed.err.contains("the backup copy.db cannot be written"),
        "{failed:?}"
    );
    assert_eq!(files(&rollcall, "copy"), []);
    rollcall.done(&["backup", "copy.db"]);
    assert_eq!(files(&rollcall, "copy"), [("copy.db".to_owned(), 0o600)]);
    let copy = rollcall.with("DATABASE_URL", "sqlite://copy.db");
    assert_eq!(copy.list().len(), 1);
}

#[test]
fn a_backup_that_is_killed_leaves_no_backup_and_can_be_repeated() {
    let rollcall = large();
    let killed = limited(&rollcall, &["backup", "copy.db"], true);
    assert_eq!(killed.code, -1, "{killed:?}");
    let left_over = files(&rollcall, "copy");
    assert!(!left_over.is_empty(), "it was killed in the middle");
    for (name, mode) in left_over {
        assert!(name.starts_with("copy.db.partial"), "{name}");
        assert_eq!(mode, 0o600, "{name}");
    }
    rollcall.done(&["backup", "copy.db"]);
    assert_eq!(files(&rollcall, "copy"), [("copy.db".to_owned(), 0o600)]);
}

#[test]
fn a_migration_whose_backup_fails_changes_nothing_and_can_be_repeated() {
    let rollcall = large();
    // The version in the header decides whether there is a migration to prepare for.
    rollcall.sql("PRAGMA user_version = 100");
    for ends_the_process in [false, true] {
        let failed = limited(&rollcall, &["endpoint", "list"], ends_the_process);
        assert_ne!(failed.code, 0, "{failed:?}");
        assert_eq!(
            rollcall.sql("SELECT CAST(user_version AS TEXT) FROM pragma_user_version"),
            ["100"]
        );
        let left_over = files(&rollcall, "rollcall.db.v");
        let partial = "rollcall.db.v100.partial";
        assert!(
            left_over
                .iter()
                .all(|(name, mode)| name.starts_with(partial) && *mode == 0o600),
            "{left_over:?}"
        );
        assert_eq!(left_over.is_empty(), !ends_the_process, "{left_over:?}");
    }
    rollcall.create_database();
    let copy = ("rollcall.db.v100".to_owned(), 0o600);
    assert_eq!(files(&rollcall, "rollcall.db.v"), [copy]);
}
