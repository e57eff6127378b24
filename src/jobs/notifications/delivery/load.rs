//! Loads the next delivery of a destination with everything that decides what to do, and what its message would show.

use super::context::DeliveryContext;
use crate::actions::history;
use crate::actions::incidents::diagnose::diagnose;
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId, RoleId, UserId};
use crate::domain::event::Actor;
use crate::domain::history::range::HistoryRange;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::delivery_order::{self, QueuedDelivery, Readiness};
use crate::domain::notifications::delivery_plan::{DeliveryState, Medium, Posted, Topic, Turn};
use crate::domain::notifications::destinations::DestinationKind;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::webhook::{WebhookFormat, WebhookId};
use crate::notify::picture::renderer::DescribedPicture;
use crate::notify::summary::SummaryDocument;
use crate::notify::transport::{Address, Content, CurrentIncident, Joined, Reminder};
use crate::store::guild::guild_setting;
use crate::store::incidents::incident::{self, Incident};
use crate::store::notifications::delivery::{self, Delivery};
use crate::store::notifications::destination::Destination;
use crate::store::notifications::queue::{self, Held};
use crate::store::notifications::{alert_settings, board, webhook};
use crate::store::{Reader, StoreError};

/// A delivery and its message.
#[derive(Debug)]
pub(super) struct LoadedDelivery {
    pub(super) destination: Destination,
    pub(super) delivery: Delivery,
    /// The revision that the message shows.
    pub(super) revision: i64,
    pub(super) state: DeliveryState,
    pub(super) to: Address,
    /// Whom the message mentions, if it mentions anybody.
    pub(super) responder: Option<Responder>,
    /// The role that is mentioned instead of a person who has left the guild.
    pub(super) role: Option<RoleId>,
    pub(super) content: Content,
    pub(super) picture: AttachedPicture,
}

/// The picture of a message.
#[derive(Debug)]
pub(super) enum AttachedPicture {
    /// What is attached stays as it is.
    Unchanged,
    /// The message gets this one; `None` if there is none to get.
    New(Option<DescribedPicture>),
}

/// What a message shows, and what that means for its delivery.
struct Shown {
    topic: Topic,
    revision: i64,
    responder: Option<Responder>,
    role: Option<RoleId>,
    content: Content,
}

/// What comes next at a destination.
#[derive(Debug)]
pub(super) enum Next {
    Ready(Box<LoadedDelivery>),
    /// These are due, but wait for others that were set aside, at least until this time.
    Blocked {
        waiting: Vec<Delivery>,
        until: Timestamp,
    },
    /// Its incident has been removed.
    Obsolete(Delivery),
    Nothing,
}

/// Loads the delivery of a destination that comes next. `to`: where its messages go.
pub(super) async fn next(
    context: &DeliveryContext,
    destination: Destination,
    to: Address,
    held: Held,
) -> Result<Next, StoreError> {
    let (reader, now) = (&context.store.reader, context.clock.now());
    let pending = queue::pending(reader, destination.id, held, now).await?;
    let (mut deliveries, order): (Vec<Delivery>, Vec<QueuedDelivery>) = pending.into_iter().unzip();
    let Some(index) = delivery_order::next(&order) else {
        return Ok(blocked(deliveries, &order));
    };
    let is_due = order
        .get(index)
        .is_some_and(|one| one.readiness == Readiness::Due);
    let delivery = deliveries.swap_remove(index);
    let Some(shown) = shown(context, &destination, &delivery).await? else {
        return Ok(Next::Obsolete(delivery));
    };
    let state = state(reader, &destination, &delivery, &shown, &to).await?;
    let blocking = if is_due { state.turn } else { Turn::Blocking };
    // A follow-up changes with the incident that it is about; its deliveries count that themselves.
    let is_follow_up = matches!(state.topic, Topic::Reminder { .. });
    let revision = if is_follow_up {
        delivery.wanted_revision
    } else {
        shown.revision
    };
    Ok(Next::Ready(Box::new(LoadedDelivery {
        state: DeliveryState {
            turn: blocking,
            ..state
        },
        revision,
        responder: shown.responder,
        role: shown.role,
        content: shown.content,
        picture: AttachedPicture::Unchanged,
        destination,
        delivery,
        to,
    })))
}

