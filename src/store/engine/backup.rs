//! Copies of the database: on request, and before a migration changes an existing database.
//!
//! A copy is written to `<file>.partial` and gets its name only when it is complete. So a copy that fails, or whose process
//! is killed, never looks like a backup, and the next attempt replaces it.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;

use crate::private_files;
use crate::store::StoreError;

/// Copies the database to a new file, also while others write.
pub(in crate::store) async fn to_new_file(
    connection: &mut SqliteConnection,
    file: &Path,
) -> Result<(), StoreError> {
    refuse_existing(file)?;
    copy(connection, file).await
}

/// Copies the database next to itself if a migration to `newest` is about to change it. A copy from an earlier attempt is
/// kept, because it is older. New databases have no version yet, and need no copy.
pub(super) async fn before_migration(
    connection: &mut SqliteConnection,
    path: &Path,
    newest: i64,
) -> Result<(), StoreError> {
    let version: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *connection)
        .await?;
    let file = copy_of(path, version);
    if version == 0 || version >= newest || file.exists() {
        return Ok(());
    }
    copy(connection, &file).await?;
    tracing::info!(file = %file.display(), "backed up the database before its migration");
    Ok(())
}

/// `rollcall.db` of version 100 is copied to `rollcall.db.v100`.
fn copy_of(path: &Path, version: i64) -> PathBuf {
    with_suffix(path, &format!(".v{version}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Takes a consistent copy. Nothing of it remains if it fails.
async fn copy(connection: &mut SqliteConnection, file: &Path) -> Result<(), StoreError> {
    let partial = Partial::create(file)?;
    let name = partial
        .path
        .to_str()
        .ok_or_else(|| refuse(file, "its name is not UTF-8"))?;
    // It accepts an empty file, and gives its journal the mode of that file.
    let copied = sqlx::query("VACUUM INTO $1")
        .bind(name)
        .execute(connection)
        .await;
    copied.map_err(|error| refuse(file, &error.to_string()))?;
    partial.publish(file)
}

/// A copy that is being written, for its owner only. Removed when dropped, with its journal.
struct Partial {
    path: PathBuf,
    /// Its lock shows another process that this copy is in progress.
    opened: File,
}

impl Partial {
    fn create(file: &Path) -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| refuse(file, &private_files::reason(&error));
        let path = with_suffix(file, ".partial");
        match File::open(&path) {
            Ok(left_over) => {
                lock(&left_over, file)?;
                remove(&path).map_err(failed)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let opened = private_files::options().create_new(true).open(&path);
        let opened = opened.map_err(failed)?;
        lock(&opened, file)?;
        Ok(Self { path, opened })
    }

    /// Gives the complete copy its name, without replacing a file that has it.
    fn publish(self, file: &Path) -> Result<(), StoreError> {
        let failed = |error: std::io::Error| refuse(file, &private_files::reason(&error));
        self.opened.sync_all().map_err(failed)?;
        match std::fs::hard_link(&self.path, file) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => refuse_existing(file),
            // Not every file system has hard links.
            Err(_) => {
                refuse_existing(file)?;
                std::fs::rename(&self.path, file).map_err(failed)
            }
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "cannot remove an incomplete backup");
        }
    }
}

/// Refuses if another process is writing the copy.
fn lock(partial: &File, file: &Path) -> Result<(), StoreError> {
    match partial.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(refuse(file, "another process is writing it")),
        Err(TryLockError::Error(error)) => Err(refuse(file, &error.to_string())),
    }
}

/// Removes an incomplete copy and the journal beside it, as far as they exist.
fn remove(partial: &Path) -> std::io::Result<()> {
    for path in [with_suffix(partial, "-journal"), partial.to_path_buf()] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn refuse_existing(file: &Path) -> Result<(), StoreError> {
    let reason = "the file already exists, and Rollcall does not overwrite it";
    match std::fs::symlink_metadata(file) {
        Ok(_) => Err(refuse(file, reason)),
        Err(_) => Ok(()),
    }
}

fn refuse(file: &Path, reason: &str) -> StoreError {
    StoreError::Backup {
        path: file.display().to_string(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;
    use crate::store::Store;
    use crate::store::engine::sqlite::newest_version;

    async fn database(folder: &Path) -> SqliteConnection {
        let url = format!("sqlite://{}", folder.join("rollcall.db").display());
        Store::open(&url).await.unwrap().close().await;
        SqliteConnection::connect(&url).await.unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("copy")).collect()
    }

    #[tokio::test]
    async fn what_an_interrupted_copy_has_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = database(folder.path()).await;
        let file = folder.path().join("copy.db");
        for left_over in ["copy.db.partial", "copy.db.partial-journal"] {
            std::fs::write(folder.path().join(left_over), "half a copy").unwrap();
        }
        to_new_file(&mut connection, &file).await.unwrap();
        assert_eq!(names(folder.path()), ["copy.db"]);
        let mode = std::fs::metadata(&file).unwrap().permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode);
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_copy_in_progress_is_not_disturbed() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = database(folder.path()).await;
        let file = folder.path().join("copy.db");
        let other = Partial::create(&file).unwrap();
        let refused = to_new_file(&mut connection, &file).await.unwrap_err();
        assert!(refused.to_string().contains("another process"), "{refused}");
        assert!(other.path.exists());
        drop(other);
        to_new_file(&mut connection, &file).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_appears_during_the_copy_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = database(folder.path()).await;
        let file = folder.path().join("copy.db");
        let partial = Partial::create(&file).unwrap();
        std::fs::write(&file, "precious").unwrap();
        partial.publish(&file).unwrap_err();
        to_new_file(&mut connection, &file).await.unwrap_err();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
        assert_eq!(names(folder.path()), ["copy.db"]);
    }

    #[tokio::test]
    async fn a_migration_is_preceded_by_one_private_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        let url = format!("sqlite://{}", path.display());
        Store::open(&url).await.unwrap().close().await;
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let copies = || {
            let names = std::fs::read_dir(folder.path()).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.contains(".v")).collect::<Vec<_>>()
        };
        let newest = newest_version();
        before_migration(&mut connection, &path, newest)
            .await
            .unwrap();
        assert_eq!(copies(), [] as [&str; 0], "the version is current");
        let expected = format!("rollcall.db.v{newest}");
        // What a crash in the middle of an earlier copy has left.
        std::fs::write(folder.path().join(format!("{expected}.partial")), "half").unwrap();
        for _ in 0..2 {
            before_migration(&mut connection, &path, newest + 1)
                .await
                .unwrap();
            assert_eq!(copies(), [expected.as_str()]);
        }
        let copy = folder.path().join(&expected);
        let metadata = std::fs::metadata(&copy).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        assert_eq!(mode & 0o777, 0o600);
        let url = format!("sqlite://{}", copy.display());
        Store::open(&url).await.unwrap().close().await;
    }
}
