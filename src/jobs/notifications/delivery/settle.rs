//! Records what became of a delivery, in one transaction.

use std::time::Duration;

use super::broken;
use super::load::LoadedDelivery;
use crate::domain::Timestamp;
use crate::domain::discord_id::MessageRef;
use crate::domain::notifications::delivery_plan::{self, Attempt, Progress, Settlement};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::domain::notifications::destinations::DestinationKind;
use crate::jobs::JobContext;
use crate::notify::transport::Address;
use crate::store::notifications::delivery::{self, Delivery, Receipt};
use crate::store::notifications::destination::{self, Destination};
use crate::store::{Effect, StoreError, Tx};

/// Holds a delivery until a time.
pub(super) async fn hold(
    context: &JobContext,
    loaded: &LoadedDelivery,
    until: Timestamp,
) -> Result<(), StoreError> {
    let known = loaded.delivery.clone();
    let writer = &context.store.writer;
    writer
        .transact::<(), StoreError>(move |tx| {
            Box::pin(async move { delivery::held(tx, &known, until).await })
        })
        .await
}

/// Completes a delivery without a message.
pub(super) async fn skip(context: &JobContext, loaded: &LoadedDelivery) -> Result<(), StoreError> {
    let (id, revision) = (loaded.delivery.id, loaded.revision);
    let writer = &context.store.writer;
    writer
        .transact::<(), StoreError>(move |tx| Box::pin(delivery::skipped(tx, id, revision)))
        .await
}

/// Records the result of an attempt.
pub(super) async fn sent(
    context: &JobContext,
    loaded: LoadedDelivery,
    sent: Result<Option<MessageRef>, DeliveryError>,
) -> Result<(), StoreError> {
    let now = context.checks.clock.now();
    let settlement = delivery_plan::settle(
        &attempt(&loaded),
        sent.as_ref().map(|_| ()),
        fastrand::f64(),
        now,
    );
    log(&loaded, &settlement, &sent, now);
    let broke = settlement.health.broke_after(&loaded.destination.health);
    let broke = broke.map(str::to_owned);
    let message = sent.ok().flatten();
    let settling = Settling {
        settlement,
        receipt: Receipt {
            revision: loaded.revision,
            message,
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
                    if let Some(reason) = &broke {
                        broken::announce(tx, &destination, reason, now).await?;
                    }
                    Ok(recorded)
                })
            }
        })
        .await?;
    if recorded == Effect::Nothing {
        delete_duplicate(context, &loaded, message).await;
    }
    match broke {
        Some(reason) => broken::notify_person(context, &loaded.destination, &reason).await,
        None => Ok(()),
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
        attempts: loaded.delivery.attempts,
        is_elsewhere,
    }
}

/// The shortest time between two messages of one delivery: boards change often, and nobody has to know within a second.
fn pause(context: &JobContext, kind: DestinationKind) -> Duration {
    match kind {
        DestinationKind::Board => context.board_interval,
        _ => Duration::ZERO,
    }
}

/// What is to be recorded.
struct Settling {
    settlement: Settlement,
    /// If it was delivered.
    receipt: Receipt,
}

/// Records an attempt; `Nothing` if the message was replaced while this one was being sent.
async fn record(
    tx: &mut Tx<'_>,
    destination: &Destination,
    known: &Delivery,
    settling: Settling,
) -> Result<Effect, StoreError> {
    let (progress, receipt) = (settling.settlement.progress, settling.receipt);
    let sent_at = (progress == Progress::Delivered).then_some(receipt.at);
    let health = &settling.settlement.health;
    // `Nothing`: it has another address by now, of which this attempt says nothing.
    let _ = destination::set_health(tx, destination, health, sent_at).await?;
    let has_recovered = sent_at.is_some() && destination.health.attempts > 0;
    if has_recovered && destination.kind.is_discord() {
        destination::discord_works(tx).await?;
    }
    const WITH_DESTINATION: Timestamp = Timestamp::from_millis(0);
    match progress {
        Progress::Delivered => return delivery::delivered(tx, known, receipt).await,
        Progress::Failed => delivery::failed(tx, known.id, WITH_DESTINATION).await?,
        Progress::SetAside(until) => delivery::failed(tx, known.id, until).await?,
        Progress::MessageLost => delivery::message_lost(tx, known.id).await?,
        Progress::ToChannel => delivery::to_channel(tx, destination.guild_id, known).await?,
        Progress::Unchanged => {}
    }
    Ok(Effect::Changed)
}

/// Deletes a board that was posted while somebody moved it to another channel.
async fn delete_duplicate(
    context: &JobContext,
    loaded: &LoadedDelivery,
    message: Option<MessageRef>,
) {
    let is_new = loaded.delivery.message.is_none();
    let (Some(message), Some(messenger), true) = (message, &context.senders.messenger, is_new)
    else {
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
        Progress::SetAside(until) => until,
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
