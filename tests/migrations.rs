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
        serde_json::json!([
            ["shop", "online"],
            ["door", "offline"],
            ["gate", "paused"],
            ["old", "online"],
            ["Shop (2)", "online"],
        ])
    );
    assert_eq!(endpoints[1]["inactive_reason"], "timed_out");
    let options = SqliteConnectOptions::new().filename(&database);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let names: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM monitors WHERE id IN (11, 14, 92, 93) ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let names: Vec<&str> = names.iter().map(|(name,)| name.as_str()).collect();
    assert_eq!(names, ["pump", "db-2", "PUMP (2)", "db-2 (2)"]);
}

#[tokio::test]
async fn stored_options_follow_redirects_if_they_contain_the_old_default() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rollcall.db");
    fill(&database).await;
    let options = SqliteConnectOptions::new().filename(&database);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let stored: Vec<(i64, Option<i64>)> = sqlx::query_as(
        "SELECT monitor_id, CASE WHEN json_valid(http_check) THEN http_check ->> '$.max_redirects' END
         FROM endpoint_targets WHERE http_check IS NOT NULL ORDER BY monitor_id",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(stored, [(1, Some(1)), (81, Some(5)), (82, None)]);
}

/// What the tables knew before there was a history: an endpoint that was paused and recovered from two outages, the second one in
/// maintenance and one that was retracted; a device that missed its heartbeats; a server that is offline.
const BEFORE_HISTORY: &str = "
    INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at) VALUES
        (501, 77, 'endpoint', 'shop', 'online', 9000, 1000), (502, 77, 'device', 'pump', 'online', 5000, 1000),
        (503, 77, 'server', 'db', 'offline', 8000, 1000);
    INSERT INTO outages (guild_id, monitor_id, started_at, ended_at, ended_by, reason, is_in_maintenance) VALUES
        (77, 501, 2000, 3000, 'recovered', 'refused', 0), (77, 501, 8000, 9000, 'recovered', 'refused', 1),
        (77, 502, 4000, 5000, 'recovered', 'missed_heartbeat', 0), (77, 503, 6000, NULL, NULL, 'overdue', 0);
    INSERT INTO events (guild_id, monitor_id, kind, at, noticed_at, actor, details) VALUES
        (77, 501, 'endpoint_up', 1500, 1500, 'system', '{}'), (77, 501, 'endpoint_warning', 2000, 2000, 'system', '{}'),
        (77, 501, 'endpoint_offline', 2000, 2400, 'system', '{}'), (77, 501, 'endpoint_online', 3000, 3000, 'system', '{}'),
        (77, 501, 'endpoint_paused', 3500, 3500, 'cli', '{}'), (77, 501, 'endpoint_resumed', 3600, 3600, 'cli', '{}'),
        (77, 501, 'endpoint_up', 3700, 3700, 'system', '{}'), (77, 501, 'endpoint_offline', 5000, 5200, 'system', '{}'),
        (77, 501, 'endpoint_unknown', 5500, 5500, 'system', '{}'), (77, 501, 'endpoint_up', 6000, 6000, 'system', '{}'),
        (77, 501, 'endpoint_offline', 8000, 8500, 'system', '{}'), (77, 501, 'endpoint_online', 9000, 9000, 'system', '{}'),
        (77, 502, 'device_online', 1000, 1000, 'system', '{}'),
        (77, 502, 'device_offline', 4500, 4500, 'system', '{\"last_seen\":4000}'), (77, 502, 'device_online', 5000, 5000, 'system', '{}'),
        (77, 503, 'server_online', 2000, 2000, 'system', '{}'),
        (77, 503, 'server_warning', 7000, 7000, 'system', '{\"last_seen\":6000}'),
        (77, 503, 'server_offline', 8000, 8000, 'system', '{\"last_seen\":6000}');";

