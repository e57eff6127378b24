//! Ends the flapping state of incidents that have been stable for long enough.

use std::time::Duration;

use crate::domain::incidents::flapping::WINDOW;
use crate::jobs::JobContext;
use crate::store::StoreError;
use crate::store::incidents::incident;

pub(in crate::jobs) const NAME: &str = "flapping";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(60);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let ended = context
        .store
        .writer
        .transact::<_, StoreError>(move |tx| {
            Box::pin(async move { incident::end_flapping(tx, now.minus(WINDOW), now).await })
        })
        .await?;
    Ok(format!("{ended} incidents stopped flapping"))
}
