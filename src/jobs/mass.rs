//! Says it when many endpoints of a guild go offline or come back within a short time, where the guild has asked for that:
//! one word for all of them, which grows while more follow.

use std::time::Duration;

use super::Context;
use crate::domain::Timestamp;
use crate::domain::alert_policy::Mass;
use crate::domain::event::EventKind;
use crate::domain::monitor::GuildId;
use crate::domain::status::Status;
use crate::domain::topic::Topic;
use crate::store::{StoreError, alert_settings, endpoint, event, incident, notice};

pub(super) const NAME: &str = "mass";
pub(super) const PERIOD: Duration = Duration::from_secs(5);

pub(super) async fn run(context: &Context) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let mut told = 0_u64;
    for (guild, settings) in alert_settings::with_policy(&context.store.reader).await? {
        let Some(mass) = settings.preferences.mass else {
            continue;
        };
        for is_down in [true, false] {
            told += u64::from(judge(context, (guild, mass), is_down, now).await?);
        }
    }
    Ok(format!("{told} were told"))
}

async fn judge(
    context: &Context,
    (guild, mass): (GuildId, Mass),
    is_down: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let reader = &context.store.reader;
    let kind = match is_down {
        true => EventKind::EndpointOffline,
        false => EventKind::EndpointOnline,
    };
    let count = event::told_since(reader, guild, kind, now.minus(mass.window)).await?;
    if count == 0 {
        return Ok(false);
    }
    let roll = endpoint::counts_by_status(reader, Some(guild)).await?;
    let of = roll
        .iter()
        .filter(|(status, _)| *status != Status::Paused)
        .map(|(_, count)| count)
        .sum();
    if !mass.is_reached(count, of) {
        return Ok(false);
    }
    let topic = Topic::Mass {
        is_down,
        count,
        of,
        window: mass.window,
    };
    context
        .store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let known = incident::latest(tx, guild, &topic, now.minus(mass.window)).await?;
                match known {
                    // What has been said is said; only more of them is news.
                    Some((_, Topic::Mass { count: told, .. })) if told >= count => Ok(false),
                    Some((id, _)) => incident::retell(tx, id, &topic, now).await.map(|()| true),
                    None => {
                        let id = incident::announce(tx, guild, &topic, now).await?;
                        notice::want(tx, guild, id).await?;
                        Ok(true)
                    }
                }
            })
        })
        .await
}
