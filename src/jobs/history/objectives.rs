//! Notifies guilds of error budgets of which half is used, or more than all.

use std::time::Duration;

use crate::actions::history::objectives::judge;
use crate::domain::text;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "objectives";

/// Budgets are minutes and hours. The fewer runs, the less often the histories of all monitors with an outage are read.
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(60);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let notified = judge::judge(&context.store, now).await?;
    Ok(format!(
        "{} announced",
        text::count(notified, "used error budget")
    ))
}
