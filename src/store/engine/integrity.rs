//! Examines the database file before anything is written to it. Writing to a damaged file spreads the damage, and a migration
//! rewrites most of it.
//!
//! The examining connection is read-only. SQLite moves the write-ahead log into the file when the last connection is closed,
//! but a read-only connection cannot take the lock that this needs. So a damaged file and its log stay as they are.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::damage::{Damage, damaged, is_damage, message};
use super::sqlite::{BUSY_TIMEOUT, newest_version};
use crate::domain::text::cut;
use crate::store::StoreError;

/// Larger files are examined while Rollcall runs, because this takes long. Measured: 0.4 s for 200 MB in memory and 2 s from a
/// disk that reads 100 MB/s; 10 ms for a file of 4 MB.
pub(in crate::store) const EXAMINED_BEFORE_START: u64 = 1024 * 1024 * 1024;

/// What SQLite says of a file that does not begin like a database.
const NOT_A_DATABASE: &str = "file is not a database";

/// What Rollcall says of it: such a file is damaged, or it is not Rollcall's.
const NOT_LIKE_A_DATABASE: &str =
    "it does not begin like a database. If it never was one, choose another file in DATABASE_URL";

/// Findings in the error: the first ones say enough.
const FINDINGS: usize = 3;

/// Characters of one finding.
const LONGEST_FINDING: usize = 160;

/// Steps of SQLite after which it checks whether the examination is canceled: some milliseconds.
const STEPS: i32 = 10_000;

/// When a file is examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Examination {
    /// Before anything is written.
    Now,
    /// While Rollcall runs.
    InBackground,
    Never,
}

/// What decides when a file is examined.
#[derive(Clone, Copy, Debug)]
struct FileFacts {
    bytes: u64,
    /// The schema version in the header; 0 for a new database.
    version: i64,
}

/// Up to which size a file is examined before a start, in bytes; `None`: not at every start.
pub(in crate::store) type SizeLimit = Option<u64>;

/// Decides when a file is examined. One-shot commands (without a limit) examine it before a migration only.
fn examination(facts: FileFacts, newest: i64, limit: SizeLimit) -> Examination {
    let is_migrated = facts.version > 0 && facts.version < newest;
    match limit {
        _ if is_migrated => Examination::Now,
        Some(limit) if facts.bytes <= limit => Examination::Now,
        Some(_) => Examination::InBackground,
        None => Examination::Never,
    }
}

/// Examines the file if it must be examined before anything is written to it. Returns when it is examined.
pub(in crate::store) async fn before_writing(
    path: &Path,
    limit: SizeLimit,
) -> Result<Examination, StoreError> {
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if bytes == 0 {
        return Ok(Examination::Never);
    }
    // If it cannot even be opened, `open_for_writing` reports why.
    let Ok(mut connection) = open_read_only(path).await else {
        return Ok(Examination::Never);
    };
    let version = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection);
    let when = match (version.await, limit) {
        (Ok(version), _) => examination(FileFacts { bytes, version }, newest_version(), limit),
        (Err(error), Some(_)) if is_damage(&error) => {
            let finding = match message(&error) {
                message if message == NOT_A_DATABASE => NOT_LIKE_A_DATABASE.to_owned(),
                message => message,
            };
            return Err(damaged(path, finding));
        }
        // A journal of the very first transaction must be rolled back first, which takes a write connection.
        (Err(_), Some(_)) => Examination::InBackground,
        (Err(_), None) => Examination::Never,
    };
    if when == Examination::Now
        && let Some(findings) = findings(&mut connection, path).await?
    {
        return Err(damaged(path, findings));
    }
    connection.close().await?;
    Ok(when)
}

/// An examination in the background; dropping it cancels it.
#[derive(Debug)]
pub struct BackgroundExamination {
    is_canceled: Arc<AtomicBool>,
}

impl BackgroundExamination {
    /// Examines the file of `damage` and reports the findings there.
    pub(in crate::store) fn start(damage: Damage) -> Self {
        let is_canceled = Arc::new(AtomicBool::new(false));
        let canceled = Arc::clone(&is_canceled);
        tokio::spawn(async move {
            let findings = examine_until(damage.path(), Arc::clone(&canceled)).await;
            match findings {
                Ok(Some(findings)) => damage.report(findings),
                Ok(None) => {}
                Err(_) if canceled.load(Ordering::Relaxed) => {}
                Err(error) => tracing::warn!(%error, "cannot examine the database file"),
            }
        });
        Self { is_canceled }
    }
}

impl Drop for BackgroundExamination {
    fn drop(&mut self) {
        self.is_canceled.store(true, Ordering::Relaxed);
    }
}

