//! Runs every migration on a database that already has rows, then the program itself on the result.

#![expect(clippy::unwrap_used, reason = "a migration that fails ends the test")]

use std::path::Path;
use std::process::Command;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};

/// Applies the migrations in order, and after each one its sample rows.
async fn fill(database: &Path) {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .foreign_keys(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    connection
        .execute("PRAGMA application_id = 1380729676")
        .await
        .unwrap();
    let migrator = Migrator::new(Path::new("migrations")).await.unwrap();
    let mut versions: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
    versions.sort_unstable();
    assert!(!versions.is_empty());
    for version in versions {
        migrator.run_to(version, &mut connection).await.unwrap();
        let name = std::fs::read_dir("migrations")
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .find(|name| name.starts_with(&format!("{version:04}_")))
            .unwrap();
        let fixture = Path::new("tests/fixtures").join(&name);
        let rows = std::fs::read_to_string(&fixture).unwrap_or_else(|error| {
            panic!("{name} needs sample rows in {}: {error}", fixture.display())
        });
        connection.execute(sqlx::AssertSqlSafe(rows)).await.unwrap();
        let broken: Vec<(String,)> =
            sqlx::query_as("SELECT \"table\" FROM pragma_foreign_key_check")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        assert!(broken.is_empty(), "{broken:?} after {name}");
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn each_migration_works_on_existing_rows_and_the_program_reads_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rollcall.db");
    fill(&database).await;
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .args(["endpoint", "list", "--json"])
        .env_clear()
        .env("DATABASE_URL", format!("sqlite://{}", database.display()))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let endpoints: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let listed: Vec<_> = endpoints
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| (&endpoint["name"], &endpoint["status"]))
        .collect();
    assert_eq!(
        serde_json::json!(listed),
        serde_json::json!([["shop", "online"], ["door", "offline"], ["gate", "paused"]])
    );
    assert_eq!(endpoints[1]["inactive_reason"], "timed_out");
}

#[test]
fn every_migration_starts_with_a_comment_and_drops_no_table() {
    for entry in std::fs::read_dir("migrations").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-- "), "{}", path.display());
        assert!(
            !text.to_uppercase().contains("DROP TABLE"),
            "{} loses data",
            path.display()
        );
    }
}

/// Creates a database as a pre-release left it. With `is_marked`, its header has the schema version already.
async fn pre_release(database: &Path, version: i64, is_marked: bool) {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let user_version = if is_marked { version } else { 0 };
    let sql = format!(
        "PRAGMA application_id = 1380729676;
         PRAGMA user_version = {user_version};
         CREATE TABLE pulse (monitor_id INTEGER PRIMARY KEY);
         CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
             checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ({version}, 'endpoints', 1, x'00', 0);"
    );
    connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_pre_release_database_is_rejected_and_not_changed() {
    for (version, is_marked) in [(1, true), (14, true), (14, false)] {
        for command in [&["run"][..], &["endpoint", "list"], &["key", "list"]] {
            let folder = tempfile::tempdir().unwrap();
            let database = folder.path().join("rollcall.db");
            pre_release(&database, version, is_marked).await;
            let before = std::fs::read(&database).unwrap();
            let output = Command::new(env!("CARGO_BIN_EXE_rollcall"))
                .args(command)
                .env_clear()
                .env("DATABASE_URL", format!("sqlite://{}", database.display()))
                .env("HTTP_BIND", "127.0.0.1:0")
                .current_dir(folder.path())
                .output()
                .unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(
                output.status.code(),
                Some(3),
                "{version} {command:?} {error}"
            );
            let sentence = "This database was made by a pre-release of Rollcall. Start with a new file, \
                            or export the endpoints with the old binary first.";
            assert!(error.contains(sentence), "{version} {command:?} {error}");
            assert!(
                std::fs::read(&database).unwrap() == before,
                "{version} {command:?} changed the file"
            );
        }
    }
}
