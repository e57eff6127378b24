//! Summarizes the reports of servers once an hour, so that the reports themselves can be deleted after a few days.

use std::time::Duration;

use crate::actions::history::server_rollup;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "rollup";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(3600);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let hours = server_rollup::update(&context.store, now).await?;
    Ok(format!("summarized {hours} hours of servers"))
}
