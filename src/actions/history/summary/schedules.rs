//! Schedules and stops summaries of a guild.

use serde_json::json;

use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::event::EventKind;
use crate::domain::history::summary::schedule::{MOST_SCHEDULES, ScheduleId, SummaryTimes};
use crate::domain::notifications::destinations::DestinationKind;
use crate::domain::silences::maintenance::Tz;
use crate::store::guild::guild_setting;
use crate::store::history::summary_schedule::{self, NewSchedule, StoredSchedule};
use crate::store::notifications::destination;
use crate::store::{Effect, Store, StoreError, Tx, event};

/// Schedules summaries for a channel, in place of the schedule with the same period that the channel has. The caller has checked
/// that it is a channel of the guild. One that stays the same changes nothing.
///
/// # Errors
/// `Conflict` for more schedules than a guild may have.
pub async fn schedule(
    store: &Store,
    requester: Requester,
    new: NewSchedule,
    now: Timestamp,
) -> Result<ScheduleId, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(schedule_in(tx, requester, new, now))
        })
        .await
}

async fn schedule_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: NewSchedule,
    now: Timestamp,
) -> Result<ScheduleId, Error> {
    let guild = requester.guild;
    let known = summary_schedule::of_guild(tx, guild).await?;
    let same = known
        .iter()
        .find(|one| one.channel == new.channel && one.times.period() == new.times.period());
    if let Some(same) = same.filter(|same| same.times == new.times) {
        return Ok(same.id);
    }
    if same.is_none() && summary_schedule::count(tx, guild).await? >= MOST_SCHEDULES {
        return Err(Error::Conflict(format!(
            "this Discord server has {MOST_SCHEDULES} scheduled summaries, and may not have more. Stop one first"
        )));
    }
    let zone = guild_setting::current_timezone(tx, guild).await?;
    let next = next_due(new.times, now, zone)?;
    let id = summary_schedule::set(tx, guild, new, next, now).await?;
    let details = details(new.channel, Some(new.times), same.map(|same| same.times));
    let event = requester.event(EventKind::SummaryScheduled, None, details, now);
    event::append(tx, &event).await?;
    Ok(id)
}

/// Stops the summaries of a schedule, with those that are still to be sent to its channel if it has no other schedule.
///
/// # Errors
/// `NotFound` if the guild has no such schedule.
pub async fn stop(
    store: &Store,
    requester: Requester,
    id: ScheduleId,
    now: Timestamp,
) -> Result<StoredSchedule, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let guild = requester.guild;
                let known = summary_schedule::of_guild(tx, guild).await?;
                let known = known.into_iter().find(|one| one.id == id);
                let known = known.ok_or_else(|| no_schedule(id))?;
                summary_schedule::remove(tx, guild, id).await?;
                if !summary_schedule::has_any(tx, guild, known.channel).await? {
                    let (kind, address) = (DestinationKind::Summary, known.channel.to_row());
                    let _ = destination::remove(tx, guild, kind, Some(address)).await?;
                }
                let details = details(known.channel, None, Some(known.times));
                let event = requester.event(EventKind::SummaryStopped, None, details, now);
                event::append(tx, &event).await?;
                Ok(known)
            })
        })
        .await
}

fn no_schedule(id: ScheduleId) -> Error {
    Error::NotFound(format!("there is no scheduled summary {id}"))
}

fn details(
    channel: ChannelId,
    times: Option<SummaryTimes>,
    before: Option<SummaryTimes>,
) -> serde_json::Value {
    let text = |times: Option<SummaryTimes>| times.map(|times| times.to_string());
    json!({ "channel": channel.to_string(), "times": text(times), "before": text(before) })
}

/// Makes the schedules of a guild follow another time zone: the next summaries are due at the same local time in it.
pub(in crate::actions) async fn follow_zone(
    tx: &mut Tx<'_>,
    guild: GuildId,
    zone: Tz,
    now: Timestamp,
) -> Result<(), StoreError> {
    for known in summary_schedule::of_guild(tx, guild).await? {
        // One that is due already is sent first.
        if known.next_due_at > now {
            let next = next_due(known.times, now, zone)?;
            let _: Effect = summary_schedule::set_next(tx, &known, next).await?;
        }
    }
    Ok(())
}

/// When the next summary is due after a moment.
pub(super) fn next_due(
    times: SummaryTimes,
    after: Timestamp,
    zone: Tz,
) -> Result<Timestamp, StoreError> {
    let next = times.next_due(after, zone);
    next.ok_or_else(|| StoreError::Damaged("the time of the next summary".into()))
}
