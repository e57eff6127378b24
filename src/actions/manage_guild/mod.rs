//! Records which guilds the bot is in. Where it is removed, checks stop, outages end and keys are revoked for good; the rows are
//! deleted later, or when the operator says so.

pub mod move_local;
pub mod settings;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use super::Requester;
use crate::actions::transition::{self, Change};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ApplicationId, GuildId};
use crate::domain::event::{Actor, EventKind};
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::status::Status;
use crate::domain::status::transition::{Transition, TransitionReason};
use crate::store::guild::departure::{self, Running};
use crate::store::guild::forget::{self, DeletionStep};
use crate::store::guild::{self, Guild};
use crate::store::{Effect, Store, StoreError, Tx, event};

/// Monitors whose status is changed in one transaction.
const MONITORS_AT_ONCE: u32 = 250;

/// Records that the bot is in a guild; `name` is `None` while the guild is unavailable. A guild that it had left starts over.
pub async fn seen(
    store: &Store,
    application: ApplicationId,
    id: GuildId,
    name: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = guild::get(&store.reader, id).await?;
    if known.as_ref().is_some_and(|guild| guild.left_at.is_some()) {
        rejoin(store, id, now).await?;
    }
    let is_same =
        |known: &Guild| known.application == application && (name.is_none() || known.name == name);
    if known.as_ref().is_some_and(is_same) {
        return Ok(());
    }
    let guild = Guild {
        id,
        name,
        application,
        joined_at: now,
        left_at: None,
    };
    save(store, vec![guild]).await
}

/// Records all guilds of a shard, as the gateway lists them; `is_on_shard` says which guilds belong to it. Returns those that
/// Rollcall took for guilds of the bot and that are missing. Nothing is recorded about them.
pub async fn seen_all(
    store: &Store,
    application: ApplicationId,
    listed: &HashSet<GuildId>,
    is_on_shard: impl Fn(GuildId) -> bool,
    now: Timestamp,
) -> Result<Vec<GuildId>, StoreError> {
    let known = guild::all(&store.reader).await?;
    let unknown = listed.iter().filter(|id| !known.contains_key(id));
    let new: Vec<Guild> = unknown
        .map(|id| Guild {
            id: *id,
            name: None,
            application,
            joined_at: now,
            left_at: None,
        })
        .collect();
    save(store, new).await?;
    let mut missing = Vec::new();
    for guild in known.into_values() {
        let is_listed = listed.contains(&guild.id);
        match guild.left_at {
            Some(_) if is_listed => rejoin(store, guild.id, now).await?,
            None if !is_listed && is_on_shard(guild.id) => missing.push(guild.id),
            _ => {}
        }
    }
    Ok(missing)
}

