//! Sends the dead-man ping, but only while everything works that `/readyz` asks about, so that a missing ping means trouble
//! here.

use std::time::Duration;

use crate::health::{Fact, OtherFacts};
use crate::jobs::{DeadMan, JobContext};
use crate::notify::dead_man::Switch;
use crate::store::StoreError;
use crate::store::job_run::{self, JobRun};

pub(in crate::jobs) const NAME: &str = "dead_man";

/// Everything works within this time after the start, except for Discord's connection, which has longer.
const WORKS_WITHIN: Duration = Duration::from_secs(10);

/// A commit that takes longer counts as failed. One that waits for the lock of another process fails earlier.
const COMMIT_WITHIN: Duration = Duration::from_secs(10);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let Some(DeadMan { switch, .. }) = &context.dead_man else {
        return Ok("not configured".to_owned());
    };
    let could_write = could_commit(context).await;
    let mut failing = withholding(context, could_write).await;
    // So that the first ping is sent soon after the start.
    while !failing.is_empty() && context.health.uptime() < WORKS_WITHIN {
        tokio::time::sleep(Duration::from_millis(200)).await;
        failing = withholding(context, could_write).await;
    }
    if failing.is_empty() {
        if switch.is_withheld_for("") {
            tracing::info!("health check pings are sent again");
        }
        return Ok(ping(switch).await);
    }
    let failing = failing.join(", ");
    if switch.is_withheld_for(&failing) {
        tracing::warn!(%failing, "health check ping withheld");
    }
    Ok(format!("ping withheld: {failing}"))
}

/// The names of the facts for which no ping is sent.
async fn withholding(context: &JobContext, could_write: bool) -> Vec<&'static str> {
    let facts = context.health.facts(OtherFacts {
        is_database_readable: context.store.reader.is_alive().await.is_ok(),
        is_write_failing: !could_write || context.store.writer.is_failing(),
        is_connectivity_lost: context.checks.is_connectivity_lost(),
        is_name_resolution_lost: context.checks.is_name_resolution_lost(),
    });
    let failing = facts.withholding_ping().into_iter();
    failing.map(Fact::as_str).collect()
}

/// Whether a real commit succeeds: the last change may have been stored a while ago.
async fn could_commit(context: &JobContext) -> bool {
    let now = context.checks.clock.now();
    let run = JobRun {
        started_at: now,
        finished_at: now,
        summary: "checks what must work".to_owned(),
    };
    let writing = context.store.writer.transact::<(), StoreError>(move |tx| {
        Box::pin(async move { job_run::save(tx, NAME, &run).await })
    });
    let written = tokio::time::timeout(COMMIT_WITHIN, writing).await;
    written.is_ok_and(|written| written.is_ok())
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
