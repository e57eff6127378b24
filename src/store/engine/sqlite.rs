//! SQLite specifics: opening, pragmas, versions. The rest of `store` uses SQL that Postgres understands too.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteExecutor, SqlitePool};

use super::backup;
use super::damage::message;
use crate::private_files;
use crate::store::StoreError;

/// "RLCL" in the file header, which identifies Rollcall's own files.
const APPLICATION_ID: i64 = 0x524C_434C;

/// First version of the schema. Databases of pre-releases have versions 1 to 14.
const FIRST_VERSION: i64 = 100;

/// Positions of the schema version and the application id in the file header (sqlite.org/fileformat2.html, 1.3).
const HEADER_VERSION: std::ops::Range<usize> = 60..64;
const HEADER_APPLICATION: std::ops::Range<usize> = 68..72;

/// SQLite's code for a file that does not begin like a database (sqlite.org/rescode.html#notadb).
const NOT_A_DATABASE: &str = "26";

/// Older engines can lose committed writes in WAL mode (sqlite.org/wal.html, "the WAL-reset bug").
const OLDEST_ENGINE: (u32, u32, u32) = (3, 51, 3);

/// Pages in the write-ahead log after which SQLite moves them into the file: 16 MiB. A page that is written many times
/// before that is moved once, so a value above the default of 1,000 reduces disk writes.
const CHECKPOINT_PAGES: &str = "4000";

/// Concurrent readers; each is a thread with its own page cache. One watches for changes by other processes, and a guild
/// uses two at most for requests.
const READERS: u32 = 5;

/// 512 KiB for each reader instead of 2 MiB; pages beyond that are in the operating system's page cache.
const READ_CACHE: &str = "-512";

/// How long a transaction waits for the lock of another process. Requests are answered with 503 after that, so it is shorter
/// than the time-out of a client.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(4);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The file path in a `sqlite://` URL.
pub(in crate::store) fn path_of(url: &str) -> Result<PathBuf, StoreError> {
    let refuse = |reason: &str| StoreError::Address(reason.to_owned());
    let rest = url
        .strip_prefix("sqlite:")
        .ok_or_else(|| refuse("it does not begin with sqlite://"))?;
    if matches!(rest, "" | "//" | ":memory:" | "//:memory:") {
        return Err(refuse("it names no file"));
    }
    let options =
        SqliteConnectOptions::from_str(url).map_err(|error| refuse(&error.to_string()))?;
    Ok(options.get_filename().to_path_buf())
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", "16777216")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
}

/// Opens the write connection: creates the file (readable by its owner only), verifies that it is Rollcall's, migrates it.
pub(in crate::store) async fn open_for_writing(
    path: &Path,
) -> Result<SqliteConnection, StoreError> {
    create_private(path).map_err(|error| StoreError::Open {
        path: path.display().to_string(),
        reason: private_files::reason(&error),
    })?;
    let mut connection = SqliteConnection::connect_with(&options(path))
        .await
        .map_err(|error| refused(path, &error))?;
    check_engine(&mut connection).await?;
    check_owner(&mut connection, path).await?;
    backup::before_migration(&mut connection, path, newest_version()).await?;
    MIGRATIONS
        .run(&mut connection)
        .await
        .map_err(|error| match error {
            // The header had no version yet: the pre-release crashed before SQLite had moved its log into the file.
            sqlx::migrate::MigrateError::VersionMissing(version) if version < FIRST_VERSION => {
                StoreError::PreRelease
            }
            sqlx::migrate::MigrateError::VersionMissing(_)
            | sqlx::migrate::MigrateError::VersionTooNew(..) => {
                StoreError::Newer(path.display().to_string())
            }
            error => StoreError::Migration(error.to_string()),
        })?;
    mark_version(&mut connection).await?;
    Ok(connection)
}

/// Another connection to a file that is in use.
pub(in crate::store) async fn open_again(path: &Path) -> Result<SqliteConnection, StoreError> {
    Ok(options(path).create_if_missing(false).connect().await?)
}

pub(in crate::store) async fn open_for_reading(path: &Path) -> Result<SqlitePool, StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(Duration::from_secs(60))
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .connect_with(
            options(path)
                .pragma("query_only", "ON")
                .pragma("cache_size", READ_CACHE),
        )
        .await?;
    Ok(pool)
}

