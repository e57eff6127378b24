//! Whether the database file is damaged. Once that is known, nothing more is written: each further write could destroy what
//! can still be saved. It is found by `integrity.rs`, or by any statement that meets a damaged page.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::store::StoreError;

/// The primary result codes of SQLite for a damaged file (sqlite.org/rescode.html): `SQLITE_CORRUPT` and `SQLITE_NOTADB`. The
/// lowest byte of an extended code is its primary code.
const DAMAGE_CODES: [u32; 2] = [11, 26];

/// What is known about the file of one database; shared by all its connections.
#[derive(Clone, Debug)]
pub(in crate::store) struct Damage {
    path: Arc<Path>,
    findings: Arc<watch::Sender<Option<String>>>,
}

impl Damage {
    pub fn none_known(path: &Path) -> Self {
        Self {
            path: path.into(),
            findings: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Examines the error of a statement.
    pub fn examine(&self, error: &sqlx::Error) {
        if is_damage(error) {
            self.report(message(error));
        }
    }

    /// Marks the file as damaged. What was found first is kept.
    pub fn report(&self, findings: String) {
        let is_first = self.findings.send_if_modified(|known| {
            let is_first = known.is_none();
            known.get_or_insert(findings);
            is_first
        });
        if let Some(error) = self.error().filter(|_| is_first) {
            tracing::error!("{error}");
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn is_known(&self) -> bool {
        self.findings.borrow().is_some()
    }

    /// The error for everything that would write; `None` while no damage is known.
    pub fn error(&self) -> Option<StoreError> {
        let findings = self.findings.borrow().clone();
        findings.map(|findings| damaged(&self.path, findings))
    }

    /// Waits until the file is known to be damaged.
    pub async fn found(&self) -> StoreError {
        let mut findings = self.findings.subscribe();
        match findings.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(findings)) => damaged(&self.path, findings.clone()),
            // Not reached: the sender is dropped with `self`.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

/// The error that says how to restore the file.
pub(super) fn damaged(path: &Path, findings: String) -> StoreError {
    StoreError::DamagedFile {
        path: path.display().to_string(),
        findings,
    }
}

/// The message of SQLite without what sqlx adds.
pub(super) fn message(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    }
}

/// Whether SQLite reports with this error that the file is damaged.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(is_damage_code)
}

fn is_damage_code(code: u32) -> bool {
    DAMAGE_CODES.contains(&(code & 0xFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_of_a_damaged_file_are_damage() {
        for (code, expected) in [
            (11, true),
            (26, true),
            // Extended codes: SQLITE_CORRUPT_VTAB, SQLITE_CORRUPT_SEQUENCE, SQLITE_CORRUPT_INDEX.
            (267, true),
            (523, true),
            (779, true),
            // A general error, busy, an I/O error, a short read, a full disk, a violated constraint.
            (1, false),
            (5, false),
            (10, false),
            (522, false),
            (13, false),
            (2067, false),
        ] {
            assert_eq!(is_damage_code(code), expected, "{code}");
        }
    }

    #[tokio::test]
    async fn the_first_findings_are_kept() {
        let damage = Damage::none_known(Path::new("/data/rollcall.db"));
        assert!(!damage.is_known() && damage.error().is_none());
        damage.report("page 7 is noise".to_owned());
        damage.report("page 8 is noise".to_owned());
        let (known, waited) = (damage.error().unwrap(), damage.found().await);
        assert_eq!(known.to_string(), waited.to_string());
        insta::assert_snapshot!(known, @"the database file /data/rollcall.db is damaged, and Rollcall writes nothing more to it. To restore it, stop Rollcall, replace the file with a backup (made by `rollcall backup`, or /data/rollcall.db.v… made before an upgrade), delete /data/rollcall.db-wal and /data/rollcall.db-shm, and start Rollcall again. Found: page 7 is noise");
    }
}
