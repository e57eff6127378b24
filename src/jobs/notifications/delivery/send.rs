//! Sends the message of a delivery to its destination.

use std::time::Duration;

use super::context::DeliveryContext;
use super::load::{AttachedPicture, LoadedDelivery};
use crate::clock::Stopwatch;
use crate::domain::Timestamp;
use crate::domain::discord_id::MessageRef;
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::delivery_plan::Step;
use crate::domain::notifications::destination_health::DeliveryError;
use crate::health::{Health, UNANSWERED};
use crate::notify::transport::{Address, Content, Outgoing, Place};

/// No destination takes this long: each transport has limits of its own below it.
const LONGEST: Duration = Duration::from_secs(60);

/// Posts or edits the message of a delivery.
pub(super) async fn send(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
    step: Step,
    now: Timestamp,
) -> Result<Option<MessageRef>, DeliveryError> {
    let attempting = Stopwatch::start();
    let result = attempt(context, loaded, step, now).await;
    if loaded.destination.kind.is_discord() {
        record_answer(&context.health, loaded, &result, attempting.elapsed());
    }
    let label = if result.is_ok() { "sent" } else { "failed" };
    let attempts = &context.metrics.notifications;
    attempts
        .with_label_values(&[loaded.destination.kind.as_str(), label])
        .inc();
    result
}

/// Records whether Discord answered a message. A refusal with a reason is an answer: it concerns this destination only.
/// Receivers of webhooks do not count, because they are not Rollcall's.
fn record_answer(
    health: &Health,
    loaded: &LoadedDelivery,
    result: &Result<Option<MessageRef>, DeliveryError>,
    took: Duration,
) {
    match result {
        Ok(_)
        | Err(
            DeliveryError::DestinationBroken(_)
            | DeliveryError::Rejected(_)
            | DeliveryError::MessageGone,
        ) => health.message_answered(),
        // A rate limit, which is over soon.
        Err(DeliveryError::Retry {
            after: Some(wait), ..
        }) if *wait < UNANSWERED => {}
        Err(DeliveryError::Retry { .. }) => {
            health.message_unanswered(loaded.destination.guild_id.0, took);
        }
        // The token is a fact of its own.
        Err(DeliveryError::Unauthorized) => {}
    }
}

async fn attempt(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
    step: Step,
    now: Timestamp,
) -> Result<Option<MessageRef>, DeliveryError> {
    let responder = responder(context, loaded, step).await?;
    let outgoing = Outgoing {
        to: loaded.to.clone(),
        place: place(loaded, step, responder),
        content: loaded.content.clone(),
        picture: match &loaded.picture {
            AttachedPicture::New(picture) => picture.clone(),
            AttachedPicture::Unchanged => None,
        },
        nonce: nonce(loaded),
        now,
    };
    let transport = context.transport(&loaded.to);
    let transport = transport.ok_or_else(|| later("there is no connection to Discord"))?;
    let sent = tokio::time::timeout(LONGEST, transport.deliver(&outgoing)).await;
    sent.unwrap_or_else(|_| Err(later("it did not respond in time")))
}

fn later(reason: &str) -> DeliveryError {
    DeliveryError::Retry {
        is_unanswered: true,
        after: None,
        reason: reason.into(),
    }
}

/// Whom the message mentions. A person who has left the guild gets no message about it, and is not mentioned.
async fn responder(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
    step: Step,
) -> Result<Option<Responder>, DeliveryError> {
    let responder = match loaded.to {
        // An edit notifies nobody.
        _ if step == Step::Edit => return Ok(None),
        Address::User(user) => Some(Responder::User(user)),
        _ if step == (Step::Post { mention: true }) => loaded.responder,
        _ => None,
    };
    let (Some(Responder::User(user)), Some(messenger)) = (responder, &context.discord) else {
        return Ok(responder);
    };
    let guild = loaded.destination.guild_id;
    match (messenger.is_member(guild, user).await?, &loaded.to) {
        // A direct message has no need for a mention.
        (true, Address::User(_)) => Ok(None),
        (true, _) => Ok(responder),
        (false, Address::User(_)) => {
            let reason = "this person is not a member of the Discord server";
            Err(DeliveryError::DestinationBroken(reason.into()))
        }
        (false, _) => Ok(loaded.role.map(Responder::Role)),
    }
}

fn place(loaded: &LoadedDelivery, step: Step, mention: Option<Responder>) -> Place {
    if let (Step::Edit, Some(message)) = (step, loaded.delivery.message) {
        return Place::Existing(message);
    }
    Place::New {
        mention,
        reply_to: match &loaded.content {
            Content::Joined(joined) => joined.link,
            _ => None,
        },
    }
}

/// Identifies the message. In Discord, it stays the same until the message is lost; a webhook gets another one for each
/// revision.
fn nonce(loaded: &LoadedDelivery) -> String {
    let delivery = &loaded.delivery;
    match loaded.to {
        Address::Webhook(_) => format!("{}_{}", delivery.id, loaded.revision),
        Address::Channel(_) | Address::User(_) => {
            format!("{}-{}", delivery.id, delivery.lost_messages)
        }
    }
}
