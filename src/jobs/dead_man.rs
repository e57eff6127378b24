//! The dead-man ping: sent only while everything that Rollcall is for has turned over lately, so that silence outside
//! means trouble here.

use std::time::Duration;

use super::Context;
use crate::domain::text;
use crate::health::Component;
use crate::notify::dead_man::Switch;
use crate::store::StoreError;
use crate::store::job_run::{self, JobRun};

pub(super) const NAME: &str = "dead_man";

/// What has not turned over for this long keeps the ping back.
const LATELY: Duration = Duration::from_secs(60);

/// Every part turns over within this time after the start.
const FIRST_PROGRESS: Duration = Duration::from_secs(10);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let Some(switch) = &context.dead_man else {
        return Ok("nobody expects it".to_owned());
    };
    commit(context).await?;
    let waited = tokio::time::timeout(FIRST_PROGRESS, first_progress(context));
    // Not within that time: then it is told below.
    let _ = waited.await;
    if let Some(component) = stuck(context) {
        let message = format!(
            "no sign of life was sent: the {} has not turned over within {}",
            component.word(),
            text::duration(LATELY)
        );
        tracing::warn!("{message}");
        return Ok(message);
    }
    Ok(ping(switch).await)
}

/// Waits until every part has turned over for the first time: the first sign of life comes soon after the start.
async fn first_progress(context: &Context) {
    while context.health.uptime() < FIRST_PROGRESS && stuck(context).is_some() {
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
    context.health.record_progress(Component::Database);
    Ok(())
}

/// A part that has not turned over lately, or not since the start. Without a token there is no sender.
fn stuck(context: &Context) -> Option<Component> {
    Component::ALL
        .iter()
        .copied()
        .filter(|component| *component != Component::Sender || context.gateway.is_on)
        .find(|component| !context.health.has_progressed_within(*component, LATELY))
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