#[tokio::test]
async fn what_older_tables_know_becomes_history() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    connection
        .execute("PRAGMA application_id = 1380729676")
        .await
        .unwrap();
    let migrator = Migrator::new(Path::new("migrations")).await.unwrap();
    migrator.run_to(114, &mut connection).await.unwrap();
    connection.execute(BEFORE_HISTORY).await.unwrap();
    migrator.run_to(115, &mut connection).await.unwrap();
    for (monitor, expected) in [
        (
            501,
            "1000 unknown, 1500 online, 2000 offline, 3000 online, 3500 paused, 3600 unknown, 3700 online, 5000 unknown, \
             5500 unknown, 6000 online, 8000 offline, 9000 online",
        ),
        (502, "1000 online, 4000 offline, 5000 online"),
        (503, "1000 unknown, 2000 online, 6000 offline"),
    ] {
        let spans: Vec<(String,)> = sqlx::query_as(
            "SELECT began_at || ' ' || status FROM status_history WHERE monitor_id = $1 ORDER BY began_at",
        )
        .bind(monitor)
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let spans: Vec<&str> = spans.iter().map(|(span,)| span.as_str()).collect();
        assert_eq!(spans.join(", "), expected, "{monitor}");
    }
    let maintenance: Vec<(i64, i64, i64)> =
        sqlx::query_as("SELECT monitor_id, began_at, ended_at FROM maintenance_spans")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(maintenance, [(501, 8000, 9000)]);
}

/// A channel and a webhook with an incident that was delivered to the first and waits for the second, and ids that were used and
/// are free again.
const BEFORE_SUMMARIES: &str = "
    INSERT INTO destinations (id, guild_id, kind, address, broken_at, broken_reason) VALUES
        (7, 77, 'channel', 5, NULL, NULL), (8, 77, 'webhook', 1, 9, 'gone'), (20, 77, 'board', 5, NULL, NULL);
    INSERT INTO incidents (id, guild_id, scope, opened_at, created_at, joined_at) VALUES (3, 77, '', 1, 1, 1);
    INSERT INTO deliveries (id, destination_id, incident_id, wanted_revision, delivered_revision, message_id) VALUES
        (11, 7, 3, 1, 1, 99), (12, 8, 3, 1, 0, NULL), (30, 20, NULL, 1, 1, 98);
    DELETE FROM deliveries WHERE id = 30;
    DELETE FROM destinations WHERE id = 20;";

