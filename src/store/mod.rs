//! The only code with SQL: one file per table, functions named after the data that they read or change.
//!
//! SQLite allows one writer at a time, so there is one `Writer`. A function that writes takes its transaction (`Tx`), so
//! it cannot be given the read pool by mistake. Every commit that wrote an event sends a signal (`Store::bell`). Jobs
//! wait for it and then query the store, so a missed signal costs a short delay and never a change.

pub mod api_key;
pub mod devices;
pub mod endpoints;
mod engine;
pub mod event;
pub mod guild;
pub mod history;
pub mod incidents;
pub mod job_run;
pub mod monitors;
pub mod notifications;
pub mod servers;
pub mod silences;
pub mod status_pages;
#[cfg(test)]
pub mod testing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteQueryResult;
use tokio::sync::watch;

use engine::damage::Damage;
use engine::integrity::{self, Examination, SizeLimit};
use engine::unreadable::UnreadableRows;
use engine::watched::{WatchedConnection, WatchedPool};
use engine::{backup, sqlite, usage};
use monitors::{monitor_name, monitor_state};
use servers::first_reports::FirstReports;

use crate::domain::discord_id::GuildId;
use crate::domain::notifications::storage_limit::UsageKind;

pub use engine::integrity::BackgroundExamination;
pub use engine::lock::InstanceLock;
pub use engine::storage_room::{MeasuredRoom, StorageRoom};
pub use engine::usage::mark_announced as mark_storage_limit_announced;
pub use engine::writer::{Tx, Writer};

/// The target under which sqlx logs statements, at `debug`, or at `warn` if one took a second.
pub const STATEMENT_LOG: &str = "sqlx::query";

/// Database errors, worded for the operator.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("DATABASE_URL is not a SQLite address ({0}). Example: sqlite://data/rollcall.db")]
    Address(String),
    #[error(
        "there is no database {0}. `rollcall run` creates it. If Rollcall runs already, start this command in the same folder and with the same DATABASE_URL"
    )]
    Missing(String),
    #[error("the database file {path} cannot be opened: {reason}")]
    Open { path: String, reason: String },
    #[error(
        "{0} is not a SQLite database, or its beginning is damaged. Choose another file in DATABASE_URL, or restore a backup"
    )]
    NotADatabase(String),
    #[error("the backup {path} cannot be written: {reason}")]
    Backup { path: String, reason: String },
    #[error("{0} belongs to another program; choose another file in DATABASE_URL")]
    Foreign(String),
    #[error(
        "{0} was written by a newer Rollcall; start that version, or restore a backup made before the upgrade"
    )]
    Newer(String),
    #[error(
        "This database was made by a pre-release of Rollcall. Start with a new file, or export the endpoints with the old binary first."
    )]
    PreRelease,
    #[error(
        "another Rollcall process uses {0}; stop it first, or choose another file in DATABASE_URL"
    )]
    Running(String),
    #[error(
        "the SQLite engine is {0}; 3.51.3 or newer is needed, because older ones can lose committed changes"
    )]
    Engine(String),
    #[error("the migration of the database failed: {0}")]
    Migration(String),
    #[error(
        "the database file {path} is damaged, and Rollcall writes nothing more to it. To restore it, stop Rollcall, replace the file with a backup (made by `rollcall backup`, or {path}.v… made before an upgrade), delete {path}-wal and {path}-shm, and start Rollcall again. Found: {findings}"
    )]
    DamagedFile { path: String, findings: String },
    #[error("the database reported an error: {0}")]
    Sql(Arc<sqlx::Error>),
    #[error("a stored value cannot be read: {0}")]
    Damaged(String),
    #[error(
        "this Discord server has reached its limit of {limit} changes a day; it can make more after midnight UTC"
    )]
    TooManyChanges {
        limit: u32,
        retry_after_seconds: u32,
    },
    #[error("the database rejected the change; nothing was written")]
    NotWritten,
    #[error("the database is being closed")]
    Closed,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(Arc::new(error))
    }
}

