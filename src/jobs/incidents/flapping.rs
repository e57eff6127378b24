//! Ends the flapping of monitors that have been online, or offline, for long enough.

use std::time::Duration;

use crate::actions::incidents::settle_flapping;
use crate::jobs::self_health::observation_window;
use crate::jobs::{JobContext, NOT_JUDGED};
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "flapping";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(10);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let Some(windows) = observation_window::windows(context).await? else {
        return Ok(NOT_JUDGED.to_owned());
    };
    let now = context.checks.clock.now();
    let settled = settle_flapping::settle(&context.store, &windows, now).await?;
    Ok(format!(
        "{} flapping monitors are stable again, {} stayed offline",
        settled.stable, settled.offline
    ))
}