/// What waits if nothing can be sent now.
fn blocked(deliveries: Vec<Delivery>, order: &[QueuedDelivery]) -> Next {
    let with = |readiness| {
        let all = deliveries.iter().zip(order);
        all.filter(move |(_, one)| one.readiness == readiness)
            .map(|(delivery, _)| delivery)
    };
    let until = with(Readiness::SetAside).map(|one| one.next_try_at).min();
    let waiting: Vec<Delivery> = with(Readiness::Due).cloned().collect();
    match until {
        Some(until) if !waiting.is_empty() => Next::Blocked { waiting, until },
        _ => Next::Nothing,
    }
}

/// Where the messages of a destination go; `None` if it has been removed.
pub(super) async fn address(
    reader: &Reader,
    destination: &Destination,
) -> Result<Option<Address>, StoreError> {
    let row = destination.address;
    Ok(match destination.kind {
        DestinationKind::Channel | DestinationKind::Board | DestinationKind::Summary => {
            Some(Address::Channel(ChannelId::from_row(row)))
        }
        DestinationKind::DirectMessage => Some(Address::User(UserId::from_row(row))),
        DestinationKind::Webhook => {
            let known = webhook::get(reader, WebhookId(row)).await?;
            known.map(|known| Address::Webhook(Box::new(known)))
        }
    })
}

/// What the message of a delivery shows; `None` if its incident has been removed.
async fn shown(
    context: &DeliveryContext,
    destination: &Destination,
    delivery: &Delivery,
) -> Result<Option<Shown>, StoreError> {
    let reader = &context.store.reader;
    let Some(id) = delivery.incident else {
        return Ok(Some(Shown {
            topic: Topic::Board,
            revision: delivery.wanted_revision,
            responder: None,
            role: None,
            content: Content::Board(board::lines(reader, destination.guild_id).await?),
        }));
    };
    let Some(mut incident) = incident::get(reader, id).await? else {
        return Ok(None);
    };
    if let NotificationKind::Reminder { of, responder } = incident.kind {
        return reminder(reader, &incident, of, responder).await;
    }
    if let NotificationKind::Joined { of, unacknowledged } = incident.kind {
        return joined(reader, &incident, of, unacknowledged).await;
    }
    if let NotificationKind::Summary {
        covers,
        outdated_at,
    } = incident.kind
    {
        let guild = destination.guild_id;
        return match outdated_at <= context.clock.now() {
            // The next one is due.
            true => Ok(None),
            false => summary(context, guild, &incident, covers).await.map(Some),
        };
    }
    // A cause that is found only later is added by an edit.
    let cause = diagnose(&context.store, &incident, false).await?;
    incident.cause = cause.apply(incident.cause);
    let topic = match incident.kind {
        NotificationKind::Incident => Topic::Outages {
            is_open: incident.ended_at.is_none(),
        },
        _ => Topic::Announcement,
    };
    let role = incident::role(reader, id).await?;
    Ok(Some(Shown {
        topic,
        revision: incident.revision,
        responder: role.map(Responder::Role),
        role,
        content: Content::Incident(Box::new(CurrentIncident {
            link: delivery::message_of(reader, id).await?,
            changes: incident::changes(reader, id, delivery.delivered_revision).await?,
            // One that was skipped was not delivered.
            delivered_revision: delivery
                .delivered_at
                .map_or(0, |_| delivery.delivered_revision),
            incident,
        })),
    }))
}

