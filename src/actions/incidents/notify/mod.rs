//! Notifies about outages: adds each to an incident, and enqueues the deliveries of the incident in the same transaction, so
//! that no outage is left without its notification.

mod joined;

use crate::domain::Timestamp;
use crate::domain::discord_id::{GuildId, RoleId};
use crate::domain::incidents::flapping::{SETTLED_DOWN, is_flapping};
use crate::domain::incidents::grouping::{self, GroupKey, IncidentId, IncidentRef, OpenIncident};
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::MonitorRef;
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::store::incidents::outage::Opened;
use crate::store::incidents::{incident, outage};
use crate::store::monitors::monitor as monitors;
use crate::store::notifications::{alert_override, alert_settings, delivery, destination};
use crate::store::silences::silence;
use crate::store::{StoreError, Tx};

/// Maximum number of incidents of a guild whose first delivery is pending: people do not read more messages than that.
/// Further outages are collected in the newest of these incidents, which counts them.
const BACKLOG: u64 = 100;

/// Notifies about the open outages of a monitor that are in no incident, such as one whose mute has ended. Leaves out overdue servers: the
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
    for opened in outage::unnotified(tx, monitor).await? {
        if applies_to(opened.reason) {
            notify(tx, opened, now).await?;
        }
    }
    Ok(())
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
    if has_expired && is_waiting && destination::of(tx, incident.guild).await?.channel.is_some() {
        remind(tx, incident, None, now).await?;
    }
    Ok(())
}

/// Sends a reminder about an incident: to `responder` if that is one person, otherwise to the channel, where it mentions
/// `responder`, or by default the role of the incident.
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
    match responder {
        Some(Responder::User(user)) => {
            delivery::enqueue_for_user(tx, guild, user, reminder, now).await
        }
        Some(Responder::Role(_)) | None => delivery::enqueue_for_channel(tx, guild, reminder).await,
    }
}

/// Notifies about all open outages of a guild whose notification was held back by a silence, as far as no other silence
/// covers them.
pub async fn notify_held(
    tx: &mut Tx<'_>,
    guild: GuildId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for monitor in outage::held(tx, guild).await? {
        notify_if_unnotified(tx, MonitorRef { guild, id: monitor }, now).await?;
    }
    Ok(())
}

/// Adds an outage to an open incident, or to a new one, and enqueues its deliveries. Does neither while the monitor is
/// silenced or there is no destination, nor for a warning if the guild wants none, nor for an address that the operator's policy
/// has never let Rollcall check: nobody on call can change that.
pub async fn notify(tx: &mut Tx<'_>, opened: Opened, now: Timestamp) -> Result<(), StoreError> {
    let MonitorRef { guild, id: monitor } = opened.monitor;
    if let Some(kind) = silence::of(tx, monitor, now).await? {
        return outage::hold(tx, opened.id, kind).await;
    }
    let own = alert_override::of(tx, monitor).await?;
    let is_off = own.is_some_and(|own| !own.notify);
    if is_off
        || destination::of(tx, guild).await?.is_empty()
        || is_unwanted_warning(tx, &opened).await?
        || outage::was_never_allowed(tx, opened.id).await?
    {
        return outage::release(tx, opened.id).await;
    }
    let (recent, last_incident) = outage::recent(tx, opened.source()).await?;
    // One that a silence held back until now may have stayed offline for too long.
    let may_flap = now.since(opened.started_at) < SETTLED_DOWN && is_flapping(&recent, now);
    if let Some(incident) = last_incident.filter(|_| may_flap) {
        incident::reopen(tx, incident, now).await?;
        outage::add_to(tx, opened.id, incident, true).await?;
        return delivery::enqueue(tx, guild, incident).await;
    }
    if delivery::backlog(tx, guild).await? >= BACKLOG
        && let Some(incident) = incident::newest(tx, guild).await?
    {
        incident::collect(tx, incident, now).await?;
        outage::add_to(tx, opened.id, incident, false).await?;
        let grown = IncidentRef {
            guild,
            id: incident,
        };
        joined::announce(tx, grown, opened.id, now).await?;
        return delivery::enqueue(tx, guild, incident).await;
    }
    let role = own.and_then(|own| own.role);
    join_or_begin(tx, opened, role, now).await
}

/// Whether an outage is a warning, and the guild wants no notifications about warnings.
async fn is_unwanted_warning(tx: &mut Tx<'_>, opened: &Opened) -> Result<bool, StoreError> {
    if opened.reason != OutageReason::LimitWarning {
        return Ok(false);
    }
    let settings = alert_settings::find(tx, opened.monitor.guild).await?;
    Ok(settings.is_some_and(|settings| !settings.preferences.notify_on_warning))
}

/// Adds an outage to the open incident that it belongs to, or opens one. An incident mentions one role: in an incident of
/// another role, this monitor's responders would not be notified.
async fn join_or_begin(
    tx: &mut Tx<'_>,
    opened: Opened,
    role: Option<RoleId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let open = incident::open(tx, opened.monitor.guild, role).await?;
    join_one_of(tx, opened, &Candidates { open, role }, now).await?;
    Ok(())
}

/// Notifies again about the outage of a flapping monitor that stayed offline. It joins no older incident, or its message
/// would be an edit that nobody sees, but one of other such monitors. Returns its new incident; `None` if there is no
/// destination, or too many incidents wait for delivery.
pub(super) async fn again(
    tx: &mut Tx<'_>,
    opened: Opened,
    role: Option<RoleId>,
    now: Timestamp,
) -> Result<Option<IncidentId>, StoreError> {
    let guild = opened.monitor.guild;
    let is_full = delivery::backlog(tx, guild).await? >= BACKLOG;
    if is_full || destination::of(tx, guild).await?.is_empty() {
        return Ok(None);
    }
    let continuing = incident::continuing(tx, guild).await?;
    let mut open = incident::open(tx, guild, role).await?;
    open.retain(|incident| continuing.contains(&incident.id));
    let incident = join_one_of(tx, opened, &Candidates { open, role }, now).await?;
    Ok(Some(incident))
}

/// The open incidents that an outage may join, and the role of a new one.
struct Candidates {
    open: Vec<OpenIncident<IncidentId>>,
    role: Option<RoleId>,
}

async fn join_one_of(
    tx: &mut Tx<'_>,
    opened: Opened,
    candidates: &Candidates,
    now: Timestamp,
) -> Result<IncidentId, StoreError> {
    let guild = opened.monitor.guild;
    let place = monitors::location(tx, opened.monitor.id).await?;
    if let Some((known, group_key)) = grouping::choose(&candidates.open, &place, now) {
        incident::join(tx, known.id, &group_key, now).await?;
        outage::add_to(tx, opened.id, known.id, false).await?;
        let grown = IncidentRef {
            guild,
            id: known.id,
        };
        joined::announce(tx, grown, opened.id, now).await?;
        delivery::enqueue(tx, guild, known.id).await?;
        return Ok(known.id);
    }
    let group_key = GroupKey::of(&place);
    let incident = incident::begin(tx, guild, &group_key, opened.started_at, now).await?;
    if let Some(role) = candidates.role {
        incident::set_role(tx, incident, role).await?;
    }
    outage::add_to(tx, opened.id, incident, false).await?;
    delivery::enqueue(tx, guild, incident).await?;
    Ok(incident)
}

#[cfg(test)]
mod tests;
