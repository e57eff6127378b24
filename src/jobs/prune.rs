//! Deletes rows older than their retention setting, in small batches so that no writer waits long.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::JobContext;
use crate::domain::Timestamp;
use crate::domain::history::iso_week::IsoWeek;
use crate::domain::history::server_rollup::RollupStep;
use crate::domain::servers::threshold_proposal;
use crate::store::endpoints::check_result;
use crate::store::history::{
    check_archive, daily_stats, observation_windows, removed_monitor, server_rollups,
};
use crate::store::incidents::{incident, outage};
use crate::store::notifications::delivery;
use crate::store::servers::server;
use crate::store::silences::calendar_event;
use crate::store::{StoreError, Tx, api_key, event};

pub(super) const NAME: &str = "prune";
pub(super) const PERIOD: Duration = Duration::from_secs(600);

/// Rows per transaction; a batch takes a few milliseconds.
const BATCH: u32 = 5_000;

/// Monitors that were removed whose history a guild keeps.
const MOST_REMOVED: u32 = 10_000;

/// Samples per transaction; each is counted for its guild.
const SAMPLES_AT_ONCE: u32 = 500;

/// Blocks of metrics per transaction; each has some pages.
const BLOCKS_AT_ONCE: u32 = 500;

/// Weeks of archived checks per transaction; each has several pages.
const WEEKS_AT_ONCE: u32 = 500;

/// How long API keys are kept after they became invalid, so that lists say why one stopped working.
const INVALID_KEYS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long each observation window stays a row of its own.
const WINDOWS_SEPARATE: Duration = Duration::from_secs(24 * 3600);

/// Incidents kept for a broken destination after they have ended, which are sent once it works again.
const MISSED_KEPT: u32 = 100;

pub(super) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let check_results_before = now.minus(context.retention.check_results);
    let events_before = now.minus(context.retention.events);
    let check_results = in_batches(context, move |tx| {
        Box::pin(check_result::prune(tx, check_results_before, BATCH))
    })
    .await?;
    let events = in_batches(context, move |tx| {
        Box::pin(event::prune(tx, events_before, BATCH))
    })
    .await?;
    let outages = prune_history(context, now).await?;
    in_batches(context, move |tx| {
        Box::pin(incident::prune(tx, events_before, BATCH))
    })
    .await?;
    in_batches(context, move |tx| {
        Box::pin(delivery::prune_broken(tx, MISSED_KEPT))
    })
    .await?;
    let samples = prune_reports(context, now).await?;
    let keys_before = now.minus(INVALID_KEYS_KEPT);
    in_batches(context, move |tx| {
        Box::pin(api_key::prune(tx, keys_before, BATCH))
    })
    .await?;
    in_batches(context, move |tx| Box::pin(calendar_event::prune(tx, now))).await?;
    let summary = format!(
        "deleted {check_results} check results, {events} events, {outages} outages, {samples} samples"
    );
    tracing::debug!(check_results, events, outages, samples, "prune finished");
    Ok(summary)
}

/// Deletes what is older than the history is kept; returns how many outages.
async fn prune_history(context: &JobContext, now: Timestamp) -> Result<u64, StoreError> {
    let history_before = now.minus(context.retention.daily_stats);
    let outages = in_batches(context, move |tx| {
        Box::pin(outage::prune(tx, history_before, BATCH))
    })
    .await?;
    in_batches(context, move |tx| {
        Box::pin(removed_monitor::prune(tx, history_before, MOST_REMOVED))
    })
    .await?;
    in_batches(context, move |tx| {
        Box::pin(daily_stats::prune(tx, history_before.day(), BATCH))
    })
    .await?;
    let archive_before = IsoWeek::of(now.minus(context.retention.check_archive));
    in_batches(context, move |tx| {
        Box::pin(check_archive::prune(tx, archive_before, WEEKS_AT_ONCE))
    })
    .await?;
    let merged_before = now.minus(WINDOWS_SEPARATE);
    in_batches(context, move |tx| {
        Box::pin(observation_windows::merge(tx, merged_before, BATCH))
    })
    .await?;
    in_batches(context, move |tx| {
        Box::pin(observation_windows::prune(tx, history_before, BATCH))
    })
    .await?;
    Ok(outages)
}

/// Deletes what was kept of the reports of servers for long enough; returns how many samples.
async fn prune_reports(context: &JobContext, now: Timestamp) -> Result<u64, StoreError> {
    let samples_before = now.minus(context.retention.samples);
    let mut samples = 0;
    for server in server::with_old_samples(&context.store.reader, samples_before).await? {
        samples += in_batches(context, move |tx| {
            Box::pin(server::prune(tx, server, samples_before, SAMPLES_AT_ONCE))
        })
        .await?;
    }
    for (step, kept) in [
        (RollupStep::Hour, context.retention.check_archive),
        (RollupStep::Day, context.retention.daily_stats),
    ] {
        let before = now.minus(kept);
        in_batches(context, move |tx| {
            Box::pin(server_rollups::prune(tx, step, before, BLOCKS_AT_ONCE))
        })
        .await?;
    }
    let times_before = now.minus(threshold_proposal::OBSERVED);
    in_batches(context, move |tx| {
        Box::pin(server_rollups::prune_times(tx, times_before, BATCH))
    })
    .await?;
    Ok(samples)
}

/// Deletes batch by batch, each in its own transaction, until a batch finds nothing; returns the number of rows.
async fn in_batches(
    context: &JobContext,
    delete: impl for<'tx> Fn(&'tx mut Tx<'_>) -> BoxFuture<'tx, Result<u64, StoreError>>
    + Copy
    + Send
    + 'static,
) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let deleted: u64 = context
            .store
            .writer
            .transact::<_, StoreError>(move |tx| delete(tx))
            .await?;
        total += deleted;
        if deleted == 0 {
            return Ok(total);
        }
    }
}
