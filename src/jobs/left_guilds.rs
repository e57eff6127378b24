//! Deletes the guilds that removed the bot, after a while, and finishes what their leaving began if it was interrupted.

use std::time::Duration;

use super::JobContext;
use crate::actions::manage_guild;
use crate::store::StoreError;

pub(super) const NAME: &str = "left_guilds";
pub(super) const PERIOD: Duration = Duration::from_secs(60);

pub(super) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let kept = context.retention.left_guilds;
    let deleted = manage_guild::settle_left(&context.store, kept, now).await?;
    Ok(format!("deleted {deleted} guilds"))
}