/// The message of a summary, with the figures of now.
async fn summary(
    context: &DeliveryContext,
    guild: GuildId,
    incident: &Incident,
    covers: HistoryRange,
) -> Result<Shown, StoreError> {
    let (reader, now) = (&context.store.reader, context.clock.now());
    Ok(Shown {
        topic: Topic::Announcement,
        revision: incident.revision,
        responder: None,
        role: None,
        content: Content::Summary(Box::new(SummaryDocument {
            summary: history::summary::of(reader, guild, covers, now).await?,
            zone: guild_setting::timezone(reader, guild).await?,
        })),
    })
}

/// The message about monitors that joined an incident.
async fn joined(
    reader: &Reader,
    reply: &Incident,
    of: IncidentId,
    unacknowledged: Option<Actor>,
) -> Result<Option<Shown>, StoreError> {
    let Some(incident) = incident::get(reader, of).await? else {
        return Ok(None);
    };
    let changes = incident::announced_by(reader, of, reply.id).await?;
    let role = incident::role(reader, reply.id).await?;
    Ok(Some(Shown {
        topic: Topic::Reminder {
            is_needed: changes.has_open() && incident.acknowledged.is_none(),
        },
        revision: reply.revision,
        responder: role.map(Responder::Role),
        role,
        content: Content::Joined(Box::new(Joined {
            link: delivery::message_of(reader, of).await?,
            unacknowledged,
            changes,
            incident,
        })),
    }))
}

/// The message of a reminder. It mentions a person in the channel only if that person accepts no direct messages.
async fn reminder(
    reader: &Reader,
    reminder: &Incident,
    of: IncidentId,
    responder: Option<Responder>,
) -> Result<Option<Shown>, StoreError> {
    let Some(incident) = incident::get(reader, of).await? else {
        return Ok(None);
    };
    let role = incident::role(reader, reminder.id).await?;
    Ok(Some(Shown {
        topic: Topic::Reminder {
            is_needed: incident.ended_at.is_none() && incident.acknowledged.is_none(),
        },
        revision: reminder.revision,
        responder: responder.or(role.map(Responder::Role)),
        role,
        content: Content::Reminder(Box::new(Reminder {
            link: delivery::message_of(reader, of).await?,
            incident,
        })),
    }))
}

async fn state(
    reader: &Reader,
    destination: &Destination,
    delivery: &Delivery,
    shown: &Shown,
    to: &Address,
) -> Result<DeliveryState, StoreError> {
    let medium = match to {
        Address::Channel(_) | Address::User(_) => Medium::Editable,
        Address::Webhook(webhook) if webhook.format == WebhookFormat::Standard => Medium::Programs,
        Address::Webhook(_) => Medium::AppendOnly,
    };
    let posted = match (medium, delivery.message, delivery.lost_messages) {
        (Medium::Editable, Some(_), _) => Posted::Yes,
        (Medium::Editable, None, 1..) => Posted::Lost,
        (Medium::Editable, None, 0) => Posted::No,
        _ if delivery.delivered_at.is_some() => Posted::Yes,
        _ => Posted::No,
    };
    let mut state = DeliveryState {
        topic: shown.topic,
        medium,
        posted,
        may_be_posted: delivery.may_be_posted && medium == Medium::Editable,
        delivered_at: delivery.delivered_at,
        has_news: false,
        turn: Turn::Own,
        notify_on_recovery: true,
    };
    let (Topic::Outages { .. }, Some(incident)) = (shown.topic, delivery.incident) else {
        return Ok(state);
    };
    // All its outages were retracted.
    let is_false_alarm = match &shown.content {
        Content::Incident(current) => current.incident.counts.monitors == 0,
        _ => false,
    };
    let revision = delivery.delivered_revision;
    state.has_news = is_false_alarm || queue::has_news(reader, incident, revision).await?;
    if queue::is_superseded(reader, destination.id, incident).await? {
        state.turn = Turn::Superseded;
    }
    let settings = alert_settings::get(reader, destination.guild_id).await?;
    state.notify_on_recovery =
        settings.is_none_or(|settings| settings.preferences.notify_on_recovery);
    Ok(state)
}
