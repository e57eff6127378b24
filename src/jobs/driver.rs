//! Runs a periodic job: no overlap, a panic ends one run and not the job, the last run is kept for people to see.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::{Context, Job};
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::store::StoreError;
use crate::store::job_run::{self, JobRun};

/// A run that has brought the same as the last one is noted no more often than this: each note is a commit, and some jobs run
/// every few seconds.
const NOTED_AGAIN: Duration = Duration::from_secs(60);

/// Runs `job` at its period, counted from its last run, also one before a restart.
pub(super) async fn drive(job: Job, context: Context, mut stop: watch::Receiver<bool>) {
    let mut wait = first_wait(&job, &context).await;
    let mut noted = None;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(wait) => {}
        }
        let run = run_once(&job, &context, &mut noted);
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            took = run => wait = job.period.saturating_sub(took),
        }
    }
}

/// A restart does not bring a run forward, and does not lose one either.
async fn first_wait(job: &Job, context: &Context) -> Duration {
    match job_run::last(&context.store.reader, job.name).await {
        Ok(Some(last)) => job
            .period
            .saturating_sub(context.checks.clock.now().since(last.started_at)),
        Ok(None) => Duration::ZERO,
        Err(error) => {
            tracing::warn!(job = job.name, %error, "the last run of a job cannot be read; it runs now");
            Duration::ZERO
        }
    }
}

/// What was noted of a job last, and when.
type Noted = Option<(Stopwatch, String)>;

async fn run_once(job: &Job, context: &Context, noted: &mut Noted) -> Duration {
    let stopwatch = Stopwatch::start();
    let started_at = context.checks.clock.now();
    let result = AssertUnwindSafe((job.run)(context)).catch_unwind().await;
    let took = stopwatch.elapsed();
    let summary = match result {
        Ok(Ok(summary)) => summary,
        Ok(Err(error)) => failed(job, context, &error.to_string()),
        Err(_) => failed(job, context, "it panicked"),
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
    let is_known = noted
        .as_ref()
        .is_some_and(|(since, last)| *last == summary && since.elapsed() < NOTED_AGAIN);
    if job.period >= NOTED_AGAIN || !is_known {
        note(job, context, (started_at, summary.clone())).await;
        *noted = Some((Stopwatch::start(), summary));
    }
    took
}

async fn note(job: &Job, context: &Context, (started_at, summary): (Timestamp, String)) {
    let run = JobRun {
        started_at,
        finished_at: context.checks.clock.now(),
        summary,
    };
    let name = job.name;
    let saved: Result<(), StoreError> = context
        .store
        .writer
        .transact(move |tx| Box::pin(async move { job_run::save(tx, name, &run).await }))
        .await;
    if let Err(error) = saved {
        tracing::warn!(job = name, %error, "the run of a job could not be noted");
    }
}

fn failed(job: &Job, context: &Context, reason: &str) -> String {
    context
        .metrics
        .job_failures
        .with_label_values(&[job.name])
        .inc();
    tracing::error!(
        job = job.name,
        reason,
        "a job failed; it runs again at its next period"
    );
    format!("failed: {reason}")
}
