//! The last run of every background job.
//!
//! Jobs that run every few seconds store a run only when its result changes, and once a minute, because each store is a
//! commit. So the process also keeps its own last runs in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Reader, StoreError, Tx};
use crate::domain::Timestamp;

/// The last run of a background job, with its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRun {
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    /// The result in one line, for people.
    pub summary: String,
}

/// The last runs of this process. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct RecentRuns(Arc<Mutex<BTreeMap<&'static str, JobRun>>>);

impl RecentRuns {
    /// Records the run of a job.
    pub fn record(&self, name: &'static str, run: JobRun) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.insert(name, run);
    }

    /// The last run of every job that has run, in this process or before, with the name of the job.
    pub async fn all(&self, reader: &Reader) -> Result<Vec<(String, JobRun)>, StoreError> {
        let mut runs: BTreeMap<String, JobRun> = all(reader).await?.into_iter().collect();
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.extend(
            recent
                .iter()
                .map(|(name, run)| ((*name).to_owned(), run.clone())),
        );
        Ok(runs.into_iter().collect())
    }
}

/// Saves the run of a job and replaces the previous one.
pub async fn save(tx: &mut Tx<'_>, name: &str, run: &JobRun) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO job_runs (name, started_at, finished_at, summary) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at,
            finished_at = excluded.finished_at, summary = excluded.summary",
    )
    .bind(name)
    .bind(run.started_at.millis())
    .bind(run.finished_at.millis())
    .bind(&run.summary)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The last run of a job; `None` before the first.
pub async fn last(reader: &Reader, name: &str) -> Result<Option<JobRun>, StoreError> {
    let row: Option<(i64, i64, String)> =
        sqlx::query_as("SELECT started_at, finished_at, summary FROM job_runs WHERE name = $1")
            .bind(name)
            .fetch_optional(&reader.pool)
            .await?;
    Ok(row.map(|(started_at, finished_at, summary)| JobRun {
        started_at: Timestamp::from_millis(started_at),
        finished_at: Timestamp::from_millis(finished_at),
        summary,
    }))
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    started_at: i64,
    finished_at: i64,
    summary: String,
}

/// The last stored run of every job.
async fn all(reader: &Reader) -> Result<Vec<(String, JobRun)>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as("SELECT * FROM job_runs ORDER BY name")
        .fetch_all(&reader.pool)
        .await?;
    let run = |row: Row| {
        let run = JobRun {
            started_at: Timestamp::from_millis(row.started_at),
            finished_at: Timestamp::from_millis(row.finished_at),
            summary: row.summary,
        };
        (row.name, run)
    };
    Ok(rows.into_iter().map(run).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn only_the_last_run_is_kept() {
        let store = TestStore::open().await;
        let run = |at| JobRun {
            started_at: Timestamp::from_millis(at),
            finished_at: Timestamp::from_millis(at + 1),
            summary: format!("run {at}"),
        };
        for at in [10, 20] {
            store
                .write(move |tx| Box::pin(async move { save(tx, "recheck", &run(at)).await }))
                .await;
        }
        assert_eq!(last(&store.reader, "recheck").await.unwrap(), Some(run(20)));
        assert_eq!(last(&store.reader, "prune").await.unwrap(), None);
        let recent = RecentRuns::default();
        let known = recent.all(&store.reader).await.unwrap();
        assert_eq!(known, [("recheck".to_owned(), run(20))]);
        recent.record("prune", run(25));
        recent.clone().record("recheck", run(30));
        let known = recent.all(&store.reader).await.unwrap();
        let expected = [("prune", run(25)), ("recheck", run(30))];
        assert_eq!(known, expected.map(|(name, run)| (name.to_owned(), run)));
    }
}
