//! Sends pending deliveries to channels: posts or edits the message of every incident that has changed since its last
//! delivery, at once after a change, and later after a failure.
//!
//! A message always shows the current state of its incident. So an incident that changed while Discord was unreachable is
//! shown once, and a resolved incident never looks open. After a crash between sending and recording, the same message is
//! sent again with the same nonce, and Discord returns the first one.

mod broken;
mod reminder;

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::watch;

use crate::actions::incidents::diagnose::diagnose;
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::jobs::JobContext;
use crate::jobs::reconcile::{self, HELD, IDLE, Pass, write};
use crate::notify::backoff::backoff;
use crate::notify::messenger::{Messenger, Place, SendFailure};
use crate::store::StoreError;
use crate::store::incidents::incident;
use crate::store::notifications::delivery;
use crate::store::notifications::delivery::ChannelDelivery;

/// Deliveries loaded at once.
const BATCH: u32 = 100;

/// Guilds served at the same time; within a guild, deliveries go in order.
const GUILDS: usize = 8;

/// The wait after Discord has refused the token or a message.
const LONG: Duration = Duration::from_secs(300);

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, stop: watch::Receiver<bool>) {
    let work: Pass = |context, messenger| Box::pin(pass(context, messenger));
    reconcile::run(context, "channel deliveries", work, stop).await;
}

/// Sends everything that is due; returns the time until more is.
async fn pass(context: &JobContext, messenger: &dyn Messenger) -> Result<Duration, StoreError> {
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

/// Sends the deliveries of one guild. A failure stops the rest only if they would fail, too.
async fn in_order(
    context: &JobContext,
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

/// Sends one delivery; returns whether the guild's next one may be tried.
async fn deliver(
    context: &JobContext,
    messenger: &dyn Messenger,
    due: ChannelDelivery,
) -> Result<bool, StoreError> {
    let Some(mut incident) = incident::get(&context.store.reader, due.incident).await? else {
        return Ok(true);
    };
    // A cause that is found only later is added by an edit.
    let cause = diagnose(&context.store, &incident, false).await?;
    incident.cause = cause.apply(incident.cause);
    if context.checks.is_connectivity_lost() && incident.kind == NotificationKind::Incident {
        return hold(context, due.id).await;
    }
    let is_over = incident.ended_at.is_some() && incident.kind == NotificationKind::Incident;
    let shown = match (&incident.kind, due.message) {
        (NotificationKind::Reminder { of, responder }, _) => {
            match reminder::show(context, messenger, &due, *of, *responder).await? {
                Some(shown) => shown,
                None => return drop_delivery(context, due.id, incident.revision).await,
            }
        }
        (_, Some(message)) => messenger.show(&incident, Place::Existing(message)).await,
        (_, None) if is_over && !due.notify_on_recovery => {
            return drop_delivery(context, due.id, incident.revision).await;
        }
        (_, None) => {
            // Mention the role only while the incident is open, and only in its first message: after that, responders know.
            let role = due
                .role
                .filter(|_| incident.ended_at.is_none() && due.lost_messages == 0);
            messenger
                .show(&incident, place(&due, role.map(Responder::Role)))
                .await
        }
    };
    let result = if shown.is_ok() { "sent" } else { "failed" };
    let attempts = &context.metrics.notifications;
    attempts.with_label_values(&["channel", result]).inc();
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
        // The broken channel is no longer the guild's channel: the next message goes to the new one.
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

/// Holds a delivery for a moment: check results prove nothing while connectivity is lost.
async fn hold(context: &JobContext, delivery: i64) -> Result<bool, StoreError> {
    let next = context.checks.clock.now().plus(HELD);
    write(context, move |tx| {
        Box::pin(delivery::held(tx, delivery, next))
    })
    .await?;
    Ok(true)
}

/// Where a new message goes.
fn place(due: &ChannelDelivery, responder: Option<Responder>) -> Place {
    Place::New {
        channel: due.channel,
        mention: responder,
        nonce: format!("{}-{}", due.id, due.lost_messages),
    }
}

/// Settles a delivery without sending: it is no longer needed.
async fn drop_delivery(
    context: &JobContext,
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
    context: &JobContext,
    messenger: &dyn Messenger,
    due: ChannelDelivery,
    failure: SendFailure,
) -> Result<(), StoreError> {
    let now = context.checks.clock.now();
    let wait = match &failure {
        SendFailure::Later { after, .. } => after
            .unwrap_or_default()
            .max(backoff(due.attempts, fastrand::f64()))
            // A longer wait asked for by Discord is kept by the messenger, which refuses an attempt that is too early.
            .min(LONG),
        _ => LONG,
    };
    tracing::warn!(
        delivery = due.id,
        guild = %due.guild_id,
        %failure,
        retry_seconds = wait.as_secs_f64().ceil(),
        "cannot deliver to the alert channel"
    );
    let next = now.plus(wait);
    write(context, move |tx| {
        Box::pin(delivery::failed(tx, due.id, next))
    })
    .await?;
    match failure {
        SendFailure::Broken(reason) => {
            broken::note(context, messenger, due.guild_id, due.channel, reason).await
        }
        _ => Ok(()),
    }
}
