//! Ends the flapping of monitors that have been online, or offline, for long enough.

use std::time::Duration;

use crate::actions::incidents::settle_flapping;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "flapping";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(10);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let settled = settle_flapping::settle(&context.store, context.checks.clock.now()).await?;
    Ok(format!(
        "{} incidents are stable again, {} monitors settled offline",
        settled.stable, settled.offline
    ))
}
