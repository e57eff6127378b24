//! Starts and ends maintenance windows on time, and creates a scheduled event in Discord for upcoming ones where permitted.

use std::time::Duration;

use crate::actions::silences::maintenance;
use crate::domain::Timestamp;
use crate::domain::discord_id::EventId;
use crate::jobs::JobContext;
use crate::notify::messenger::{Messenger, SendFailure};
use crate::store::StoreError;
use crate::store::silences::maintenance::{self as rows, Maintenance};

pub(in crate::jobs) const NAME: &str = "maintenance_windows";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(5);

/// Discord rejects an event that starts sooner than this.
const MIN_LEAD: Duration = Duration::from_secs(60);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let changed = maintenance::apply_due(&context.store, now).await?;
    if let Some(messenger) = &context.senders.messenger {
        create_events(context, &**messenger, now).await?;
    }
    Ok(format!("{changed} maintenance windows started or ended"))
}

async fn create_events(
    context: &JobContext,
    messenger: &dyn Messenger,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = rows::list(&context.store.reader, None).await?;
    let needs_event = |one: &Maintenance| {
        one.discord_event.is_none() && !one.is_running && one.window.starts_at > now.plus(MIN_LEAD)
    };
    for one in known.into_iter().filter(needs_event) {
        let created = messenger
            .create_event(one.guild_id, &one.title, one.window)
            .await;
        let event = match created {
            Ok(event) => event,
            // Without permission there is no event; the maintenance takes place anyway.
            Err(SendFailure::Broken(_) | SendFailure::Rejected(_)) => EventId(0),
            Err(_) => continue,
        };
        context
            .store
            .writer
            .transact::<(), StoreError>(move |tx| Box::pin(rows::shown(tx, one.id, event)))
            .await?;
    }
    Ok(())
}
