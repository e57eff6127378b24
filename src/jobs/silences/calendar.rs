//! Keeps Discord's calendar up to date: a scheduled event for each maintenance window to come, and none for a window that was
//! ended. It has a job of its own, because Discord may be slow or unavailable.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::discord_id::EventId;
use crate::domain::notifications::destination_health::DeliveryError;
use crate::jobs::JobContext;
use crate::notify::messenger::Messenger;
use crate::store::StoreError;
use crate::store::silences::calendar_event;

pub(in crate::jobs) const NAME: &str = "calendar";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(10);

/// Discord rejects an event that starts sooner than this.
const MIN_LEAD: Duration = Duration::from_secs(60);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let Some(messenger) = &context.senders.messenger else {
        return Ok("Discord is off".to_owned());
    };
    if context.health.is_application_in_doubt() {
        return Ok("waiting for Discord".to_owned());
    }
    let now = context.checks.clock.now();
    let deleted = delete_obsolete(context, &**messenger, now).await?;
    let created = create_missing(context, &**messenger, now).await?;
    Ok(format!("{created} events created, {deleted} deleted"))
}

async fn create_missing(
    context: &JobContext,
    messenger: &dyn Messenger,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut created = 0;
    for one in calendar_event::missing(&context.store.reader, now.plus(MIN_LEAD)).await? {
        let shown = messenger
            .create_event(one.guild_id, &one.title, one.window)
            .await;
        let event = match shown {
            Ok(event) => event,
            // Without permission there is no event; the maintenance takes place anyway.
            Err(DeliveryError::DestinationBroken(_) | DeliveryError::Rejected(_)) => EventId(0),
            Err(_) => continue,
        };
        context
            .store
            .writer
            .transact::<(), StoreError>(move |tx| {
                Box::pin(async move { calendar_event::insert(tx, &one, event).await })
            })
            .await?;
        created += 1;
    }
    Ok(created)
}

async fn delete_obsolete(
    context: &JobContext,
    messenger: &dyn Messenger,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for one in calendar_event::obsolete(&context.store.reader, now).await? {
        let is_there = one.event != EventId(0);
        if is_there && let Err(error) = messenger.delete_event(one.guild_id, one.event).await {
            tracing::debug!(%error, "cannot delete the scheduled event");
            if matches!(
                error,
                DeliveryError::Retry { .. } | DeliveryError::Unauthorized
            ) {
                continue;
            }
        }
        context
            .store
            .writer
            .transact::<(), StoreError>(move |tx| Box::pin(calendar_event::remove(tx, one.id)))
            .await?;
        deleted += 1;
    }
    Ok(deleted)
}
