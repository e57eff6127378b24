//! Prevents a second `run` on the same database with an operating-system lock on a file next to it. The lock is released
//! when the process ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::private_files;
use crate::store::StoreError;

/// Held while the bot runs on a database. One-shot commands do not take it.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

impl InstanceLock {
    pub(in crate::store) fn take(database: &Path) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Open {
            path: database.display().to_string(),
            reason,
        };
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        private_files::create_folder_of(database)
            .map_err(|error| refuse(private_files::reason(&error)))?;
        let file = private_files::options()
            .create(true)
            .truncate(false)
            .open(&name)
            .map_err(|error| {
                let reason = private_files::reason(&error);
                refuse(format!("its lock file cannot be opened: {reason}"))
            })?;
        // Another user who can open the file could hold the lock, and Rollcall would not start.
        private_files::tighten(&file);
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(StoreError::Running(database.display().to_string()))
            }
            Err(TryLockError::Error(error)) => {
                Err(refuse(format!("its lock file cannot be opened: {error}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_open_the_lock_file_even_if_it_exists_already() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("rollcall.db");
        let file = folder.path().join("rollcall.db.lock");
        for existing in [None, Some(0o644), Some(0o666)] {
            if let Some(mode) = existing {
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            }
            drop(InstanceLock::take(&database).unwrap());
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{existing:?}");
        }
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("rollcall.db");
        let first = InstanceLock::take(&database).unwrap();
        let error = InstanceLock::take(&database).unwrap_err();
        assert!(matches!(error, StoreError::Running(_)), "{error}");
        drop(first);
        InstanceLock::take(&database).unwrap();
    }
}
