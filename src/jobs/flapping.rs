//! Ends the flapping state of incidents that have been stable for long enough.

use std::time::Duration;

use super::Context;
use crate::domain::flapping::WINDOW;
use crate::store::{StoreError, incident};

pub(super) const NAME: &str = "flapping";
pub(super) const PERIOD: Duration = Duration::from_secs(60);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let ended = context
        .store
        .writer
        .transact::<_, StoreError>(move |tx| {
            Box::pin(async move { incident::end_flapping(tx, (now.minus(WINDOW), now)).await })
        })
        .await?;
    Ok(format!("{ended} have settled"))
}