/// Refuses a database of a pre-release by its header alone, because opening it with SQLite would write to it.
pub(in crate::store) fn refuse_pre_release(path: &Path) -> Result<(), StoreError> {
    use std::io::Read as _;

    let mut header = [0; 100];
    let is_read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    if is_read.is_err() {
        // Absent, or shorter than any database: `open_for_writing` creates it or reports the error.
        return Ok(());
    }
    let number = |place: std::ops::Range<usize>| {
        let bytes = header.get(place).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, |bytes| i64::from(u32::from_be_bytes(bytes)))
    };
    let version = number(HEADER_VERSION);
    if number(HEADER_APPLICATION) == APPLICATION_ID && (1..FIRST_VERSION).contains(&version) {
        return Err(StoreError::PreRelease);
    }
    Ok(())
}

/// Creates the file with mode 0600, because the monitor list is private. SQLite gives its other files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    private_files::create_folder_of(path)?;
    let file = private_files::options()
        .create(true)
        .truncate(false)
        .open(path);
    file.map(drop)
}

async fn check_engine(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(connection)
        .await?;
    let mut numbers = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_ENGINE {
        return Err(StoreError::Engine(version));
    }
    Ok(())
}

/// Why a file cannot be opened.
fn refused(path: &Path, error: &sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code());
    let path = path.display().to_string();
    match code.as_deref() {
        Some(NOT_A_DATABASE) => StoreError::NotADatabase(path),
        _ => StoreError::Open {
            path,
            reason: message(error),
        },
    }
}

async fn check_owner(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let refuse = |error: sqlx::Error| refused(path, &error);
    let owner: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await
        .map_err(refuse)?;
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await
        .map_err(refuse)?;
    match (owner, tables) {
        (APPLICATION_ID, _) => Ok(()),
        (0, 0) => {
            let sql = format!("PRAGMA application_id = {APPLICATION_ID}");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .execute(connection)
                .await?;
            Ok(())
        }
        _ => Err(StoreError::Foreign(path.display().to_string())),
    }
}

/// The schema version of this program.
pub(super) fn newest_version() -> i64 {
    let versions = MIGRATIONS.iter().map(|migration| migration.version);
    versions.max().unwrap_or(0)
}

/// Writes the schema version into the file header, where `file` and other tools show it.
async fn mark_version(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let newest = newest_version();
    let known: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *connection)
        .await?;
    if known != newest {
        let sql = format!("PRAGMA user_version = {newest}");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// A number that changes when another connection has committed.
pub(in crate::store) async fn data_version(
    connection: impl SqliteExecutor<'_>,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(connection)
        .await?)
}

/// Moves the write-ahead log into the file and truncates the log.
pub(in crate::store) async fn checkpoint(
    connection: &mut SqliteConnection,
) -> Result<(), StoreError> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn url(folder: &tempfile::TempDir) -> String {
        format!("sqlite://{}/deep/er/rollcall.db", folder.path().display())
    }

    #[tokio::test]
    async fn creates_folders_and_a_private_file() {
        let folder = tempfile::tempdir().unwrap();
        Store::open(&url(&folder)).await.unwrap().close().await;
        let path = path_of(&url(&folder)).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_database_of_another_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        let mut other = SqliteConnection::connect_with(
            &SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(true),
        )
        .await
        .unwrap();
        sqlx::query("CREATE TABLE theirs (x)")
            .execute(&mut other)
            .await
            .unwrap();
        other.close().await.unwrap();
        let error = Store::open(&format!("sqlite://{}", path.display()))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Foreign(_)), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_is_not_a_database_is_refused_and_left_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "x".repeat(8192)).unwrap();
        let error = Store::open(&format!("sqlite://{}", path.display()))
            .await
            .unwrap_err();
        let sentence = format!("{} is not a SQLite database", path.display());
        assert!(error.to_string().starts_with(&sentence), "{error}");
        assert_eq!(std::fs::read(&path).unwrap().len(), 8192);
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Store::open(&url(&folder)).await.unwrap().close().await;
        let mut later = SqliteConnection::connect_with(&options(&path_of(&url(&folder)).unwrap()))
            .await
            .unwrap();
        sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)")
            .execute(&mut later)
            .await
            .unwrap();
        later.close().await.unwrap();
        let error = Store::open(&url(&folder)).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer(_)), "{error}");
    }

    #[test]
    fn urls_without_a_file_are_refused() {
        for wrong in ["postgres://x", "sqlite::memory:", "", "sqlite://"] {
            assert!(path_of(wrong).is_err(), "{wrong}");
        }
    }
}
