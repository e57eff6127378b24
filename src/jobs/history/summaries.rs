//! Sends the summaries that are due to their channels.

use std::time::Duration;

use crate::actions::history::summary::send_due;
use crate::domain::text;
use crate::jobs::JobContext;
use crate::store::StoreError;

pub(in crate::jobs) const NAME: &str = "summaries";

/// Summaries are due at a minute.
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(30);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let announced = send_due::send_due(&context.store, now).await?;
    Ok(format!("{} announced", summaries(announced)))
}

fn summaries(number: u64) -> String {
    match number {
        1 => text::count(1, "summary"),
        number => format!("{number} summaries"),
    }
}