/// What a statement about one row did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Changed,
    /// No row was changed; the function says why.
    Nothing,
}

impl Effect {
    fn of(result: &SqliteQueryResult) -> Self {
        match result.rows_affected() {
            0 => Self::Nothing,
            _ => Self::Changed,
        }
    }
}

/// The longest that a database that works takes to answer a query. A disk that hangs returns no error.
const ALIVE_WITHIN: Duration = Duration::from_secs(5);

/// The read side: a small pool of connections that cannot write.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: WatchedPool,
    unreadable: UnreadableRows,
    path: Arc<PathBuf>,
}

/// An open database.
#[derive(Clone, Debug)]
pub struct Store {
    pub reader: Reader,
    pub writer: Writer,
    /// What is still stored, as the database was last measured.
    pub room: MeasuredRoom,
    /// Who waits for the first report of a server.
    pub first_reports: FirstReports,
    bell: watch::Receiver<u64>,
    damage: Damage,
    examination: Examination,
}

impl Store {
    /// Opens the database at `url` (`sqlite://path`) for a one-shot command, creating and migrating it where needed. A
    /// damaged file is refused if it would be migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, None).await
    }

    /// Opens the database for the bot. A damaged file is refused, unless it is so large that it is examined later; see
    /// `examine_in_background`.
    pub async fn open_for_run(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, Some(integrity::EXAMINED_BEFORE_START)).await
    }

    async fn open_with(url: &str, limit: SizeLimit) -> Result<Self, StoreError> {
        let path = sqlite::path_of(url)?;
        sqlite::refuse_pre_release(&path)?;
        let examination = integrity::before_writing(&path, limit).await?;
        let connection = sqlite::open_for_writing(&path).await?;
        let damage = Damage::none_known(&path);
        let pool = WatchedPool {
            pool: sqlite::open_for_reading(&path).await?,
            damage: damage.clone(),
        };
        let (bell_sender, bell) = watch::channel(0);
        let room = MeasuredRoom::default();
        let write_connection = WatchedConnection {
            connection,
            damage: damage.clone(),
        };
        let writer = Writer::start(write_connection, room.clone(), bell_sender);
        let store = Self {
            reader: Reader {
                pool,
                unreadable: UnreadableRows::default(),
                path: Arc::new(path),
            },
            writer,
            room,
            first_reports: FirstReports::default(),
            bell,
            damage,
            examination,
        };
        store
            .writer
            .transact::<_, StoreError>(|tx| Box::pin(complete(tx)))
            .await?;
        Ok(store)
    }

    /// # Errors
    /// `Missing` if there is no file of that name.
    pub fn must_exist(url: &str) -> Result<(), StoreError> {
        let path = sqlite::path_of(url)?;
        match path.try_exists() {
            Ok(false) => Err(StoreError::Missing(path.display().to_string())),
            // What else is wrong with it shows when it is opened.
            _ => Ok(()),
        }
    }

    /// Takes the lock that prevents a second `run` on the same database.
    pub fn lock(url: &str) -> Result<InstanceLock, StoreError> {
        InstanceLock::take(&sqlite::path_of(url)?)
    }

    /// A signal after every commit that wrote an event. It carries no data: receivers query the store.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.bell.clone()
    }

    /// Examines a large file while it is in use; `None` if it was examined before, or need not be.
    pub fn examine_in_background(&self) -> Option<BackgroundExamination> {
        let is_due = self.examination == Examination::InBackground;
        is_due.then(|| BackgroundExamination::start(self.damage.clone()))
    }

    /// The error that says how to restore the database file, if it is known to be damaged. Nothing is written from then on.
    pub fn damage(&self) -> Option<StoreError> {
        self.damage.error()
    }

    /// Waits until the database file is known to be damaged.
    pub async fn damage_found(&self) -> StoreError {
        self.damage.found().await
    }

    /// Writes pending rows from memory, truncates the write-ahead log and closes every connection. If the file is damaged,
    /// it and its log stay as they are.
    pub async fn close(self) {
        let last = match self.damage.is_known() {
            // SQLite moves the log into the file when the last connection is closed, but this one cannot do that.
            true => integrity::open_last(self.damage.path()).await,
            false => None,
        };
        self.writer.close().await;
        self.reader.pool.pool.close().await;
        if let Some(last) = last {
            let _ = last.close().await;
        }
    }
}

