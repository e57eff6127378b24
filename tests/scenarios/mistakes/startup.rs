//! Mistakes that Rollcall meets when it starts: files, ports and databases that it cannot use.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::{Row, page_in, row};

/// `taken` is an address on which another program listens.
pub(super) fn rows(taken: SocketAddr) -> Vec<Row> {
    let other_database = "sqlite://other.db";
    vec![
        row("run").set("HTTP_BIND", taken.to_string()),
        row("run").set("HTTP_BIND", "192.0.2.1:8080"),
        row("run").set("DATABASE_URL", "sqlite://running.db"),
        row("run").set("DATABASE_URL", "postgres://localhost/rollcall"),
        row("run").set("DATABASE_URL", "sqlite::memory:"),
        row("run").set("DATABASE_URL", "rollcall.db"),
        row("run").set("DATABASE_URL", "sqlite://."),
        row("run")
            .set("DATABASE_URL", "sqlite://file/rollcall.db")
            .file("file", "x"),
        row("run")
            .set("DATABASE_URL", other_database)
            .file("other.db", "not a database, but text. ".repeat(40)),
        row("endpoint list")
            .set("DATABASE_URL", other_database)
            .file("other.db", "not a database, but text. ".repeat(40)),
        row("endpoint list").set("DATABASE_URL", "sqlite://missing.db"),
        row("backup copy.db").set("DATABASE_URL", "sqlite://missing.db"),
        row("endpoint list").set("DATABASE_URL", "sqlite://foreign.db"),
        row("endpoint list").set("DATABASE_URL", "sqlite://newer.db"),
        row("run").set("LOG_DIR", "file/logs").file("file", "x"),
        row("run").set("PROBE_CA_FILE", "missing.pem"),
        row("run")
            .set("PROBE_CA_FILE", "ca.pem")
            .file("ca.pem", "x"),
        row("run").set("ROLLCALL_ADDR_FILE", "missing/address"),
        row("healthcheck").set("ROLLCALL_ADDR_FILE", "missing"),
        row("healthcheck")
            .set("ROLLCALL_ADDR_FILE", "address")
            .file("address", "x"),
        row("healthcheck").set("HTTP_BIND", "127.0.0.1:1"),
    ]
}

/// Creates a database of another program, and one of a newer Rollcall.
async fn create_databases(folder: &Path) {
    let newer = row("key create --kind read").set("DATABASE_URL", "sqlite://newer.db");
    assert_eq!(newer.run(folder).2, 0);
    let version =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', 1, x'00', 0)";
    for (name, statement) in [
        ("newer.db", version),
        ("foreign.db", "CREATE TABLE theirs (x)"),
    ] {
        let options = SqliteConnectOptions::new()
            .filename(folder.join(name))
            .create_if_missing(true);
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query(statement).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    create_databases(folder.path()).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    // As a running Rollcall holds it.
    let lock = std::fs::File::create(folder.path().join("running.db.lock")).unwrap();
    lock.lock().unwrap();
    let rows = rows(taken.local_addr().unwrap());
    let page = page_in(folder.path(), &rows);
    let page = page.replace(&taken.local_addr().unwrap().port().to_string(), "PORT");
    insta::assert_snapshot!("startup", page);
}
