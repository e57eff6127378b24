//! Runs a periodic job: runs never overlap, a panic ends one run and not the job, and the last run is stored for display.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::{Job, JobContext};
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::health::DATABASE_PATIENCE;
use crate::store::StoreError;
use crate::store::job_run::{self, JobRun};

/// A run with the same summary as the last stored one is stored at most this often: each store is a commit, and some jobs
/// run every few seconds.
const STORED_AGAIN: Duration = Duration::from_secs(60);

/// How the summary of a run that failed begins.
const FAILED: &str = "failed: ";

/// Runs `job` once per period, counted from its last run, including one before a restart.
pub(super) async fn drive(job: Job, context: JobContext, mut stop: watch::Receiver<bool>) {
    let mut wait = first_wait(&job, &context).await;
    let mut stored = None;
    loop {
        // Between two runs there is nothing that could get stuck.
        let pause = tracked(&job, &context, Duration::MAX, tokio::time::sleep(wait));
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = pause => {}
        }
        let run = run_once(&job, &context, &mut stored);
        let run = tracked(&job, &context, DATABASE_PATIENCE, run);
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            took = run => wait = job.period.saturating_sub(took),
        }
    }
}

/// Does `work`, and counts the wait for it as progress of the job, if the health check asks about it.
async fn tracked<T>(
    job: &Job,
    context: &JobContext,
    patience: Duration,
    work: impl Future<Output = T>,
) -> T {
    match job.component {
        Some(component) => {
            let health = &context.health;
            health.progress_while(component, patience, work).await
        }
        None => work.await,
    }
}

/// The wait before the first run, so that a restart neither hastens nor skips a run.
async fn first_wait(job: &Job, context: &JobContext) -> Duration {
    match job_run::last(&context.store.reader, job.name).await {
        Ok(Some(last)) => {
            if !last.summary.starts_with(FAILED) {
                show_success(job, context, last.finished_at);
            }
            let now = context.checks.clock.now();
            job.period.saturating_sub(now.since(last.started_at))
        }
        Ok(None) => Duration::ZERO,
        Err(error) => {
            tracing::warn!(job = job.name, %error, "cannot read the last run of the job, running it now");
            Duration::ZERO
        }
    }
}

/// The summary stored last for a job, and when.
type Stored = Option<(Stopwatch, String)>;

async fn run_once(job: &Job, context: &JobContext, stored: &mut Stored) -> Duration {
    let stopwatch = Stopwatch::start();
    let started_at = context.checks.clock.now();
    let result = AssertUnwindSafe((job.run)(context)).catch_unwind().await;
    let took = stopwatch.elapsed();
    let finished_at = context.checks.clock.now();
    let summary = match result {
        Ok(Ok(summary)) => {
            show_success(job, context, finished_at);
            summary
        }
        Ok(Err(error)) => failed(job, context, &error.to_string()),
        Err(_) => failed(job, context, "panicked"),
    };
    context
        .metrics
        .job_runs
        .with_label_values(&[job.name])
        .inc();
    context
        .metrics
        .job_last_seconds
        .with_label_values(&[job.name])
        .set(took.as_secs_f64());
    let run = JobRun {
        started_at,
        finished_at,
        summary: summary.clone(),
    };
    context.recent_runs.record(job.name, run.clone());
    let is_known = stored
        .as_ref()
        .is_some_and(|(since, last)| *last == summary && since.elapsed() < STORED_AGAIN);
    if job.period >= STORED_AGAIN || !is_known {
        store_run(job, context, run).await;
        *stored = Some((Stopwatch::start(), summary));
    }
    took
}

async fn store_run(job: &Job, context: &JobContext, run: JobRun) {
    let name = job.name;
    let saved: Result<(), StoreError> = context
        .store
        .writer
        .transact(move |tx| Box::pin(async move { job_run::save(tx, name, &run).await }))
        .await;
    if let Err(error) = saved {
        tracing::warn!(job = name, %error, "cannot store the job run");
    }
}

fn failed(job: &Job, context: &JobContext, reason: &str) -> String {
    context
        .metrics
        .job_failures
        .with_label_values(&[job.name])
        .inc();
    tracing::error!(job = job.name, reason, "job failed");
    format!("{FAILED}{reason}")
}

fn show_success(job: &Job, context: &JobContext, at: Timestamp) {
    let gauge = &context.metrics.job_last_success;
    gauge.with_label_values(&[job.name]).set(at.seconds());
}
