//! Opens and closes outages, and in the same transaction updates their incident and enqueues its deliveries. This is the
//! only path to an outage, so that none is left without its notification.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::incidents::flapping::is_flapping;
use crate::domain::incidents::grouping::{self, GroupKey, IncidentId, IncidentRef};
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::store::incidents::{incident, outage};
use crate::store::monitors::monitor as monitors;
use crate::store::notifications::{alert_override, delivery, destination};
use crate::store::silences::{maintenance, mute};
use crate::store::{StoreError, Tx};

/// Maximum number of incidents of a guild whose first delivery is pending: people do not read more messages than that.
/// Further outages are collected in the newest of these incidents, which counts them.
const BACKLOG: u64 = 100;

/// Opens an outage of a monitor and notifies about it. If one is open already, opens no second one, but notifies about the
/// open one if it is in no incident yet. Returns whether an outage was opened.
pub async fn open(
    tx: &mut Tx<'_>,
    monitor: MonitorRef,
    started_at: Timestamp,
    reason: OutageReason,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let opened = outage::open(tx, monitor, started_at, reason).await?;
    match opened {
        Some(id) => notify(tx, monitor, id, started_at, now).await?,
        None => notify_if_unnotified(tx, monitor, now).await?,
    }
    Ok(opened.is_some())
}

/// Opens an outage without a notification: the caller has a separate rule for notifications, and calls `open` when that
/// rule applies.
pub async fn begin(
    tx: &mut Tx<'_>,
    monitor: MonitorRef,
    started_at: Timestamp,
    reason: OutageReason,
) -> Result<(), StoreError> {
    outage::open(tx, monitor, started_at, reason).await?;
    Ok(())
}

/// Opens outages of many monitors for one reason, and notifies about those that were not open already.
pub async fn open_all(
    tx: &mut Tx<'_>,
    monitors: &[(MonitorRef, Timestamp)],
    reason: OutageReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    let opened = outage::open_all(tx, monitors, reason).await?;
    for one in opened {
        notify(tx, one.monitor, one.id, one.started_at, now).await?;
    }
    Ok(())
}

/// Closes the open outage of a monitor, if there is one: it has recovered, or is no longer monitored.
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

/// Withdraws the open outage of a monitor: it was none, because Rollcall had lost connectivity.
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

/// Notifies about an open outage that is in no incident, such as one whose mute has ended. Leaves out overdue servers: the
/// rule for their notifications is their own report interval, which is evaluated every minute.
pub async fn notify_if_open(
    tx: &mut Tx<'_>,
    monitor: MonitorRef,
    now: Timestamp,
) -> Result<(), StoreError> {
    notify_unnotified(tx, monitor, |reason| reason != OutageReason::Overdue, now).await
}

/// The same, including overdue servers: the caller knows that their own rule has applied already.
pub async fn notify_if_unnotified(
    tx: &mut Tx<'_>,
    monitor: MonitorRef,
    now: Timestamp,
) -> Result<(), StoreError> {
    notify_unnotified(tx, monitor, |_| true, now).await
}

async fn notify_unnotified(
    tx: &mut Tx<'_>,
    monitor: MonitorRef,
    applies_to: fn(OutageReason) -> bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    match outage::unnotified(tx, monitor.id).await? {
        Some((id, started_at, reason)) if applies_to(reason) => {
            notify(tx, monitor, id, started_at, now).await
        }
        _ => Ok(()),
    }
}

/// Notifies about all open outages of a guild that are in no incident, once it has a destination for them.
pub async fn notify_all_open(
    tx: &mut Tx<'_>,
    guild: GuildId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for monitor in outage::unnotified_of(tx, guild).await? {
        let monitor = MonitorRef { guild, id: monitor };
        notify_if_open(tx, monitor, now).await?;
    }
    Ok(())
}

/// Clears the silence that an incident shows, after a mute or maintenance of its monitors has ended. If that expired by
/// itself (`has_expired`) and the incident is not acknowledged, sends a reminder.
pub async fn unsilence(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    has_expired: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_waiting = incident::unsilence(tx, incident, now).await?;
    if has_expired && is_waiting && destination::of(tx, incident.guild).await?.has_channel {
        remind(tx, incident, None, now).await?;
    }
    Ok(())
}

/// Sends a reminder about an incident to the channel. It mentions `responder`, or by default the role of the incident.
pub async fn remind(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    responder: Option<Responder>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let IncidentRef { guild, id: of } = incident;
    let kind = NotificationKind::Reminder { of, responder };
    let reminder = incident::announce(tx, guild, &kind, now).await?;
    incident::copy_role(tx, reminder, of).await?;
    delivery::enqueue_for_channel(tx, guild, reminder).await
}

/// Adds an outage to an open incident, or to a new one, and enqueues its deliveries. Does neither while the monitor is
/// silenced or there is no destination.
async fn notify(
    tx: &mut Tx<'_>,
    monitor: MonitorRef,
    id: i64,
    started_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let MonitorRef { guild, id: monitor } = monitor;
    if maintenance::is_in_maintenance_now(tx, monitor).await? {
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
    // An incident mentions one role. In an incident of another role, this monitor's responders would not be notified.
    let role = own.and_then(|own| own.role);
    let open = incident::open(tx, guild, role).await?;
    let incident: IncidentId = match grouping::choose(&open, &one, now) {
        Some((incident, group_key)) => {
            incident::join(tx, incident, &group_key, now).await?;
            incident
        }
        None => {
            let group_key = GroupKey::of(&one);
            let incident = incident::begin(tx, guild, &group_key, started_at, now).await?;
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
