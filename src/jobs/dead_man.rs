//! The dead-man ping: sent only while everything that Rollcall is for has turned over lately, so that silence outside
//! means trouble here.

use std::time::Duration;

use super::Context;
use crate::domain::text;
use crate::notify::dead_man::Switch;
use crate::store::StoreError;
use crate::store::job_run::{self, JobRun};
use crate::vitals::Part;

pub(super) const NAME: &str = "dead_man";

/// What has not turned over for this long keeps the ping back.
const LATELY: Duration = Duration::from_secs(60);

/// Every part turns over within this time after the start.
const FIRST_TURNS: Duration = Duration::from_secs(10);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let Some(switch) = &context.dead_man else {
        return Ok("nobody expects it".to_owned());
    };
    commit(context).await?;
    let waited = tokio::time::timeout(FIRST_TURNS, first_turns(context));
    // Not within that time: then it is told below.
    let _ = waited.await;
    if let Some(part) = stuck(context) {
        let message = format!(
            "no sign of life was sent: the {} has not turned over within {}",
            part.word(),
            text::duration(LATELY)
        );
        tracing::warn!("{message}");
        return Ok(message);
    }
    Ok(ping(switch).await)
}

/// Waits until every part has turned over for the first time: the first sign of life comes soon after the start.
async fn first_turns(context: &Context) {
    while context.vitals.uptime() < FIRST_TURNS && stuck(context).is_some() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A real commit: the database is well only where that ends.
async fn commit(context: &Context) -> Result<(), StoreError> {
    let now = context.checks.clock.now();
    let run = JobRun {
        started_at: now,
        finished_at: now,
        summary: "asking every part".to_owned(),
    };
    let written: Result<(), StoreError> = context
        .store
        .writer
        .transact(move |tx| Box::pin(async move { job_run::save(tx, NAME, &run).await }))
        .await;
    written?;
    context.vitals.turned(Part::Database);
    Ok(())
}

/// A part that has not turned over lately, or not since the start. Without a token there is no sender.
fn stuck(context: &Context) -> Option<Part> {
    Part::ALL
        .iter()
        .copied()
        .filter(|part| *part != Part::Sender || context.gateway.is_on)
        .find(|part| !context.vitals.has_turned_within(*part, LATELY))
}

async fn ping(switch: &Switch) -> String {
    let sent = switch.ping().await;
    let is_first_failure = switch.begins_to_fail(sent.is_err());
    match sent {
        Ok(()) => "sent".to_owned(),
        Err(error) => {
            if is_first_failure {
                tracing::warn!(
                    "The dead-man ping does not arrive: {error}; trying again each time it is due"
                );
            }
            error.to_string()
        }
    }
}