async fn save(store: &Store, guilds: Vec<Guild>) -> Result<(), StoreError> {
    if guilds.is_empty() {
        return Ok(());
    }
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                for guild in &guilds {
                    guild::save(tx, guild).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Claims the welcome message of a guild: `true` once, before it is sent, for each time that the bot joins. If Rollcall ends
/// before it has sent the message, the guild gets none rather than two.
pub async fn claim_welcome(store: &Store, id: GuildId, now: Timestamp) -> Result<bool, StoreError> {
    let claimed = store
        .writer
        .transact_for::<_, StoreError>(id, move |tx| {
            Box::pin(async move { guild::welcome(tx, id, now).await })
        })
        .await?;
    Ok(claimed == Effect::Changed)
}

/// Records that the bot was removed from the requester's guild: revokes every key, stops the checks and ends the outages. Nothing
/// happens if Rollcall does not know that it was there.
pub async fn leave(store: &Store, requester: Requester, now: Timestamp) -> Result<(), StoreError> {
    let id = requester.guild;
    let has_left = store
        .writer
        .transact::<_, StoreError>(move |tx| {
            Box::pin(async move {
                if guild::leave(tx, id, now).await? == Effect::Nothing {
                    return Ok(false);
                }
                let revoked = departure::revoke_access(tx, id, now).await?;
                let details =
                    json!({ "keys_revoked": revoked.keys, "devices_revoked": revoked.devices });
                let event = requester.event(EventKind::GuildLeft, None, details, now);
                event::append(tx, &event).await?;
                Ok(true)
            })
        })
        .await?;
    if has_left {
        tracing::info!(guild = id.0, "the bot was removed from a guild");
    }
    wind_down(store, id, now).await
}

/// Ends what goes on in a guild that the bot has left: outages, statuses, deliveries. Continues one that was interrupted.
pub async fn wind_down(store: &Store, id: GuildId, now: Timestamp) -> Result<(), StoreError> {
    loop {
        let stopped = store
            .writer
            .transact::<_, StoreError>(move |tx| {
                Box::pin(async move {
                    match guild::has_left(tx, id).await? {
                        true => stop_monitors(tx, id, now).await,
                        false => Ok(0),
                    }
                })
            })
            .await?;
        if stopped == 0 {
            break;
        }
    }
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if guild::has_left(tx, id).await? {
                    departure::drop_deliveries(tx, id).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn stop_monitors(tx: &mut Tx<'_>, id: GuildId, now: Timestamp) -> Result<usize, StoreError> {
    let running = departure::running(tx, id, MONITORS_AT_ONCE).await?;
    let changes: Vec<Change> = running
        .iter()
        .map(|one| Change::from(stopped(id, one, now)))
        .collect();
    transition::apply(tx, &changes, Actor::System, now).await?;
    let ids: Vec<MonitorId> = running.iter().map(|one| one.id).collect();
    departure::start_over(tx, &ids).await?;
    Ok(ids.len())
}

fn stopped(guild: GuildId, running: &Running, now: Timestamp) -> Transition {
    Transition {
        monitor: MonitorRef {
            guild,
            id: running.id,
        },
        kind: running.kind,
        from: running.status,
        since: running.since,
        to: Status::Unknown,
        at: now,
        reason: TransitionReason::GuildLeft,
    }
}

/// Records that the bot is in a guild again: checks resume with the status unknown. Keys stay revoked.
async fn rejoin(store: &Store, id: GuildId, now: Timestamp) -> Result<(), StoreError> {
    // What was interrupted must not end outages that begin from now on.
    wind_down(store, id, now).await?;
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if guild::rejoin(tx, id, now).await? == Effect::Nothing {
                    return Ok(());
                }
                departure::drop_deliveries(tx, id).await?;
                departure::try_destinations_again(tx, id).await?;
                let requester = Requester::system(id);
                let event = requester.event(EventKind::GuildRejoined, None, json!({}), now);
                event::append(tx, &event).await
            })
        })
        .await?;
    tracing::info!(guild = id.0, "the bot was added to a guild again");
    Ok(())
}

/// Deletes every row of a guild, unless the bot is in it. Returns how many, without those that go with a monitor.
pub async fn forget(store: &Store, id: GuildId) -> Result<u64, StoreError> {
    let (mut step, log) = DeletionStep::first(&store.reader).await?;
    let mut total = 0;
    while step != DeletionStep::Done {
        let (deleted, next) = store
            .writer
            .transact::<_, StoreError>(move |tx| {
                Box::pin(async move {
                    match guild::is_joined(tx, id).await? {
                        true => Ok((0, DeletionStep::Done)),
                        false => forget::batch(tx, id, step, log).await,
                    }
                })
            })
            .await?;
        total += deleted;
        step = next;
    }
    Ok(total)
}

/// Finishes what leaving begins in every guild that the bot has left, and deletes those that it left longer than `kept` ago.
/// Returns how many were deleted.
pub async fn settle_left(store: &Store, kept: Duration, now: Timestamp) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    for guild in guild::all(&store.reader).await?.into_values() {
        let Some(left_at) = guild.left_at else {
            continue;
        };
        if left_at >= now.minus(kept) {
            wind_down(store, guild.id, now).await?;
            continue;
        }
        let rows = forget(store, guild.id).await?;
        tracing::info!(
            guild = guild.id.0,
            rows,
            "deleted a guild that removed the bot"
        );
        forgotten += 1;
    }
    Ok(forgotten)
}