#[tokio::test]
async fn deliveries_survive_a_new_kind_of_destination() {
    let options = SqliteConnectOptions::new()
        .in_memory(true)
        .foreign_keys(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    connection
        .execute("PRAGMA application_id = 1380729676")
        .await
        .unwrap();
    let migrator = Migrator::new(Path::new("migrations")).await.unwrap();
    migrator.run_to(118, &mut connection).await.unwrap();
    connection.execute(BEFORE_SUMMARIES).await.unwrap();
    let all = "SELECT d.id, d.delivered_revision, d.message_id, t.address, t.broken_reason FROM deliveries d
               JOIN destinations t ON t.id = d.destination_id ORDER BY d.id";
    type DeliveryRow = (i64, i64, Option<i64>, i64, Option<String>);
    let before: Vec<DeliveryRow> = sqlx::query_as(all)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(before.len(), 2);
    migrator.run_to(120, &mut connection).await.unwrap();
    let after: Vec<DeliveryRow> = sqlx::query_as(all)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(after, before);
    connection
        .execute(
            "UPDATE incidents SET revision = 2 WHERE id = 3;
             INSERT INTO destinations (guild_id, kind, address) VALUES (77, 'summary', 5);
             INSERT INTO deliveries (destination_id, incident_id, wanted_revision) SELECT MAX(id), 3, 2 FROM destinations;
             DELETE FROM destinations WHERE id = 8;",
        )
        .await
        .unwrap();
    let wanted: Vec<(i64, i64, i64)> =
        sqlx::query_as("SELECT id, destination_id, wanted_revision FROM deliveries ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    // No id is used again, and the delivery of a destination that was removed is gone.
    assert_eq!(wanted, [(11, 7, 2), (31, 21, 2)]);
}

/// The tables that a migration drops without having copied their rows into a table that takes their place.
fn lost_tables(migration: &str) -> Vec<String> {
    let upper = migration.to_uppercase();
    let parts: Vec<&str> = upper.split("DROP TABLE ").collect();
    let mut lost = Vec::new();
    for (at, part) in parts.iter().enumerate().skip(1) {
        let name = part.split([';', ' ', '\n']).next().unwrap();
        let copied = format!("FROM {name};");
        let renamed = format!("ALTER TABLE {name}_REBUILT RENAME TO {name};");
        let is_rebuilt = parts[..at].iter().any(|before| {
            before.contains(&format!("INSERT INTO {name}_REBUILT ")) && before.contains(&copied)
        });
        if !is_rebuilt || !part.contains(&renamed) {
            lost.push(name.to_lowercase());
        }
    }
    lost
}

#[test]
fn a_table_that_is_dropped_must_be_rebuilt() {
    let copy = "INSERT INTO keys_rebuilt (id) SELECT id FROM keys;";
    let (drop, rename) = (
        "DROP TABLE keys;",
        "ALTER TABLE keys_rebuilt RENAME TO keys;",
    );
    for (migration, lost) in [
        (vec![copy, drop, rename], vec![]),
        (vec![drop], vec!["keys"]),
        (vec![drop, copy, rename], vec!["keys"]),
        (vec![copy, drop], vec!["keys"]),
        (vec![copy, drop, rename, "DROP TABLE other;"], vec!["other"]),
    ] {
        assert_eq!(lost_tables(&migration.join("\n")), lost, "{migration:?}");
    }
}

#[test]
fn every_migration_starts_with_a_comment_and_loses_no_table() {
    for entry in std::fs::read_dir("migrations").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-- "), "{}", path.display());
        let lost = lost_tables(&text);
        assert!(lost.is_empty(), "{} loses {lost:?}", path.display());
    }
}

/// The tables of a pre-release, with a schema version in the header (0: none yet).
fn pre_release_sql(version: i64, user_version: i64) -> String {
    format!(
        "PRAGMA application_id = 1380729676;
         PRAGMA user_version = {user_version};
         CREATE TABLE pulse (monitor_id INTEGER PRIMARY KEY);
         CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
             checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ({version}, 'endpoints', 1, x'00', 0);"
    )
}

/// Creates a database as a pre-release left it. With `is_marked`, its header has the schema version already.
async fn pre_release(database: &Path, version: i64, is_marked: bool) {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let sql = pre_release_sql(version, if is_marked { version } else { 0 });
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

#[tokio::test]
async fn a_pre_release_database_that_crashed_is_rejected_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (open, crashed) = (
        folder.path().join("open.db"),
        folder.path().join("crashed.db"),
    );
    let options = SqliteConnectOptions::new()
        .filename(&open)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let sql = pre_release_sql(14, 14);
    connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    // While the connection is open the rows are only in the write-ahead log, as a kill would leave them.
    for ending in ["", "-wal"] {
        let name = |path: &Path| format!("{}{ending}", path.display());
        std::fs::copy(name(&open), name(&crashed)).unwrap();
    }
    connection.close().await.unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .args(["endpoint", "list"])
        .env_clear()
        .env("DATABASE_URL", format!("sqlite://{}", crashed.display()))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("a pre-release of Rollcall"), "{error}");
    let options = SqliteConnectOptions::new().filename(&crashed);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let versions: Vec<(i64,)> = sqlx::query_as("SELECT version FROM _sqlx_migrations")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(versions, [(14,)]);
    connection.close().await.unwrap();
}

