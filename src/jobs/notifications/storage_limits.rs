//! Notifies guilds that have reached a storage limit.

use std::time::Duration;

use crate::actions::notifications::storage_limit;
use crate::domain::text;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "storage_limits";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(60);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let announced = storage_limit::announce(&context.store, context.checks.clock.now()).await?;
    Ok(format!(
        "{} announced",
        text::count(announced as u64, "storage limit")
    ))
}
