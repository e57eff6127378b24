//! Rows that cannot be read. One of them never affects another: lists skip it, and it is logged and counted once.
//!
//! Rollcall writes no such row. They come from tools that change the database, from damage on a disk, or from an older
//! version that checked less.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use strum::{IntoStaticStr, VariantArray};

use crate::store::StoreError;
use crate::store::engine::watched::WatchedPool;

/// The maximum number of unreadable rows that are remembered; more are skipped without a line in the log.
const MOST: usize = 10_000;

/// Rows that `UnreadableRows::search` has in memory at once: there may be 100,000 endpoints.
const BATCH: u32 = 500;

/// Tables whose rows are read one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(in crate::store) enum StoredTable {
    Monitors,
    Webhooks,
    Destinations,
    Silences,
    ApiKeys,
    Incidents,
    Outages,
    Events,
    ServerLimits,
    Objectives,
    SummarySchedules,
}

impl StoredTable {
    /// The column of a query that holds the id of the row.
    const fn id_column(self) -> &'static str {
        match self {
            Self::Webhooks => "webhook_id",
            _ => "id",
        }
    }
}

/// A row by its table and its id. The ids of API keys are text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RowName {
    table: StoredTable,
    id: String,
}

/// The unreadable rows that have been found since the start.
#[derive(Clone, Debug, Default)]
pub struct UnreadableRows(Arc<Mutex<BTreeSet<RowName>>>);

impl UnreadableRows {
    /// Reads each row and skips those that cannot be read.
    ///
    /// # Errors
    /// Errors that are not about a single row.
    pub(in crate::store) fn skip<T>(
        &self,
        table: StoredTable,
        rows: &[SqliteRow],
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut readable = Vec::with_capacity(rows.len());
        for row in rows {
            match read(row) {
                Ok(value) => readable.push(value),
                Err(error) if is_about_row(&error) => self.add(table, row_id(row, table), &error),
                Err(error) => return Err(error),
            }
        }
        Ok(readable)
    }

    /// Reads the rows of a view in the order of their ids, a batch at a time, only to find those that cannot be read.
    pub(in crate::store) async fn search<T>(
        &self,
        pool: &WatchedPool,
        view: &'static str,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<(), StoreError> {
        let mut after = 0_i64;
        loop {
            let sql = format!("SELECT * FROM {view} WHERE id > $1 ORDER BY id LIMIT $2");
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(after)
                .bind(BATCH)
                .fetch_all(pool)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.try_get("id")?;
            self.skip(StoredTable::Monitors, &rows, &read)?;
        }
    }

    /// Records a row that cannot be read. The first time, its id is logged, but never its content, which may be secret.
    fn add(&self, table: StoredTable, id: String, error: &StoreError) {
        let mut known = self.known();
        let name = RowName { table, id };
        if known.len() >= MOST || known.contains(&name) {
            return;
        }
        let (table, id) = (name.table.into_str(), &name.id);
        tracing::error!(table, id, %error, "unreadable row skipped");
        known.insert(name);
    }

    /// Number of unreadable rows.
    pub fn count(&self) -> usize {
        self.known().len()
    }

    /// Forgets the rows that have been removed since they were found.
    pub(in crate::store) async fn forget_removed(
        &self,
        pool: &WatchedPool,
    ) -> Result<(), StoreError> {
        let known = self.known().clone();
        for name in known {
            let sql = format!("SELECT 1 FROM {} WHERE id = $1", name.table.into_str());
            let found = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(&name.id)
                .fetch_optional(pool)
                .await?;
            if found.is_none() {
                self.known().remove(&name);
            }
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<RowName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error is about one value of one row.
fn is_about_row(error: &StoreError) -> bool {
    match error {
        StoreError::Damaged(_) => true,
        StoreError::Sql(error) => matches!(
            **error,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)
        ),
        _ => false,
    }
}

/// The id of a row as text.
fn row_id(row: &SqliteRow, table: StoredTable) -> String {
    let column = table.id_column();
    let number = row.try_get::<i64, _>(column).map(|id| id.to_string());
    number
        .or_else(|_| row.try_get::<String, _>(column))
        .unwrap_or_else(|_| "?".to_owned())
}