/// The columns of a view or a table, in their order.
async fn columns(connection: &mut SqliteConnection, name: &str) -> Vec<String> {
    let sql = format!("SELECT name FROM pragma_table_info('{name}')");
    let rows: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

#[tokio::test]
async fn the_views_have_the_columns_that_scripts_rely_on() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rollcall.db");
    fill(&database).await;
    let options = SqliteConnectOptions::new().filename(&database);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    for (view, expected) in [
        (
            "endpoints",
            "id guild_id name target host port http_check interval_ms status since is_active inactive_reason failure_class \
             failure_detail inactive_checked_at last_check_date last_seen_at next_due_at consecutive_failures latency_us \
             certificate_expires_at created_at certificate_starts_at certificate_host",
        ),
        (
            "devices",
            "id guild_id uuid name device_name device_type status since is_online is_active failure last_connectivity_event \
             threshold_ms created_at slug group_name",
        ),
        (
            "servers",
            "id guild_id name status since is_active last_seen_at online_ms warning_ms offline_ms online_threshold_minutes \
             warning_threshold_minutes offline_threshold_minutes auto_thresholds thresholds_followed_at created_at limit_exceeded",
        ),
        (
            "audit_logs",
            "id guild_id monitor_id event_type severity actor details occurred_at created_at",
        ),
    ] {
        let found = columns(&mut connection, view).await.join(" ");
        assert_eq!(found, expected, "{view}");
    }
    let servers: Vec<(Option<i64>, Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT online_threshold_minutes, warning_threshold_minutes, offline_threshold_minutes FROM servers ORDER BY id",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let own = (Some(10), Some(30), Some(60));
    assert_eq!(
        servers,
        [own, (None, None, None), (None, None, None)],
        "NULL where the default holds"
    );
    let events: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT event_type, severity, details, created_at FROM audit_logs ORDER BY id",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let kinds: Vec<(&str, &str)> = events
        .iter()
        .map(|(kind, severity, ..)| (kind.as_str(), severity.as_str()))
        .collect();
    let expected = [
        ("endpoint_offline", "error"),
        ("server_overdue", "warning"),
        ("monitor_muted", "info"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(events[0].3, 1_700_000_120_000, "when the event was noticed");
    connection.close().await.unwrap();
}

/// Adds a device as the first migration stores it.
async fn add_device(connection: &mut SqliteConnection, id: i64, name: &str) {
    for sql in [
        "INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
         VALUES ($1, 42, 'device', $2, 'online', 1, 1)",
        "INSERT INTO device_details (monitor_id, guild_id, uuid) VALUES ($1, 42, $1)",
    ] {
        let query = sqlx::query(sql).bind(id).bind(name);
        query.execute(&mut *connection).await.unwrap();
    }
}

/// The columns of a key, without its kind.
type KeyRow = (
    String,
    i64,
    Option<i64>,
    Vec<u8>,
    i64,
    Option<i64>,
    Option<i64>,
);

async fn keys(connection: &mut SqliteConnection) -> Vec<KeyRow> {
    let sql = "SELECT id, guild_id, monitor_id, secret_sha256, created_at, expires_at, revoked_at FROM api_keys ORDER BY id";
    sqlx::query_as(sql).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn known_devices_get_slugs_and_keys_stay() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("rollcall.db"))
        .create_if_missing(true)
        .foreign_keys(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let migrator = Migrator::new(Path::new("migrations")).await.unwrap();
    migrator.run_to(100, &mut connection).await.unwrap();
    let rows = std::fs::read_to_string("tests/fixtures/0100_schema.sql").unwrap();
    connection.execute(sqlx::AssertSqlSafe(rows)).await.unwrap();
    let names = [
        ("Database Backup", Some("database-backup")),
        ("snake_case-2", Some("snake_case-2")),
        (" -spaces- ", Some("spaces")),
        ("web & shop", None),
        ("Zürich", None),
        ("--", None),
    ];
    for (id, (name, _)) in (1_000..).zip(names) {
        add_device(&mut connection, id, name).await;
    }
    let expiry = "UPDATE api_keys SET expires_at = 7, revoked_at = 8 WHERE kind = 'device'";
    connection.execute(expiry).await.unwrap();
    let before = keys(&mut connection).await;
    assert_eq!(before.len(), 2);
    migrator.run(&mut connection).await.unwrap();
    assert_eq!(keys(&mut connection).await, before);
    let slugs: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT name, slug FROM devices WHERE id >= 1000 ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let expected = names.map(|(name, slug)| (name.to_owned(), slug.map(str::to_owned)));
    assert_eq!(slugs, expected);
    connection.close().await.unwrap();
}

#[tokio::test]
async fn known_guilds_are_not_welcomed() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("rollcall.db"))
        .create_if_missing(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let migrator = Migrator::new(Path::new("migrations")).await.unwrap();
    migrator.run_to(109, &mut connection).await.unwrap();
    let add = "INSERT INTO guilds (guild_id, application_id, joined_at) VALUES (42, 4000, 5)";
    connection.execute(add).await.unwrap();
    migrator.run(&mut connection).await.unwrap();
    let welcomed: Option<i64> = sqlx::query_scalar("SELECT welcomed_at FROM guilds")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(welcomed, Some(5));
    connection.close().await.unwrap();
}

#[tokio::test]
async fn the_indexes_that_scripts_rely_on_stay() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rollcall.db");
    fill(&database).await;
    let options = SqliteConnectOptions::new().filename(&database);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    for name in ["idx_endpoints_active", "idx_endpoints_last_check"] {
        let found: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'index' AND name = $1",
        )
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(found, 1, "{name}");
    }
    connection.close().await.unwrap();
}
