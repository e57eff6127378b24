//! Ends mutes whose time has come, and tells what is still down then.

use std::time::Duration;

use super::Context;
use crate::actions::mute;
use crate::store::StoreError;

pub(super) const NAME: &str = "unmute";
pub(super) const PERIOD: Duration = Duration::from_secs(15);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let ended = mute::expire(&context.store, context.checks.clock.now()).await?;
    Ok(format!("{ended} mutes have ended"))
}
