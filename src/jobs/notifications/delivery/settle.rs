//! Records what became of a delivery, in one transaction.

use std::time::Duration;

use super::broken;
use super::context::DeliveryContext;
use super::load::{AttachedPicture, LoadedDelivery};
use crate::domain::Timestamp;
use crate::domain::discord_id::MessageRef;
use crate::domain::notifications::delivery_plan::{self, Attempt, Progress, Settlement};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::domain::notifications::destinations::DestinationKind;
use crate::notify::transport::Address;
use crate::store::notifications::delivery::{self, Delivery, FailedAttempt, Receipt};
use crate::store::notifications::destination::{self, Destination};
use crate::store::{Effect, StoreError, Tx};

/// Holds a delivery until a time.
pub(super) async fn hold(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
    until: Timestamp,
) -> Result<(), StoreError> {
    hold_all(context, vec![loaded.delivery.clone()], until).await
}

/// Holds deliveries until a time.
pub(super) async fn hold_all(
    context: &DeliveryContext,
    deliveries: Vec<Delivery>,
    until: Timestamp,
) -> Result<(), StoreError> {
    let writer = &context.store.writer;
    writer
        .transact::<(), StoreError>(move |tx| {
            Box::pin(async move {
                for delivery in &deliveries {
                    delivery::held(tx, delivery, until).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Removes a delivery that is about nothing any longer.
pub(super) async fn remove(context: &DeliveryContext, id: i64) -> Result<(), StoreError> {
    let writer = &context.store.writer;
    writer
        .transact::<(), StoreError>(move |tx| Box::pin(delivery::remove(tx, id)))
        .await
}

/// Completes a delivery without a message.
pub(super) async fn skip(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
) -> Result<(), StoreError> {
    let (id, revision) = (loaded.delivery.id, loaded.revision);
    let writer = &context.store.writer;
    writer
        .transact::<(), StoreError>(move |tx| Box::pin(delivery::skipped(tx, id, revision)))
        .await
}

/// Records that a first message is about to be sent.
pub(super) async fn begin(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
) -> Result<(), StoreError> {
    let id = loaded.delivery.id;
    let writer = &context.store.writer;
    writer
        .transact::<(), StoreError>(move |tx| Box::pin(delivery::begin(tx, id)))
        .await
}

/// Records the result of an attempt.
pub(super) async fn sent(
    context: &DeliveryContext,
    loaded: LoadedDelivery,
    sent: Result<Option<MessageRef>, DeliveryError>,
) -> Result<(), StoreError> {
    let now = context.clock.now();
    let settlement = delivery_plan::settle(
        &attempt(&loaded),
        sent.as_ref().map(|_| ()),
        fastrand::f64(),
        now,
    );
    log(&loaded, &settlement, &sent, now);
    let broke = settlement.health.broke_after(&loaded.destination.health);
    let broke = broke.map(str::to_owned);
    let is_unanswered = matches!(
        sent,
        Err(DeliveryError::Retry {
            is_unanswered: true,
            ..
        })
    );
    let message = sent.ok().flatten();
    let settling = Settling {
        settlement,
        may_be_posted: loaded.delivery.may_be_posted || is_unanswered,
        receipt: Receipt {
            revision: loaded.revision,
            message,
            has_picture: matches!(loaded.picture, AttachedPicture::New(_)),
            at: now,
            next_try_at: now.plus(pause(context, loaded.destination.kind)),
        },
    };
    let (destination, known) = (loaded.destination.clone(), loaded.delivery.clone());
    let recorded = context
        .store
        .writer
        .transact::<_, StoreError>({
            let broke = broke.clone();
            move |tx| {
                Box::pin(async move {
                    let recorded = record(tx, &destination, &known, settling).await?;
                    if let (Effect::Changed, Some(reason)) = (recorded.health, &broke) {
                        broken::announce(tx, &destination, reason, now).await?;
                    }
                    Ok(recorded)
                })
            }
        })
        .await?;
    if recorded.delivery == Effect::Nothing {
        delete_duplicate(context, &loaded, message).await;
    }
    match (recorded.health, broke) {
        (Effect::Changed, Some(reason)) => {
            broken::notify_person(context, &loaded.destination, &reason).await
        }
        _ => Ok(()),
    }
}

fn attempt(loaded: &LoadedDelivery) -> Attempt {
    let is_elsewhere = match (&loaded.to, loaded.delivery.message) {
        (Address::Channel(channel), Some(message)) => message.channel != *channel,
        _ => false,
    };
    Attempt {
        kind: loaded.destination.kind,
        health: loaded.destination.health.clone(),
        faults: loaded.delivery.faults,
        is_elsewhere,
    }
}

/// The shortest time between two messages of one delivery: boards change often, and nobody has to know within a second.
fn pause(context: &DeliveryContext, kind: DestinationKind) -> Duration {
    match kind {
        DestinationKind::Board => context.board_interval,
        _ => Duration::ZERO,
    }
}

/// What is to be recorded.
struct Settling {
    settlement: Settlement,
    /// Whether a first message may have been posted although the attempt failed.
    may_be_posted: bool,
    /// If it was delivered.
    receipt: Receipt,
}

impl Settling {
    fn failed(&self, faults: u32, next_try_at: Timestamp) -> FailedAttempt {
        FailedAttempt {
            faults,
            may_be_posted: self.may_be_posted,
            next_try_at,
        }
    }
}

/// What was recorded of an attempt.
struct RecordedAttempt {
    /// `Nothing`: the message was replaced while this one was being sent.
    delivery: Effect,
    /// `Nothing`: the destination was changed during the attempt, so the result does not apply to it.
    health: Effect,
}

/// Records an attempt.
async fn record(
    tx: &mut Tx<'_>,
    destination: &Destination,
    known: &Delivery,
    settling: Settling,
) -> Result<RecordedAttempt, StoreError> {
    let (progress, receipt) = (settling.settlement.progress, settling.receipt);
    let sent_at = (progress == Progress::Delivered).then_some(receipt.at);
    let health = &settling.settlement.health;
    let health = destination::set_health(tx, destination, health, sent_at).await?;
    let has_recovered = sent_at.is_some() && destination.health.attempts > 0;
    if has_recovered && destination.kind.is_discord() {
        destination::discord_works(tx).await?;
    }
    const WITH_DESTINATION: Timestamp = Timestamp::from_millis(0);
    let mut recorded = RecordedAttempt {
        delivery: Effect::Changed,
        health,
    };
    match progress {
        Progress::Delivered => {
            recorded.delivery = delivery::delivered(tx, known, receipt).await?;
        }
        Progress::Failed => {
            let failed = settling.failed(known.faults, WITH_DESTINATION);
            delivery::failed(tx, known.id, failed).await?;
        }
        Progress::Fault => {
            let failed = settling.failed(known.faults + 1, WITH_DESTINATION);
            delivery::failed(tx, known.id, failed).await?;
        }
        Progress::SetAside { faults, until } => {
            delivery::failed(tx, known.id, settling.failed(faults, until)).await?;
        }
        Progress::MessageLost => delivery::message_lost(tx, known).await?,
        Progress::ToChannel => delivery::to_channel(tx, destination.guild_id, known).await?,
        Progress::Unchanged => delivery::not_sent(tx, known).await?,
    }
    Ok(recorded)
}

/// Deletes a board that was posted while it was being moved to another channel.
async fn delete_duplicate(
    context: &DeliveryContext,
    loaded: &LoadedDelivery,
    message: Option<MessageRef>,
) {
    let is_new = loaded.delivery.message.is_none();
    let (Some(message), Some(messenger), true) = (message, &context.discord, is_new) else {
        return;
    };
    if let Err(error) = messenger.delete_message(message).await {
        let guild = loaded.destination.guild_id;
        tracing::warn!(%guild, %error, "cannot delete duplicate board");
    }
}

fn log(
    loaded: &LoadedDelivery,
    settlement: &Settlement,
    sent: &Result<Option<MessageRef>, DeliveryError>,
    now: Timestamp,
) {
    let destination = &loaded.destination;
    let (kind, guild) = (destination.kind.as_str(), destination.guild_id);
    let Err(error) = sent else {
        if destination.health.broken.is_some() {
            tracing::info!(destination = destination.id.0, kind, %guild, "a broken destination works again");
        }
        return;
    };
    if *error == DeliveryError::MessageGone {
        tracing::debug!(delivery = loaded.delivery.id, kind, %guild, "the message was deleted, posting it again");
        return;
    }
    let next = match settlement.progress {
        Progress::SetAside { until, .. } => until,
        _ => settlement.health.next_try_at,
    };
    tracing::warn!(
        delivery = loaded.delivery.id,
        kind,
        %guild,
        %error,
        retry_seconds = next.since(now).as_secs_f64().ceil(),
        "cannot deliver a notification"
    );
}
