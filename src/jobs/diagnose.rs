//! Keeps asking what is at fault while an outage is young, as more becomes known; and says so on its card.

use std::time::Duration;

use super::Context;
use crate::actions::diagnose;
use crate::store::{StoreError, incident};

pub(super) const NAME: &str = "explain";
pub(super) const PERIOD: Duration = Duration::from_secs(5);

/// After that nothing is found out any more that was not known before.
const YOUNG: Duration = Duration::from_secs(1800);

/// Cards in one run, the newest first.
const INCIDENTS: u32 = 50;

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let since = context.checks.clock.now().minus(YOUNG);
    let mut changed = 0_u64;
    for id in incident::young(&context.store.reader, since, INCIDENTS).await? {
        if let Some(incident) = incident::get(&context.store.reader, id).await? {
            changed += u64::from(
                diagnose::diagnose(&context.store, &incident, true)
                    .await?
                    .is_some(),
            );
        }
    }
    Ok(format!("{changed} have another explanation"))
}