async fn examine_until(
    path: &Path,
    is_canceled: Arc<AtomicBool>,
) -> Result<Option<String>, StoreError> {
    let mut connection = open_read_only(path).await?;
    connection
        .lock_handle()
        .await?
        .set_progress_handler(STEPS, move || !is_canceled.load(Ordering::Relaxed));
    let findings = findings(&mut connection, path).await;
    connection.close().await?;
    findings
}

/// A connection that cannot change the file, not even when it is closed.
async fn open_read_only(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    Ok(options.busy_timeout(BUSY_TIMEOUT).connect().await?)
}

/// A connection to close after all others, so that they leave the file and its log as they are.
pub(in crate::store) async fn open_last(path: &Path) -> Option<SqliteConnection> {
    let mut connection = open_read_only(path).await.ok()?;
    // It counts as open once it has read. An error is likely, because the file is damaged, and changes nothing.
    let _ = sqlx::query("SELECT 1 FROM sqlite_schema LIMIT 1")
        .execute(&mut connection)
        .await;
    Some(connection)
}

/// What is wrong with the file; `None`: nothing.
async fn findings(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<Option<String>, StoreError> {
    let check = format!("PRAGMA quick_check({FINDINGS})");
    let mut rows = sqlx::query_scalar(sqlx::AssertSqlSafe(check)).fetch(&mut *connection);
    let mut findings: Vec<String> = Vec::new();
    while let Some(row) = rows.next().await {
        match row {
            Ok(finding) => findings.push(finding),
            // It ends so if it cannot go past the damage. What it found before says where that is.
            Err(error) if is_damage(&error) => findings.push(message(&error)),
            Err(error) => return Err(error.into()),
        }
    }
    drop(rows);
    let is_cut = is_cut_within_a_page(connection, path).await?;
    let is_sound = findings == ["ok"] && !is_cut;
    tracing::info!(is_sound, "examined the database file");
    let cut_page = is_cut.then(|| "the file ends within a page".to_owned());
    Ok((!is_sound).then(|| shortened(cut_page.into_iter().chain(findings))))
}

/// The findings in one line.
fn shortened(findings: impl Iterator<Item = String>) -> String {
    let lines = findings.filter(|finding| finding != "ok").map(|finding| {
        let words: Vec<&str> = finding.split_whitespace().collect();
        cut(&words.join(" "), LONGEST_FINDING)
    });
    lines.take(FINDINGS).collect::<Vec<_>>().join("; ")
}

/// Whether the last page is incomplete; `quick_check` takes the rest of it for zeros, which may be valid. A page that is
/// still in the write-ahead log may be incomplete in the file: a full disk leaves it so.
async fn is_cut_within_a_page(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<bool, StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        return Ok(false);
    }
    let page_size: i64 = sqlx::query_scalar("PRAGMA page_size")
        .fetch_one(connection)
        .await?;
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    Ok(!bytes.is_multiple_of(page_size.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;
    use std::path::PathBuf;

    use super::*;
    use crate::store::Store;

    /// A database with a table of many pages, of which the one in the middle of the file is noise.
    struct DamagedDatabase {
        _folder: tempfile::TempDir,
        path: PathBuf,
        url: String,
    }

    impl DamagedDatabase {
        async fn with_version(version: i64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("rollcall.db");
            let url = format!("sqlite://{}", path.display());
            Store::open(&url).await.unwrap().close().await;
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let fill = format!(
                "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
                 SELECT randomblob(3000) AS bytes FROM n;
                 PRAGMA user_version = {version}"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(fill))
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            let middle = file.metadata().unwrap().len() / 2 / 4096 * 4096;
            file.write_all_at(&[0xA5; 4096], middle).unwrap();
            Self {
                _folder: folder,
                path,
                url,
            }
        }

        fn bytes(&self) -> Vec<u8> {
            std::fs::read(&self.path).unwrap()
        }
    }

    async fn write(store: &Store) -> Result<(), StoreError> {
        let work = store.writer.transact::<(), StoreError>(|tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO job_runs (name, started_at, finished_at, summary) VALUES ('late', 0, 0, '')")
                    .execute(&mut *tx.connection)
                    .await?;
                Ok(())
            })
        });
        work.await
    }

    #[test]
    fn a_file_is_examined_before_a_migration_and_at_the_start_of_the_bot() {
        use Examination::{InBackground, Never, Now};

        const NEWEST: i64 = 105;
        for (bytes, version, limit, expected) in [
            (1000, NEWEST, Some(1000), Now),
            (1001, NEWEST, Some(1000), InBackground),
            (1001, NEWEST - 1, Some(1000), Now),
            (1001, 0, Some(1000), InBackground),
            (1000, NEWEST + 1, Some(1000), Now),
            (1000, NEWEST, None, Never),
            (1000, NEWEST - 1, None, Now),
            (1000, 0, None, Never),
        ] {
            let facts = FileFacts { bytes, version };
            assert_eq!(
                examination(facts, NEWEST, limit),
                expected,
                "{facts:?} {limit:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_damaged_file_up_to_the_limit_is_refused_and_left_unchanged() {
        let database = DamagedDatabase::with_version(newest_version()).await;
        let before = database.bytes();
        let limit = Some(before.len() as u64);
        let error = Store::open_with(&database.url, limit).await.unwrap_err();
        assert!(matches!(error, StoreError::DamagedFile { .. }), "{error}");
        assert!(error.to_string().contains("page"), "{error}");
        assert!(database.bytes() == before);
    }

    #[tokio::test]
    async fn a_larger_damaged_file_is_found_in_the_background_and_written_no_longer() {
        let database = DamagedDatabase::with_version(newest_version()).await;
        let limit = Some(database.bytes().len() as u64 - 1);
        let store = Store::open_with(&database.url, limit).await.unwrap();
        write(&store).await.unwrap();
        let before = database.bytes();
        let examination = store.examine_in_background().unwrap();
        let error = store.damage_found().await;
        assert!(matches!(error, StoreError::DamagedFile { .. }), "{error}");
        let refused = write(&store).await.unwrap_err();
        assert_eq!(refused.to_string(), error.to_string());
        assert!(store.writer.is_failing());
        drop(examination);
        store.close().await;
        assert!(database.bytes() == before, "the log was moved into it");
    }

    #[tokio::test]
    async fn a_sound_file_is_not_examined_twice() {
        let store = crate::store::testing::TestStore::open().await;
        let url = store.url();
        let again = Store::open_with(&url, Some(EXAMINED_BEFORE_START))
            .await
            .unwrap();
        assert!(again.examine_in_background().is_none());
        assert!(again.damage().is_none());
    }

    #[tokio::test]
    async fn a_damaged_file_is_neither_migrated_nor_copied() {
        let database = DamagedDatabase::with_version(newest_version() - 1).await;
        let before = database.bytes();
        let error = Store::open(&database.url).await.unwrap_err();
        assert!(matches!(error, StoreError::DamagedFile { .. }), "{error}");
        assert!(database.bytes() == before);
        let copy = format!("{}.v{}", database.path.display(), newest_version() - 1);
        assert!(!Path::new(&copy).exists());
    }

    #[tokio::test]
    async fn a_statement_that_meets_a_damaged_page_ends_all_writing() {
        let database = DamagedDatabase::with_version(newest_version()).await;
        let store = Store::open(&database.url).await.unwrap();
        write(&store).await.unwrap();
        let before = database.bytes();
        let read = sqlx::query("SELECT SUM(LENGTH(bytes)) FROM filler WHERE bytes <> x'00'");
        read.execute(&store.reader.pool).await.unwrap_err();
        let refused = write(&store).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::DamagedFile { .. }),
            "{refused}"
        );
        store.close().await;
        assert!(database.bytes() == before);
    }

    #[tokio::test]
    async fn work_that_meets_a_damaged_page_takes_its_group_back() {
        let database = DamagedDatabase::with_version(newest_version()).await;
        let store = Store::open(&database.url).await.unwrap();
        let read = store.writer.transact::<(), StoreError>(|tx| {
            Box::pin(async move {
                let read =
                    sqlx::query("SELECT SUM(LENGTH(bytes)) FROM filler WHERE bytes <> x'00'");
                // Work that ignores the error must not be committed either.
                let _ = read.execute(&mut *tx.connection).await;
                Ok(())
            })
        });
        let (before, read, after) = tokio::join!(write(&store), read, write(&store));
        assert!(before.is_err() && read.is_err() && after.is_err());
        let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM job_runs WHERE name = 'late'")
            .fetch_one(&store.reader.pool)
            .await
            .unwrap();
        assert_eq!(rows, 0);
        store.close().await;
    }

    #[tokio::test]
    async fn a_file_that_ends_within_a_page_is_damaged_unless_the_page_is_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        let url = format!("sqlite://{}", path.display());
        Store::open(&url).await.unwrap().close().await;
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let whole = file.metadata().unwrap().len();
        // Bytes beyond the pages that the header counts are ignored by SQLite, so nothing is missing here.
        file.set_len(whole + 100).unwrap();
        let mut connection = open_read_only(&path).await.unwrap();
        let found = findings(&mut connection, &path).await.unwrap();
        assert_eq!(found.as_deref(), Some("the file ends within a page"));
        let log = folder.path().join("rollcall.db-wal");
        std::fs::write(log, "frames").unwrap();
        assert!(!is_cut_within_a_page(&mut connection, &path).await.unwrap());
    }
}
