//! Ends expired mutes and sends notifications for monitors that are still offline.

use std::time::Duration;

use super::Context;
use crate::actions::mute;
use crate::store::StoreError;

pub(super) const NAME: &str = "expire_mutes";
pub(super) const PERIOD: Duration = Duration::from_secs(15);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let ended = mute::expire(&context.store, context.checks.clock.now()).await?;
    Ok(format!("{ended} mutes have ended"))
}
