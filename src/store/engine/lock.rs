//! Prevents a second `run` on the same database with an operating-system lock on a file next to it. The lock is released
//! when the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

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
        if let Some(folder) = database
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|error| refuse(error.to_string()))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(|error| refuse(format!("its lock file cannot be opened: {error}")))?;
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
