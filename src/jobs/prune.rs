//! Retention: what is older than its setting goes, in small batches so that no writer waits long.

use std::time::Duration;

use super::Context;
use crate::domain::Instant;
use crate::store::{StoreError, event, outcome};

pub(super) const NAME: &str = "prune";
pub(super) const PERIOD: Duration = Duration::from_secs(600);

/// Rows per transaction: some milliseconds each.
const BATCH: u32 = 5_000;

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let now = context.looking.clock.now();
    let outcomes = prune_outcomes(context, now.minus(context.retention_outcomes)).await?;
    let events = prune_events(context, now.minus(context.retention_events)).await?;
    let summary = format!("deleted {outcomes} outcomes, {events} events");
    tracing::debug!(outcomes, events, "Prune run: {summary}");
    context
        .metrics
        .database_bytes
        .set(i64::try_from(context.store.reader.size_on_disk()).unwrap_or(i64::MAX));
    Ok(summary)
}

async fn prune_outcomes(context: &Context, before: Instant) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let gone = context
            .store
            .writer
            .transact::<_, StoreError>(move |tx| Box::pin(outcome::prune(tx, before, BATCH)))
            .await?;
        total += gone;
        if gone == 0 {
            return Ok(total);
        }
    }
}

async fn prune_events(context: &Context, before: Instant) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let gone = context
            .store
            .writer
            .transact::<_, StoreError>(move |tx| Box::pin(event::prune(tx, before, BATCH)))
            .await?;
        total += gone;
        if gone == 0 {
            return Ok(total);
        }
    }
}
