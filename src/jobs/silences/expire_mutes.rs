//! Ends expired mutes and sends notifications for monitors that are still offline.

use std::time::Duration;

use crate::actions::silences::mute;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "expire_mutes";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(15);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let ended = mute::expire(&context.store, context.checks.clock.now()).await?;
    Ok(format!("{ended} mutes expired"))
}
