//! A damaged database: the bot refuses it, writes nothing to it, and says how to restore it.

use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::devices::http_devices_servers::key;
use crate::harness::heartbeats::send;
use crate::harness::{CommandOutput, Rollcall, wait_for};

const PAGE: u64 = 4096;

/// A database with a table and an index of 4 MiB each, one row per page.
fn filled() -> Rollcall {
    let rollcall = Rollcall::new();
    rollcall.add("tcp://203.0.113.7:25565");
    rollcall.sql(
        "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT randomblob(3000) AS bytes FROM n",
    );
    rollcall.sql("CREATE INDEX filler_by_bytes ON filler (bytes)");
    wait_until_closed(&rollcall);
    rollcall
}

/// Waits until the last connection, which a thread of its own closes, has moved the log into the file.
fn wait_until_closed(rollcall: &Rollcall) {
    let log = rollcall.path("rollcall.db-wal");
    wait_for("the end of a connection", || (!log.exists()).then_some(()));
}

fn file(rollcall: &Rollcall) -> File {
    let path = rollcall.path("rollcall.db");
    File::options().write(true).open(path).unwrap()
}

/// Overwrites a page, counted from 1.
fn make_noise(rollcall: &Rollcall, page: u64) {
    let noise = vec![0xA5; usize::try_from(PAGE).unwrap()];
    file(rollcall)
        .write_all_at(&noise, (page - 1) * PAGE)
        .unwrap();
}

fn root_page(rollcall: &Rollcall, name: &str) -> u64 {
    let sql = format!("SELECT CAST(rootpage AS TEXT) FROM sqlite_schema WHERE name = '{name}'");
    let page = rollcall.sql(&sql).concat().parse().unwrap();
    wait_until_closed(rollcall);
    page
}

/// Starts the bot, which must end by itself.
fn refused(rollcall: &Rollcall) -> CommandOutput {
    let run = ["20", env!("CARGO_BIN_EXE_rollcall"), "run"];
    rollcall.execute_other("timeout", &run, &[])
}

/// The contents of the database file and of its write-ahead log.
fn contents(rollcall: &Rollcall) -> [Vec<u8>; 2] {
    ["rollcall.db", "rollcall.db-wal"]
        .map(|name| std::fs::read(rollcall.path(name)).unwrap_or_default())
}

fn assert_says_how_to_restore(rollcall: &Rollcall, error: &str) {
    let database = rollcall.path("rollcall.db").display().to_string();
    for part in [
        format!("the database file {database} is damaged"),
        "replace the file with a backup (made by `rollcall backup`".to_owned(),
        format!("{database}.v…"),
        format!("delete {database}-wal and {database}-shm"),
        "Found: ".to_owned(),
    ] {
        assert!(error.contains(&part), "{part} is not in {error}");
    }
}

#[test]
fn a_damaged_database_is_refused_and_left_unchanged() {
    type Damage = fn(&Rollcall);
    let damages: [(&str, Damage); 5] = [
        ("a page in the middle", |rollcall| {
            let pages = file(rollcall).metadata().unwrap().len() / PAGE;
            make_noise(rollcall, pages / 2);
        }),
        ("cut within the last page", |rollcall| {
            let file = file(rollcall);
            file.set_len(file.metadata().unwrap().len() - 1000).unwrap();
        }),
        ("an index", |rollcall| {
            make_noise(rollcall, root_page(rollcall, "filler_by_bytes"));
        }),
        ("the schema", |rollcall| make_noise(rollcall, 1)),
        ("a page, with changes in the log", |rollcall| {
            // A kill leaves the changes in the log.
            let page = root_page(rollcall, "filler");
            let running = rollcall.run();
            wait_for("a change in the log", || {
                (!contents(rollcall)[1].is_empty()).then_some(())
            });
            running.kill();
            make_noise(rollcall, page);
        }),
    ];
    for (what, damage) in damages {
        let rollcall = filled();
        damage(&rollcall);
        let before = contents(&rollcall);
        // The service manager starts it again and again.
        for _ in 0..2 {
            let output = refused(&rollcall);
            assert_eq!(output.code, 3, "{what}: {output:?}");
            assert_says_how_to_restore(&rollcall, output.err.lines().last().unwrap());
            assert!(contents(&rollcall) == before, "{what}: it was written to");
        }
    }
}

#[test]
fn a_damaged_database_is_restored_from_a_backup_as_the_error_says() {
    let rollcall = filled();
    rollcall.done(&["backup", "copy.db"]);
    let page = root_page(&rollcall, "filler");
    rollcall.run().kill();
    make_noise(&rollcall, page);
    assert_eq!(refused(&rollcall).code, 3);
    std::fs::rename(rollcall.path("copy.db"), rollcall.path("rollcall.db")).unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(rollcall.path(&format!("rollcall.db{suffix}")));
    }
    let running = rollcall.run();
    assert_eq!(rollcall.list().len(), 1);
    assert_eq!(running.stop().0, 0);
}

#[test]
fn damage_that_a_statement_meets_stops_the_bot() {
    let rollcall = filled().with("DISCORD_GUILD_ID", "42");
    let fleet = key(&rollcall, "fleet", "42");
    let running = rollcall.run();
    send(&running, &fleet, 0..=3);
    let pages = file(&rollcall).metadata().unwrap().len() / PAGE;
    for page in 2..=pages {
        make_noise(&rollcall, page);
    }
    let [before, _] = contents(&rollcall);
    let (code, err) = running.ended();
    assert_eq!(code, 3, "{err}");
    assert_says_how_to_restore(&rollcall, err.lines().last().unwrap());
    assert_says_how_to_restore(&rollcall, &rollcall.log());
    let [after, log] = contents(&rollcall);
    assert!(after == before, "the log was moved into the file");
    assert!(!log.is_empty(), "the log was deleted");
}

#[test]
fn a_large_database_is_examined_while_the_bot_runs() {
    let rollcall = filled().with("DISCORD_GUILD_ID", "42");
    let fleet = key(&rollcall, "fleet", "42");
    // SQLite ignores bytes beyond the pages that the header counts. They are a hole in the file.
    file(&rollcall).set_len((1 << 30) + PAGE).unwrap();
    let running = rollcall.run();
    wait_for("the examination", || {
        let log = rollcall.log();
        log.contains("examined the database file is_sound=true")
            .then_some(())
    });
    send(&running, &fleet, 0..=0);
    assert_eq!(running.stop().0, 0);

    make_noise(&rollcall, root_page(&rollcall, "filler"));
    file(&rollcall).set_len((1 << 30) + PAGE).unwrap();
    let (code, err) = rollcall.run().ended();
    assert_eq!(code, 3, "{err}");
    assert_says_how_to_restore(&rollcall, err.lines().last().unwrap());
}
