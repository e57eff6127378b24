//! Ends silences: early by people, or by themselves. Each end is the same for mutes and maintenance windows: one notification
//! covers the outages that are still open, and incidents that were silenced get a reminder.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::start::record_start;
use crate::actions::incidents::notify;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::EventKind;
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::monitor::MonitorId;
use crate::domain::silences::silence::{SilenceId, SilenceKind};
use crate::store::event::{self, NewEvent};
use crate::store::history::maintenance_span;
use crate::store::incidents::{incident, outage};
use crate::store::silences::silence::{self, Silence};
use crate::store::silences::silence_summary::{self, SilenceSummary};
use crate::store::{Effect, Store, StoreError, Tx};

/// Ends the mute of a monitor before it expires.
pub async fn unmute(
    store: &Store,
    requester: Requester,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let mut ended = EndedSilences::default();
                for id in silence::mutes_of(tx, requester.guild, monitor).await? {
                    ended.remove(tx, requester.guild, id, now).await?;
                }
                if ended.count == 0 {
                    return Err(Error::NotFound("this monitor is not muted".into()));
                }
                let event =
                    requester.event(EventKind::MonitorUnmuted, Some(monitor), json!({}), now);
                event::append(tx, &event).await?;
                Ok(ended.notify(tx, false, now).await?)
            })
        })
        .await
}

/// Ends maintenance early, or cancels it before its start. Weekly maintenance stops repeating.
pub async fn end(
    store: &Store,
    requester: Requester,
    id: SilenceId,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = silence_summary::summary(tx, requester.guild, id).await?;
                let known = known
                    .ok_or_else(|| Error::NotFound("this maintenance has already ended".into()))?;
                let mut ended = EndedSilences::default();
                ended.remove(tx, requester.guild, id, now).await?;
                maintenance_span::follow(tx, requester.guild, now).await?;
                event::append(tx, &event_of(&known, requester, now)).await?;
                Ok(ended.notify(tx, false, now).await?)
            })
        })
        .await
}

/// Records the starts that are due, and ends the silences that have expired; returns how many changed.
pub async fn apply_due(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let mut due: BTreeMap<GuildId, Vec<Silence>> = BTreeMap::new();
    for known in silence::due(&store.reader, now).await? {
        due.entry(known.guild_id).or_default().push(known);
    }
    // Also outages of monitors that have left a silenced group.
    for guild in outage::released(&store.reader, now).await? {
        due.entry(guild).or_default();
    }
    let (mut changed, mut failure) = (0, None);
    for (guild, due) in due {
        // A guild in which this fails does not keep the others from it.
        match apply_in(store, guild, due, now).await {
            Ok(count) => changed += count,
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(changed), Err)
}

/// Records which monitors are in maintenance: a group may have other members since, and an open window may cover new monitors.
pub async fn follow_maintenance(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    for guild in maintenance_span::guilds(&store.reader, now).await? {
        if maintenance_span::is_followed(&store.reader, guild, now).await? {
            continue;
        }
        let follow = store.writer.transact::<_, StoreError>(move |tx| {
            Box::pin(async move { maintenance_span::follow(tx, guild, now).await })
        });
        follow.await?;
    }
    Ok(())
}

/// Applies what is due in one guild, in one transaction: outages that are still open when several silences end are one
/// notification.
async fn apply_in(
    store: &Store,
    guild: GuildId,
    due: Vec<Silence>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let (mut started, mut ended) = (0, EndedSilences::default());
                for known in &due {
                    if known.window.ends_at <= now {
                        ended.expire(tx, known, now).await?;
                    } else if record_start(tx, known, now).await? {
                        started += 1;
                    }
                }
                let count = ended.count;
                ended.guilds.insert(guild);
                ended.notify(tx, true, now).await?;
                Ok(started + count)
            })
        })
        .await
}

/// The event that records the end of a silence.
fn event_of(known: &SilenceSummary, by: Requester, now: Timestamp) -> NewEvent {
    if known.muted.is_some() {
        return by.event(EventKind::MonitorUnmuted, known.muted, json!({}), now);
    }
    // It may never have started, because Rollcall was not running.
    let details = json!({ "title": known.title, "was_running": known.is_started });
    by.event(EventKind::MaintenanceEnded, None, details, now)
}

/// Silences that end together, with their guilds and the incidents that they covered.
#[derive(Default)]
struct EndedSilences {
    count: u64,
    guilds: BTreeSet<GuildId>,
    /// Open incidents of monitors that were silenced.
    incidents: BTreeSet<IncidentRef>,
}

impl EndedSilences {
    /// Removes a silence, and counts it unless the guild has no such silence any longer.
    async fn remove(
        &mut self,
        tx: &mut Tx<'_>,
        guild: GuildId,
        id: SilenceId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let silenced = incident::silenced_by(tx, id, now).await?;
        if silence::remove(tx, guild, id).await? == Effect::Changed {
            self.add(guild, silenced);
        }
        Ok(())
    }

    /// Ends the current window of a silence whose time is over, and records that.
    async fn expire(
        &mut self,
        tx: &mut Tx<'_>,
        known: &Silence,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (guild, before) = (known.guild_id, self.count);
        let silenced_before = self.incidents.clone();
        match known.weekly.and_then(|weekly| weekly.next(now)) {
            None => self.remove(tx, guild, known.id, now).await?,
            Some(next) => {
                let silenced = incident::silenced_by(tx, known.id, now).await?;
                if silence::postpone(tx, known.id, next).await? == Effect::Changed {
                    self.add(guild, silenced);
                }
            }
        }
        if self.count == before {
            // A member has ended it in the meantime.
            return Ok(());
        }
        if known.kind == SilenceKind::Maintenance {
            maintenance_span::follow(tx, guild, known.window.ends_at).await?;
        }
        if !known.is_started {
            // Rollcall was not running during the window, so it held no reminder back.
            self.incidents = silenced_before;
        }
        event::append(
            tx,
            &event_of(&known.summary(), Requester::system(guild), now),
        )
        .await
    }

    fn add(&mut self, guild: GuildId, silenced: Vec<IncidentId>) {
        self.count += 1;
        self.guilds.insert(guild);
        let refs = silenced.into_iter().map(|id| IncidentRef { guild, id });
        self.incidents.extend(refs);
    }

    /// Notifies about outages that are still open: those that were held back, and the incidents that were silenced.
    async fn notify(
        self,
        tx: &mut Tx<'_>,
        have_expired: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for guild in self.guilds {
            notify::notify_held(tx, guild, now).await?;
        }
        for incident in self.incidents {
            notify::unsilence(tx, incident, have_expired, now).await?;
        }
        Ok(())
    }
}
