//! Rechecks every inactive endpoint that was not checked for a while, so that recoveries are detected.
//!
//! This is a job and not part of the scheduler, because the scheduler's doubling gaps end at the job's period: from then on
//! all offline endpoints are checked in one run, with its own concurrency limit, and one line summarizes the run.

use crate::actions::endpoints::recheck;
use crate::clock::Stopwatch;
use crate::domain::event::Actor;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "recheck";

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let stopwatch = Stopwatch::start();
    let run = recheck::Run {
        guild: None,
        options: context.scheduling.recheck,
        actor: Actor::System,
    };
    let done = recheck::all_due(&context.checks, &context.store.reader, run, |_, _| {}).await?;
    let seconds = stopwatch.elapsed().as_secs_f64();
    let summary = format!(
        "found {}, reactivated {}, still offline {}, {seconds:.1} s",
        done.found, done.reactivated, done.still_offline
    );
    tracing::info!(
        found = done.found,
        reactivated = done.reactivated,
        still_offline = done.still_offline,
        seconds,
        "recheck finished"
    );
    Ok(summary)
}
