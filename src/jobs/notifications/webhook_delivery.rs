//! Sends pending deliveries to webhooks. Each webhook has its own backoff, so a slow or dead one does not delay the others.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

use crate::actions::endpoints::check_runner::{AddressBlocked, CheckRunner};
use crate::actions::notifications::webhook as webhooks;
use crate::domain::endpoints::target::Target;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::webhook::{WebhookFormat, WebhookId};
use crate::jobs::JobContext;
use crate::jobs::reconcile::{HELD, IDLE, SHORT};
use crate::notify::backoff::backoff;
use crate::notify::webhook::payload::{self, IncidentChange};
use crate::notify::webhook::{Closed, Gate, PostFailure};
use crate::store::StoreError;
use crate::store::incidents::incident::{self, Incident};
use crate::store::notifications::webhook::{self, WebhookDelivery};
use crate::store::notifications::{alert_settings, delivery};

/// Webhooks served at the same time.
const AT_A_TIME: usize = 16;

/// The shortest time between two messages to one webhook: Discord accepts 30 per minute, Slack 1 per second.
const MIN_GAP: Duration = Duration::from_secs(2);

/// A webhook that fails for this long is disabled.
const DISABLE_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

impl Gate for CheckRunner {
    fn addresses<'a>(
        &'a self,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, Closed>> {
        Box::pin(async move {
            self.admit(target).await.map_err(|error| match error {
                AddressBlocked::Denied => Closed::NotAllowed,
                AddressBlocked::Unresolved => Closed::NotFound,
            })
        })
    }
}

/// Runs until `stop` turns true.
pub(in crate::jobs) async fn run(context: JobContext, mut stop: watch::Receiver<bool>) {
    let mut bell = context.store.bell();
    let mut in_flight: HashSet<WebhookId> = HashSet::new();
    let mut sending = FuturesUnordered::new();
    loop {
        let wait = match next(&context, &in_flight).await {
            Ok((due, wait)) => {
                for due in due
                    .into_iter()
                    .take(AT_A_TIME.saturating_sub(in_flight.len()))
                {
                    in_flight.insert(due.webhook.id);
                    sending.push(deliver(&context, due));
                }
                wait
            }
            Err(error) => failed(&error),
        };
        tokio::select! {
            _ = stop.wait_for(|stopping| *stopping) => return,
            rung = bell.changed() => if rung.is_err() { return },
            Some(id) = sending.next() => {
                in_flight.remove(&id);
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn failed(error: &StoreError) -> Duration {
    tracing::warn!(%error, "cannot read or write webhook deliveries, retrying in 1 s");
    SHORT
}

/// Due deliveries for webhooks without one in flight, and the time until the next one is due.
async fn next(
    context: &JobContext,
    in_flight: &HashSet<WebhookId>,
) -> Result<(Vec<WebhookDelivery>, Duration), StoreError> {
    let (reader, now) = (&context.store.reader, context.checks.clock.now());
    let limit = u32::try_from(AT_A_TIME * 2).unwrap_or(u32::MAX);
    // Check results prove nothing while connectivity is lost, so deliveries about incidents are held.
    let is_connectivity_lost = context.checks.is_connectivity_lost();
    let mut due = webhook::due(reader, is_connectivity_lost, now, limit).await?;
    due.retain(|due| !in_flight.contains(&due.webhook.id));
    let (next, waiting) = webhook::waiting(reader, now).await?;
    context
        .metrics
        .notifications_pending
        .with_label_values(&["webhook"])
        .set(i64::try_from(waiting).unwrap_or(i64::MAX));
    let longest = if is_connectivity_lost { HELD } else { IDLE };
    Ok((
        due,
        next.map_or(longest, |next| next.since(now).min(longest)),
    ))
}

async fn deliver(context: &JobContext, due: WebhookDelivery) -> WebhookId {
    let id = due.webhook.id;
    if let Err(error) = attempt(context, due).await {
        // A delivery that was sent but not recorded must not be sent again at once.
        tokio::time::sleep(failed(&error)).await;
    }
    id
}

async fn attempt(context: &JobContext, due: WebhookDelivery) -> Result<(), StoreError> {
    let Some(incident) = incident::get(&context.store.reader, due.incident).await? else {
        return Ok(());
    };
    let now = context.checks.clock.now();
    let change = IncidentChange::of(&incident, due.delivered_revision > 0);
    let format = due.webhook.format;
    let is_wanted = match (format, change) {
        // Programs stay consistent: a receiver that got the opening gets the resolution, too.
        (WebhookFormat::Standard, IncidentChange::Resolved) if due.delivered_revision > 0 => true,
        (_, IncidentChange::Resolved) => notify_on_recovery(context, &incident).await?,
        (WebhookFormat::Standard, _) => true,
        _ => change.is_for_people(),
    };
    if is_wanted {
        let message = delivery::message_of(&context.store.reader, incident.id).await?;
        let body = payload::of_incident(format, &incident, change, message, now);
        let id = format!("msg_{}_{}", due.delivery, incident.revision);
        let sent = context
            .senders
            .webhooks
            .post(&due.webhook, &id, &body, now)
            .await;
        let result = if sent.is_ok() { "sent" } else { "failed" };
        let count = &context.metrics.notifications;
        count.with_label_values(&["webhook", result]).inc();
        if let Err(failure) = sent {
            return missed(context, due, failure).await;
        }
    }
    let (guild, id) = (due.webhook.guild_id, due.webhook.id);
    let revision = incident.revision;
    let now = context.checks.clock.now();
    context
        .store
        .writer
        .transact::<(), StoreError>(move |tx| {
            Box::pin(async move {
                webhook::delivered(tx, due.delivery, revision).await?;
                if is_wanted {
                    webhook::reached(tx, guild, id, now, now.plus(MIN_GAP)).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn notify_on_recovery(context: &JobContext, incident: &Incident) -> Result<bool, StoreError> {
    if incident.kind != NotificationKind::Incident {
        return Ok(true);
    }
    let settings = alert_settings::get(&context.store.reader, incident.guild_id).await?;
    Ok(settings.is_none_or(|settings| settings.preferences.notify_on_recovery))
}

async fn missed(
    context: &JobContext,
    due: WebhookDelivery,
    failure: PostFailure,
) -> Result<(), StoreError> {
    let now = context.checks.clock.now();
    let webhook = due.webhook;
    let (wait, give_up) = match &failure {
        PostFailure::Final(reason) => (Duration::ZERO, Some(reason.clone())),
        PostFailure::Later { after, reason } => {
            let wait = backoff(webhook.attempts, fastrand::f64()).max(after.unwrap_or_default());
            let is_lost = webhook
                .failing_since
                .is_some_and(|since| now.since(since) >= DISABLE_AFTER);
            let reason = format!("{reason} (all attempts for 3 days)");
            (wait, is_lost.then_some(reason))
        }
    };
    tracing::warn!(
        webhook = webhook.id.0,
        guild = %webhook.guild_id,
        %failure,
        "cannot deliver to the webhook"
    );
    let (id, next) = (webhook.id, now.plus(wait));
    context
        .store
        .writer
        .transact::<(), StoreError>(move |tx| {
            Box::pin(async move {
                webhook::missed(tx, id, now, next).await?;
                match give_up {
                    Some(reason) => webhooks::disable(tx, &webhook, reason, now).await,
                    None => Ok(()),
                }
            })
        })
        .await
}
