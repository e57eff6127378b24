//! Empties the outbox: shows every card that has changed since it was told, at once when something happens, and later when
//! it could not be shown.
//!
//! What is shown is how the card stands at that moment. So a card that changed while Discord was away is shown once, and
//! nothing that is over is told as if it went on. A crash between sending and noting sends the same message with the same
//! nonce again, which Discord answers with the first one.

mod broken;
mod reminder;

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::watch;

use super::Context;
use super::reconcile::{self, HELD, IDLE, Pass, write};
use crate::actions::diagnose::diagnose;
use crate::domain::alert_policy::Responder;
use crate::domain::notification_kind::NotificationKind;
use crate::notify::backoff::{backoff, jitter};
use crate::notify::messenger::{Messenger, Place, SendFailure};
use crate::store::delivery::ChannelDelivery;
use crate::store::{StoreError, delivery, incident};

/// Notices that are taken at once.
const BATCH: u32 = 100;

/// Guilds that are told at a time; within each, in order.
const GUILDS: usize = 8;

/// After Discord has refused our token, or a message.
const LONG: Duration = Duration::from_secs(300);

/// Runs until `stop` turns true.
pub(super) async fn run(context: Context, stop: watch::Receiver<bool>) {
    let work: Pass = |context, messenger| Box::pin(pass(context, messenger));
    reconcile::run(context, ("outbox", work), stop).await;
}

/// Tells everything that is due; answers how long nothing more is.
async fn pass(context: &Context, messenger: &dyn Messenger) -> Result<Duration, StoreError> {
    let reader = &context.store.reader;
    loop {
        let due = delivery::due(reader, context.checks.clock.now(), BATCH).await?;
        if due.is_empty() {
            break;
        }
        let guilds = by_guild(due).into_iter();
        let delivered: Vec<Result<(), StoreError>> = stream::iter(guilds)
            .map(|deliveries| in_order(context, messenger, deliveries))
            .buffer_unordered(GUILDS)
            .collect()
            .await;
        delivered.into_iter().collect::<Result<(), _>>()?;
    }
    let now = context.checks.clock.now();
    let (next, waiting) = delivery::waiting(reader, now).await?;
    context
        .metrics
        .notifications_pending
        .with_label_values(&["channel"])
        .set(i64::try_from(waiting).unwrap_or(i64::MAX));
    Ok(next.map_or(IDLE, |next| next.since(now).min(IDLE)))
}

fn by_guild(due: Vec<ChannelDelivery>) -> Vec<Vec<ChannelDelivery>> {
    let mut guilds: Vec<Vec<ChannelDelivery>> = Vec::new();
    for delivery in due {
        let known = guilds.iter_mut().find(|deliveries| {
            deliveries
                .first()
                .is_some_and(|first| first.guild_id == delivery.guild_id)
        });
        match known {
            Some(deliveries) => deliveries.push(delivery),
            None => guilds.push(vec![delivery]),
        }
    }
    guilds
}

/// One that fails does not hold the next one up, unless that would fail, too.
async fn in_order(
    context: &Context,
    messenger: &dyn Messenger,
    deliveries: Vec<ChannelDelivery>,
) -> Result<(), StoreError> {
    for delivery in deliveries {
        if !deliver(context, messenger, delivery).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Says whether the next notice of this guild may be tried.
async fn deliver(
    context: &Context,
    messenger: &dyn Messenger,
    due: ChannelDelivery,
) -> Result<bool, StoreError> {
    let Some(mut incident) = incident::get(&context.store.reader, due.incident).await? else {
        return Ok(true);
    };
    // Known by now, or found out later and told then.
    if let Some(cause) = diagnose(&context.store, &incident, false).await? {
        incident.cause = cause;
    }
    if context.checks.is_connectivity_lost() && incident.kind == NotificationKind::Incident {
        // What we see is worth nothing now; in a moment we know more.
        let next = context.checks.clock.now().plus(HELD);
        write(context, move |tx| {
            Box::pin(delivery::held(tx, due.id, next))
        })
        .await?;
        return Ok(true);
    }
    let is_over = incident.ended_at.is_some() && incident.kind == NotificationKind::Incident;
    let shown = match (&incident.kind, due.message) {
        (NotificationKind::Reminder { of, responder }, _) => {
            match reminder::show(context, messenger, &due, (*of, *responder)).await? {
                Some(shown) => shown,
                None => return drop_delivery(context, due.id, incident.revision).await,
            }
        }
        (_, Some(message)) => messenger.show(&incident, Place::Existing(message)).await,
        (_, None) if is_over && !due.notify_on_recovery => {
            return drop_delivery(context, due.id, incident.revision).await;
        }
        (_, None) => {
            // Whoever is called for something that is over is called in vain, and whoever has been called knows.
            let role = due
                .role
                .filter(|_| incident.ended_at.is_none() && due.message_count == 0);
            messenger
                .show(&incident, place(&due, role.map(Responder::Role)))
                .await
        }
    };
    let result = if shown.is_ok() { "sent" } else { "failed" };
    context
        .metrics
        .notifications
        .with_label_values(&["channel", result])
        .inc();
    match shown {
        Ok(message) => {
            let revision = incident.revision;
            write(context, move |tx| {
                Box::pin(async move { delivery::delivered(tx, due.id, revision, message).await })
            })
            .await?;
            Ok(true)
        }
        Err(SendFailure::MessageGone) => {
            write(context, move |tx| Box::pin(delivery::lost(tx, due.id))).await?;
            Ok(true)
        }
        // The place that cannot be written to is one that was left: the next message goes to the new one.
        Err(SendFailure::Broken(_)) if due.is_elsewhere() => {
            write(context, move |tx| Box::pin(delivery::lost(tx, due.id))).await?;
            Ok(true)
        }
        Err(failure) => {
            failed(context, messenger, due, failure).await?;
            Ok(false)
        }
    }
}

/// Where a new message goes.
fn place(due: &ChannelDelivery, responder: Option<Responder>) -> Place {
    Place::New {
        channel: due.channel,
        mention: responder,
        nonce: format!("{}-{}", due.id, due.message_count),
    }
}

/// There is nothing to tell any more.
async fn drop_delivery(
    context: &Context,
    delivery: i64,
    revision: i64,
) -> Result<bool, StoreError> {
    write(context, move |tx| {
        Box::pin(delivery::dropped(tx, delivery, revision))
    })
    .await?;
    Ok(true)
}

async fn failed(
    context: &Context,
    messenger: &dyn Messenger,
    due: ChannelDelivery,
    failure: SendFailure,
) -> Result<(), StoreError> {
    let now = context.checks.clock.now();
    let wait = match &failure {
        SendFailure::Later { after, .. } => after
            .unwrap_or_default()
            .max(backoff(due.attempts, jitter()))
            // Whoever asks for more than that is asked again, and the messenger knows that it is too soon.
            .min(LONG),
        _ => LONG,
    };
    tracing::warn!(
        delivery = due.id,
        guild = %due.guild_id,
        "An alert was not shown: {failure}; trying again in {} s",
        wait.as_secs_f64().ceil()
    );
    let next = now.plus(wait);
    write(context, move |tx| {
        Box::pin(delivery::failed(tx, due.id, next))
    })
    .await?;
    match failure {
        SendFailure::Broken(reason) => {
            let place = (due.guild_id, due.channel);
            broken::note(context, messenger, place, reason).await
        }
        _ => Ok(()),
    }
}
