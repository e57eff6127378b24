//! Sends the dead-man ping, but only while every component has made progress recently, so that a missing ping means
//! trouble here.

use std::time::Duration;

use crate::domain::text;
use crate::health::Component;
use crate::jobs::{DeadMan, JobContext};
use crate::notify::dead_man::Switch;
use crate::store::StoreError;
use crate::store::job_run::{self, JobRun};

pub(in crate::jobs) const NAME: &str = "dead_man";

/// A component without progress for this long withholds the ping.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// Every component makes progress within this time after the start.
const FIRST_PROGRESS: Duration = Duration::from_secs(10);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let Some(DeadMan { switch, .. }) = &context.dead_man else {
        return Ok("not configured".to_owned());
    };
    commit(context).await?;
    let waited = tokio::time::timeout(FIRST_PROGRESS, first_progress(context));
    // A timeout is handled below.
    let _ = waited.await;
    if let Some(component) = stalled(context) {
        let message = format!(
            "ping withheld: no progress of the {} within {}",
            component.as_str(),
            text::duration(STALLED_AFTER)
        );
        tracing::warn!(
            component = component.as_str(),
            limit_seconds = STALLED_AFTER.as_secs(),
            "health check ping withheld: a component makes no progress"
        );
        return Ok(message);
    }
    Ok(ping(switch).await)
}

/// Waits for the first progress of every component, so that the first ping is sent soon after the start.
async fn first_progress(context: &JobContext) {
    while context.health.uptime() < FIRST_PROGRESS && stalled(context).is_some() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Writes a real commit: the database is healthy only if it succeeds.
async fn commit(context: &JobContext) -> Result<(), StoreError> {
    let now = context.checks.clock.now();
    let run = JobRun {
        started_at: now,
        finished_at: now,
        summary: "checks every component".to_owned(),
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

/// A component without recent progress, or without any since the start. Without a token there is no sender.
fn stalled(context: &JobContext) -> Option<Component> {
    Component::ALL
        .iter()
        .copied()
        .filter(|component| *component != Component::Sender || context.gateway.is_on)
        .find(|component| {
            !context
                .health
                .has_progressed_within(*component, STALLED_AFTER)
        })
}

async fn ping(switch: &Switch) -> String {
    let sent = switch.ping().await;
    let is_first_failure = switch.begins_to_fail(sent.is_err());
    match sent {
        Ok(()) => "sent".to_owned(),
        Err(error) => {
            if is_first_failure {
                // Only once in a row; the ping is tried again each time it is due.
                tracing::warn!(%error, "cannot send the health check ping");
            }
            error.to_string()
        }
    }
}
