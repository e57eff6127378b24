//! The hourly recheck: every inactive endpoint that nobody has looked at for a while, so that what comes back is found.
//!
//! It is a job and not a matter of the scheduler, because the doubling gaps end at its period: from then on all that is
//! down is looked at in one go, with a limit of its own, and the run can be told in one line.

use super::Context;
use crate::actions::recheck;
use crate::clock::Stopwatch;
use crate::domain::event::Actor;
use crate::store::StoreError;

pub(super) const NAME: &str = "recheck";

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let stopwatch = Stopwatch::start();
    let run = recheck::Run {
        guild: None,
        options: context.recheck,
        actor: Actor::System,
    };
    let done = recheck::all_overdue(&context.checks, &context.store.reader, run, |_, _| {}).await?;
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
        "Recheck run: {summary}"
    );
    Ok(summary)
}
