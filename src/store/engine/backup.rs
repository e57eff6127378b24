//! Copies of the database: on request, and before a migration changes an existing database.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;

use crate::store::StoreError;

/// Copies the database to a new file, also while others write.
pub(in crate::store) async fn to_new_file(
    connection: &mut SqliteConnection,
    file: &Path,
) -> Result<(), StoreError> {
    if file.exists() {
        let reason = "the file already exists, and Rollcall does not overwrite it";
        return Err(refuse(file, reason));
    }
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
    // The final name appears only when the copy is complete: a crash in between must not look like a copy.
    let partial = file.with_added_extension("partial");
    remove_if_there(&partial)?;
    copy(connection, &partial).await?;
    std::fs::rename(&partial, &file).map_err(|error| refuse(&file, &error.to_string()))?;
    tracing::info!(file = %file.display(), "backed up the database before its migration");
    Ok(())
}

fn remove_if_there(file: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(refuse(file, &error.to_string()))
        }
        _ => Ok(()),
    }
}

/// `rollcall.db` of version 100 is copied to `rollcall.db.v100`.
fn copy_of(path: &Path, version: i64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}"));
    PathBuf::from(name)
}

/// Takes a consistent copy with `VACUUM INTO`, which accepts an empty file. The file is created for its owner only, and
/// removed if the copy fails.
async fn copy(connection: &mut SqliteConnection, file: &Path) -> Result<(), StoreError> {
    let name = file
        .to_str()
        .ok_or_else(|| refuse(file, "its name is not UTF-8"))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .map_err(|error| refuse(file, &error.to_string()))?;
    let copied = sqlx::query("VACUUM INTO $1")
        .bind(name)
        .execute(connection)
        .await;
    if let Err(error) = copied {
        remove_if_there(file)?;
        return Err(refuse(file, &error.to_string()));
    }
    Ok(())
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
