//! Sends reminders and escalations for unacknowledged incidents, by each guild's escalation policy.

use std::time::Duration;

use crate::actions::incidents::respond;
use crate::jobs::JobContext;
use crate::store::StoreError;
use crate::store::incidents::incident;
use crate::store::notifications::alert_settings;

pub(in crate::jobs) const NAME: &str = "reminders";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(10);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let reader = &context.store.reader;
    let mut reminded = 0_u64;
    for (guild, settings) in alert_settings::with_policy(reader).await? {
        let policy = settings.preferences.policy;
        for (incident, waited) in incident::waiting(reader, guild, now).await? {
            let Some(step) = policy.next(waited, now) else {
                continue;
            };
            reminded += u64::from(
                respond::remind_or_escalate(&context.store, guild, incident, step, now).await?,
            );
        }
    }
    Ok(format!("{reminded} reminders sent"))
}
