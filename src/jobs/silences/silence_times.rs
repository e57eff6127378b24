//! Records the starts of silences and ends those that have expired, with notifications about outages that are still open. Nothing
//! else waits for it: the times of a silence decide what is silenced.

use std::time::Duration;

use crate::actions::silences::end;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "silences";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(5);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let changed = end::apply_due(&context.store, now).await?;
    end::follow_maintenance(&context.store, now).await?;
    Ok(format!("{changed} silences started or ended"))
}
