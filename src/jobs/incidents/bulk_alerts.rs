//! Sends one bulk alert when many endpoints of a guild go offline or recover within a short time, if the guild has set
//! that up. The alert is updated as more endpoints follow.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::EventKind;
use crate::domain::notifications::alert_policy::BulkAlert;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::status::Status;
use crate::jobs::JobContext;
use crate::store::endpoints::endpoint;
use crate::store::incidents::incident;
use crate::store::notifications::{alert_settings, delivery};
use crate::store::{StoreError, event};

pub(in crate::jobs) const NAME: &str = "bulk_alerts";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(5);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let mut updated = 0_u64;
    for (guild, settings) in alert_settings::with_policy(&context.store.reader).await? {
        let Some(bulk) = settings.preferences.bulk else {
            continue;
        };
        for is_down in [true, false] {
            updated += u64::from(judge(context, guild, bulk, is_down, now).await?);
        }
    }
    Ok(format!("{updated} summaries sent"))
}

async fn judge(
    context: &JobContext,
    guild: GuildId,
    bulk: BulkAlert,
    is_down: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let reader = &context.store.reader;
    let event_kind = match is_down {
        true => EventKind::EndpointOffline,
        false => EventKind::EndpointOnline,
    };
    let count = event::notifiable_since(reader, guild, event_kind, now.minus(bulk.window)).await?;
    if count == 0 {
        return Ok(false);
    }
    let counts = endpoint::counts_by_status(reader, Some(guild)).await?;
    let of = counts
        .iter()
        .filter(|(status, _)| *status != Status::Paused)
        .map(|(_, count)| count)
        .sum();
    if !bulk.is_reached(count, of) {
        return Ok(false);
    }
    let kind = NotificationKind::Bulk {
        is_down,
        count,
        of,
        window: bulk.window,
    };
    context
        .store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let known = incident::latest(tx, guild, &kind, now.minus(bulk.window)).await?;
                match known {
                    // Only a higher count is worth an update.
                    Some((
                        _,
                        NotificationKind::Bulk {
                            count: announced, ..
                        },
                    )) if announced >= count => Ok(false),
                    Some((id, _)) => incident::update_kind(tx, id, &kind, now)
                        .await
                        .map(|()| true),
                    None => {
                        let id = incident::announce(tx, guild, &kind, now).await?;
                        delivery::enqueue(tx, guild, id).await?;
                        Ok(true)
                    }
                }
            })
        })
        .await
}
