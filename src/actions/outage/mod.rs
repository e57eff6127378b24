//! An incident begins or ends, and with it in the same transaction what must be told of it: the card that it is on, and a
//! notice in the outbox. The only way to an incident, so that none is ever untold.

use crate::domain::Timestamp;
use crate::domain::alert_policy::Responder;
use crate::domain::flapping::is_flapping;
use crate::domain::grouping::{self, GroupKey, IncidentId};
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::notification_kind::NotificationKind;
use crate::domain::report_interval;
use crate::store::{
    StoreError, Tx, alert_override, delivery, destination, incident, maintenance,
    monitor as monitors, mute, outage,
};

/// Whose incident it is.
pub type Whose = (GuildId, MonitorId);

/// While so many cards of a guild wait to be told for the first time, nobody reads so many: whatever comes then is collected
/// on the newest of them, which counts it.
const BACKLOG: u64 = 100;

/// A monitor has stopped being online, and is told of. One whose incident is open already has no second one, and is told
/// of where it was not yet. Says whether an incident was opened.
pub async fn open(
    tx: &mut Tx<'_>,
    whose: Whose,
    (started_at, reason): (Timestamp, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let opened = outage::open(tx, whose, (started_at, reason)).await?;
    match opened {
        Some(id) => notify(tx, whose, (id, started_at), now).await?,
        None => notify_if_unnotified(tx, whose, now).await?,
    }
    Ok(opened.is_some())
}

/// A monitor has stopped being online, and that alone is nothing to tell anybody: whoever calls this has a rule of his own
/// for that, and calls `open` then.
pub async fn begin(
    tx: &mut Tx<'_>,
    whose: Whose,
    (started_at, reason): (Timestamp, &str),
) -> Result<(), StoreError> {
    outage::open(tx, whose, (started_at, reason)).await?;
    Ok(())
}

/// The same for many at a time, all for one reason.
pub async fn open_all(
    tx: &mut Tx<'_>,
    monitors: &[(Whose, Timestamp)],
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let opened = outage::open_all(tx, monitors, reason).await?;
    for (whose, id, started_at) in opened {
        notify(tx, whose, (id, started_at), now).await?;
    }
    Ok(())
}

/// A monitor is online again, or nobody waits for it any more.
pub async fn close(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    ended_at: Timestamp,
) -> Result<(), StoreError> {
    if let Some(incident) = outage::close(tx, monitor, ended_at).await? {
        incident::outage_ended(tx, incident, ended_at).await?;
    }
    Ok(())
}

/// What was taken for an incident was none: we could not see.
pub async fn withdraw(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<(), StoreError> {
    match outage::withdraw(tx, monitor).await? {
        Some(incident) => incident::withdraw(tx, incident, now).await,
        None => Ok(()),
    }
}

/// Tells an incident that goes on and is on no card, where its monitor is not one that is told of by a rule of its own:
/// whoever muted it wants to hear of it again. Servers are told of by their own rhythm, which is judged every minute.
pub async fn notify_if_open(
    tx: &mut Tx<'_>,
    whose: Whose,
    now: Timestamp,
) -> Result<(), StoreError> {
    notify_unnotified(tx, whose, |reason| reason != report_interval::OVERDUE, now).await
}

/// The same for one of which its own rule has said already that it is to be told.
pub async fn notify_if_unnotified(
    tx: &mut Tx<'_>,
    whose: Whose,
    now: Timestamp,
) -> Result<(), StoreError> {
    notify_unnotified(tx, whose, |_| true, now).await
}

async fn notify_unnotified(
    tx: &mut Tx<'_>,
    whose: Whose,
    is_meant: fn(&str) -> bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    match outage::unnotified(tx, whose.1).await? {
        Some((id, started_at, reason)) if is_meant(&reason) => {
            notify(tx, whose, (id, started_at), now).await
        }
        _ => Ok(()),
    }
}

/// Tells everything that goes on in a guild and was told nowhere: there is somewhere to tell it now.
pub async fn notify_all_open(
    tx: &mut Tx<'_>,
    guild: GuildId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for monitor in outage::unnotified_of(tx, guild).await? {
        notify_if_open(tx, (guild, monitor), now).await?;
    }
    Ok(())
}

/// What goes on on a card was muted or expected until now, or that is what its card says. Where the time was over by itself
/// (`has_expired`) and nobody has taken care, it is told again.
pub async fn unsilence(
    tx: &mut Tx<'_>,
    (guild, id): (GuildId, IncidentId),
    has_expired: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_waiting = incident::unsilence(tx, (guild, id), now).await?;
    if has_expired && is_waiting && destination::of(tx, guild).await?.has_channel {
        remind(tx, (guild, id), None, now).await?;
    }
    Ok(())
}

/// Has the channel reminded of a card; `set_role`: somebody else than those who were called for it.
pub async fn remind(
    tx: &mut Tx<'_>,
    (guild, of): (GuildId, IncidentId),
    responder: Option<Responder>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let reminder = incident::announce(
        tx,
        guild,
        &NotificationKind::Reminder { of, responder },
        now,
    )
    .await?;
    incident::copy_role(tx, reminder, of).await?;
    delivery::enqueue_for_channel(tx, guild, reminder).await
}

/// Puts an incident onto a card: one that is open, or one of its own.
async fn notify(
    tx: &mut Tx<'_>,
    (guild, monitor): Whose,
    (id, started_at): (i64, Timestamp),
    now: Timestamp,
) -> Result<(), StoreError> {
    if maintenance::is_in_maintenance_now(tx, (guild, monitor)).await? {
        return outage::mark_in_maintenance(tx, id).await;
    }
    if destination::of(tx, guild).await?.is_empty() || mute::is_muted(tx, monitor, now).await? {
        return Ok(());
    }
    let own = alert_override::of(tx, monitor).await?;
    if own.is_some_and(|own| !own.notify) {
        return Ok(());
    }
    let (recent, last_incident) = outage::recent(tx, monitor).await?;
    if let Some(incident) = last_incident.filter(|_| is_flapping(&recent, now)) {
        incident::reopen(tx, incident, now).await?;
        outage::add_to(tx, id, incident).await?;
        return delivery::enqueue(tx, guild, incident).await;
    }
    if delivery::backlog(tx, guild).await? >= BACKLOG
        && let Some(incident) = incident::newest(tx, guild).await?
    {
        incident::collect(tx, incident, now).await?;
        outage::add_to(tx, id, incident).await?;
        return delivery::enqueue(tx, guild, incident).await;
    }
    let one = monitors::location(tx, monitor).await?;
    // Whoever joined a card for which somebody else is called would not be heard of.
    let role = own.and_then(|own| own.role);
    let open = incident::open(tx, guild, role).await?;
    let incident: IncidentId = match grouping::choose(&open, &one, now) {
        Some((incident, group_key)) => {
            incident::join(tx, incident, &group_key, now).await?;
            incident
        }
        None => {
            let group_key = GroupKey::of(&one);
            let incident = incident::begin(tx, guild, &group_key, (started_at, now)).await?;
            if let Some(role) = role {
                incident::set_role(tx, incident, role).await?;
            }
            incident
        }
    };
    outage::add_to(tx, id, incident).await?;
    delivery::enqueue(tx, guild, incident).await
}

#[cfg(test)]
mod tests;
