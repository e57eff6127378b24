//! Diagnoses the probable cause of recent incidents again as more evidence arrives, and updates their messages.

use std::time::Duration;

use crate::actions::incidents::diagnose;
use crate::jobs::JobContext;
use crate::store::StoreError;
use crate::store::incidents::incident;

pub(in crate::jobs) const NAME: &str = "diagnose";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(5);

/// After this time no new evidence is expected.
const RECENT: Duration = Duration::from_secs(1800);

/// Incidents per run, newest first.
const INCIDENTS: u32 = 50;

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let since = context.checks.clock.now().minus(RECENT);
    let mut changed = 0_u64;
    for id in incident::young(&context.store.reader, since, INCIDENTS).await? {
        if let Some(incident) = incident::get(&context.store.reader, id).await? {
            let cause = diagnose::diagnose(&context.store, &incident, true).await?;
            changed += u64::from(!cause.is_keep());
        }
    }
    Ok(format!("{changed} causes changed"))
}
