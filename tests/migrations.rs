//! Every migration onto a database that is already filled, then the program itself on the result.

#![expect(clippy::unwrap_used, reason = "a migration that fails ends the test")]

use std::path::Path;
use std::process::Command;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};

/// Applies the migrations one after the other, and after each the sample rows that belong to it.
async fn filled(database: &Path) {
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
async fn each_migration_holds_on_filled_data_and_the_program_reads_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rollcall.db");
    filled(&database).await;
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
    let roll: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen: Vec<_> = roll
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| (&endpoint["name"], &endpoint["status"]))
        .collect();
    assert_eq!(
        serde_json::json!(seen),
        serde_json::json!([["shop", "online"], ["door", "offline"], ["gate", "paused"]])
    );
    assert_eq!(roll[1]["inactive_reason"], "timed_out");
}

#[test]
fn every_migration_opens_with_its_why() {
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
