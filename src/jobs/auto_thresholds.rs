//! Lets thresholds follow the rhythm of those servers whose people want that. Each is due once a week; this looks who is.

use std::time::Duration;

use super::Context;
use crate::actions::{Error, suggest_thresholds};
use crate::store::{StoreError, server};

pub(super) const NAME: &str = "follow_rhythm";
pub(super) const PERIOD: Duration = Duration::from_secs(3600);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let at = (context.heartbeats.thresholds, now);
    let mut changed = 0_u64;
    for server in server::list(&context.store.reader, None).await? {
        match suggest_thresholds::follow(&context.store, server, at).await {
            Ok(has_changed) => changed += u64::from(has_changed),
            Err(Error::Internal(error)) => return Err(error),
            // Removed meanwhile.
            Err(_) => {}
        }
    }
    if changed > 0 {
        tracing::info!(
            changed,
            "Thresholds: {changed} servers' follow their rhythm"
        );
    }
    Ok(format!("the thresholds of {changed} servers have changed"))
}
