//! Notifies about a monitor that joins an incident after they have read its message: its acknowledgment did not cover that
//! monitor, and an edit of an old message is seen by nobody. So the acknowledgment is taken back, and a reply mentions the
//! on-call role, at most once a minute.

use crate::domain::Timestamp;
use crate::domain::event::Actor;
use crate::domain::incidents::grouping::{ANNOUNCED, ANNOUNCEMENT_GAP, IncidentRef};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::store::incidents::incident::{self, JoinedReply};
use crate::store::incidents::outage;
use crate::store::notifications::delivery;
use crate::store::{StoreError, Tx};

/// Announces that an outage has joined an incident with its latest revision, if an edit does not tell people.
pub(super) async fn announce(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    outage: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(known) = incident::joined(tx, incident.id).await? else {
        return Ok(());
    };
    if known.acknowledged_by.is_some() {
        incident::unacknowledge(tx, incident.id, now).await?;
    }
    let is_old = now.since(known.created_at) > ANNOUNCED;
    // Its first message, still to be posted, mentions the role.
    if !known.is_posted || !(is_old || known.acknowledged_by.is_some()) {
        return Ok(());
    }
    if let Some(reply) = known.reply.filter(|reply| reply.is_pending) {
        amend(tx, incident, reply, known.acknowledged_by).await?;
        outage::announced_by(tx, outage, reply.id).await?;
        // It may be on its way without this outage.
        return delivery::renew(tx, reply.id).await;
    }
    let kind = NotificationKind::Joined {
        of: incident.id,
        unacknowledged: known.acknowledged_by,
    };
    let reply = incident::announce(tx, incident.guild, &kind, now).await?;
    outage::announced_by(tx, outage, reply).await?;
    incident::copy_role(tx, reply, incident.id).await?;
    let at = earliest(known.reply, now);
    incident::set_joined_reply(tx, incident.id, reply, at).await?;
    delivery::enqueue_for_channel_at(tx, incident.guild, reply, at).await
}

/// When another reply may be sent after the last one.
fn earliest(last: Option<JoinedReply>, now: Timestamp) -> Timestamp {
    let next = last.map(|last| last.at.plus(ANNOUNCEMENT_GAP));
    // A time far ahead comes from a clock that has been set back since.
    let next = next.filter(|at| at.since(now) <= ANNOUNCEMENT_GAP);
    next.map_or(now, |at| at.max(now))
}

/// The reply that waits shows this outage, too. It only has to say whose acknowledgment was taken back.
async fn amend(
    tx: &mut Tx<'_>,
    incident: IncidentRef,
    reply: JoinedReply,
    unacknowledged: Option<Actor>,
) -> Result<(), StoreError> {
    if unacknowledged.is_none() {
        return Ok(());
    }
    let kind = NotificationKind::Joined {
        of: incident.id,
        unacknowledged,
    };
    incident::amend(tx, reply.id, &kind).await
}
