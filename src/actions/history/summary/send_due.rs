//! Announces the summaries that are due: each as a notification, whose figures are read when it is delivered. The schedule advances
//! in the same transaction, so a crash neither repeats a summary nor loses one.

use std::collections::BTreeMap;

use super::schedules::next_due;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::store::guild::guild_setting;
use crate::store::history::summary_schedule::{self, StoredSchedule};
use crate::store::incidents::incident;
use crate::store::notifications::delivery;
use crate::store::{Effect, Store, StoreError, Tx};

/// Schedules that are read at once.
const AT_ONCE: u32 = 500;

/// Announces every summary that is due; returns how many. Of the summaries that were due while Rollcall was not running, each
/// schedule sends the latest one: the others are outdated.
pub async fn send_due(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let mut announced = 0;
    loop {
        let due = summary_schedule::due(&store.reader, now, AT_ONCE).await?;
        let is_last = due.len() < AT_ONCE as usize;
        let of_batch = announce_all(store, due, now).await?;
        announced += of_batch;
        // Those that could not be advanced would be read again and again.
        if is_last || of_batch == 0 {
            return Ok(announced);
        }
    }
}

async fn announce_all(
    store: &Store,
    due: Vec<StoredSchedule>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut by_guild: BTreeMap<GuildId, Vec<StoredSchedule>> = BTreeMap::new();
    for schedule in due {
        by_guild.entry(schedule.guild).or_default().push(schedule);
    }
    let (mut announced, mut failed) = (0, None);
    for (guild, schedules) in by_guild {
        let sent = store
            .writer
            .transact_for::<_, StoreError>(guild, move |tx| {
                Box::pin(async move { announce(tx, guild, schedules, now).await })
            });
        match sent.await {
            Ok(count) => announced += count,
            // The other guilds do not wait for this one.
            Err(error) => {
                tracing::error!(%error, %guild, "cannot announce summaries");
                failed.get_or_insert(error);
            }
        }
    }
    failed.map_or(Ok(announced), Err)
}

async fn announce(
    tx: &mut Tx<'_>,
    guild: GuildId,
    schedules: Vec<StoredSchedule>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let zone = guild_setting::current_timezone(tx, guild).await?;
    let mut announced = 0;
    for known in schedules {
        let next = next_due(known.times, now, zone)?;
        if summary_schedule::set_next(tx, &known, next).await? == Effect::Nothing {
            continue;
        }
        let Some(due) = known.times.latest(now, zone) else {
            continue;
        };
        let kind = NotificationKind::Summary {
            covers: due.covers,
            outdated_at: due.next_at,
        };
        let incident = incident::announce(tx, guild, &kind, now).await?;
        delivery::enqueue_summary(tx, guild, known.channel, incident).await?;
        announced += 1;
    }
    Ok(announced)
}
