//! Ends the flapping of monitors that have been online, or offline, for long enough.

use std::time::Duration;

use crate::actions::incidents::settle_flapping;
use crate::jobs::self_health::observation_window;
use crate::jobs::{JobContext, WINDOWS_KEPT};
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "flapping";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(10);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let windows = observation_window::windows(
        &context.store.reader,
        &context.health,
        now.minus(WINDOWS_KEPT),
        now,
    )
    .await?;
    let settled = settle_flapping::settle(&context.store, &windows, now).await?;
    Ok(format!(
        "{} flapping monitors are stable again, {} stayed offline",
        settled.stable, settled.offline
    ))
}
