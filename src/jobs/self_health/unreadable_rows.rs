//! Finds unreadable rows at the start and every hour, so that the metric and the log report them early.

use std::time::Duration;

use tokio::sync::watch;

use crate::jobs::JobContext;

/// Time between searches: each reads every monitor, webhook, silence and key once.
const EVERY: Duration = Duration::from_secs(3600);

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = context.store.reader.find_unreadable_rows().await {
            tracing::warn!(%error, "cannot search for unreadable rows");
        }
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
