//! Sends the message of a delivery to its destination.

use std::time::Duration;

use super::load::LoadedDelivery;
use crate::domain::Timestamp;
use crate::domain::discord_id::MessageRef;
use crate::domain::notifications::delivery_plan::Step;
use crate::domain::notifications::destination_health::DeliveryError;
use crate::jobs::JobContext;
use crate::notify::transport::{Address, Content, Outgoing, Place, Transport};

/// No destination takes this long: each transport has limits of its own below it.
const LONGEST: Duration = Duration::from_secs(60);

/// Posts or edits the message of a delivery.
pub(super) async fn send(
    context: &JobContext,
    loaded: &LoadedDelivery,
    step: Step,
    now: Timestamp,
) -> Result<Option<MessageRef>, DeliveryError> {
    let outgoing = Outgoing {
        to: loaded.to.clone(),
        place: place(loaded, step),
        content: loaded.content.clone(),
        nonce: nonce(loaded),
        now,
    };
    let transport: &dyn Transport = match (&loaded.to, &context.senders.messenger) {
        (Address::Webhook(_), _) => &context.senders.webhooks,
        (_, Some(messenger)) => &**messenger,
        (_, None) => return Err(later("there is no connection to Discord")),
    };
    let sent = tokio::time::timeout(LONGEST, transport.deliver(&outgoing)).await;
    let sent = sent.unwrap_or_else(|_| Err(later("it did not respond in time")));
    let result = if sent.is_ok() { "sent" } else { "failed" };
    let attempts = &context.metrics.notifications;
    attempts
        .with_label_values(&[loaded.destination.kind.as_str(), result])
        .inc();
    sent
}

fn later(reason: &str) -> DeliveryError {
    DeliveryError::Retry {
        after: None,
        reason: reason.into(),
    }
}

fn place(loaded: &LoadedDelivery, step: Step) -> Place {
    if let (Step::Edit, Some(message)) = (step, loaded.delivery.message) {
        return Place::Existing(message);
    }
    let is_mentioned =
        step == Step::Post { mention: true } && !matches!(loaded.to, Address::User(_));
    Place::New {
        mention: loaded.responder.filter(|_| is_mentioned),
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
