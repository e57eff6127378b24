//! Notifies guilds of certificates that are about to expire.

use std::time::Duration;

use crate::actions::endpoints::announce_certificates;
use crate::domain::text;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "certificates";

/// The thresholds are days. An hour also collects what crosses one at about the same time.
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(3600);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let announced = announce_certificates::announce(&context.store, now).await?;
    Ok(format!(
        "{} announced",
        text::count(announced, "expiring certificate")
    ))
}