/// Completes what a migration in SQL cannot compute, and what was in memory before a crash.
async fn complete(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let renamed = monitor_name::fill_keys(tx).await?;
    if renamed > 0 {
        tracing::info!(renamed, "renamed monitors whose names were taken");
    }
    monitor_state::catch_up(tx).await
}

impl Reader {
    /// A probe whose number changes after every commit, by this process or another.
    ///
    /// Numbers are comparable only within one `ChangeProbe`.
    pub async fn change_probe(&self) -> Result<ChangeProbe, StoreError> {
        Ok(ChangeProbe(self.pool.pool.acquire().await?))
    }

    /// Copies the whole database to `file`, while it is in use. Refuses to overwrite.
    pub async fn backup(&self, file: &std::path::Path) -> Result<(), StoreError> {
        let mut connection = sqlite::open_again(&self.path).await?;
        let copied = backup::to_new_file(&mut connection, file).await;
        connection.close().await?;
        copied
    }

    /// Bytes of the database file and its write-ahead log on disk.
    pub fn size_on_disk(&self) -> u64 {
        let size = |suffix: &str| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(suffix);
            std::fs::metadata(name)
                .map(|metadata| metadata.len())
                .unwrap_or(0)
        };
        size("") + size("-wal")
    }

    /// Bytes of the database that hold data. Pages that became free are used again before the file grows.
    pub async fn used_bytes(&self) -> Result<u64, StoreError> {
        let (pages, free, size): (i64, i64, i64) = sqlx::query_as(
            "SELECT page_count, freelist_count, page_size
             FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok((pages - free).unsigned_abs() * size.unsigned_abs())
    }

    /// Number of rows of each kind that were deleted because their guild had too many.
    pub async fn rows_over_limit(&self) -> Result<Vec<(UsageKind, u64)>, StoreError> {
        usage::deleted_rows(&self.pool).await
    }

    /// Guilds that have reached a storage limit and do not know it yet.
    pub async fn unannounced_storage_limits(
        &self,
    ) -> Result<Vec<(GuildId, UsageKind)>, StoreError> {
        usage::unannounced(&self.pool).await
    }

    /// Number of rows that cannot be read, as far as is known; see `UnreadableRows`.
    pub fn unreadable_rows(&self) -> usize {
        self.unreadable.count()
    }

    /// Reads every row of the tables whose content could be unreadable, so that `unreadable_rows` knows them, and forgets
    /// those that have been removed.
    pub async fn find_unreadable_rows(&self) -> Result<(), StoreError> {
        self.unreadable.forget_removed(&self.pool).await?;
        endpoints::endpoint::find_unreadable(self).await?;
        devices::device::find_unreadable(self).await?;
        servers::server::list(self, None).await?;
        silences::silence::maintenance(self, None).await?;
        notifications::webhook::all(self).await?;
        api_key::list(self, None).await?;
        Ok(())
    }

    /// Checks that the database answers a query, and does so in time.
    pub async fn is_alive(&self) -> Result<(), StoreError> {
        let asked = sqlx::query("SELECT 1").execute(&self.pool);
        let answered = tokio::time::timeout(ALIVE_WITHIN, asked).await;
        let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        answered.map_err(late)??;
        Ok(())
    }
}

/// Holds one read connection to detect commits of other processes.
#[derive(Debug)]
pub struct ChangeProbe(sqlx::pool::PoolConnection<sqlx::Sqlite>);

impl ChangeProbe {
    /// The current number; see `Reader::change_probe`.
    pub async fn version(&mut self) -> Result<i64, StoreError> {
        sqlite::data_version(&mut *self.0).await
    }
}
