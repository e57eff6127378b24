//! Adjusts the thresholds of servers with automatic thresholds to their report intervals. Each server is due once a week;
//! this job finds those that are.

use std::time::Duration;

use crate::actions::Error;
use crate::actions::servers::suggest_thresholds;
use crate::jobs::JobContext;
use crate::store::StoreError;
use crate::store::servers::server;

pub(in crate::jobs) const NAME: &str = "auto_thresholds";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(3600);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let defaults = context.heartbeat.thresholds;
    let mut changed = 0_u64;
    for server in server::list(&context.store.reader, None).await? {
        match suggest_thresholds::follow(&context.store, server, defaults, now).await {
            Ok(has_changed) => changed += u64::from(has_changed),
            Err(Error::Internal(error)) => return Err(error),
            // Removed meanwhile.
            Err(_) => {}
        }
    }
    if changed > 0 {
        tracing::info!(servers = changed, "automatic thresholds updated");
    }
    Ok(format!("{changed} servers have new thresholds"))
}
