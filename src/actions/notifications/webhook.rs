//! Adds and removes a guild's webhooks, and disables those that no longer accept deliveries.

use serde_json::json;

use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::{Actor, EventKind};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::webhook::{self as rules, WebhookId};
use crate::store::event;
use crate::store::incidents::incident;
use crate::store::notifications::delivery;
use crate::store::notifications::webhook::{self, NewWebhook, Webhook};
use crate::store::{Effect, Store, StoreError, Tx};

/// Adds a webhook, which gets notifications from now on.
pub async fn add(
    store: &Store,
    requester: Requester,
    new: NewWebhook,
    now: Timestamp,
) -> Result<WebhookId, Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if webhook::count(tx, requester.guild).await? >= rules::MOST {
                    return Err(Error::Conflict(format!(
                        "this Discord server has reached its limit of {} webhooks. Remove one first",
                        rules::MOST
                    )));
                }
                let added = webhook::insert(tx, requester.guild, &new, requester.actor, now).await?;
                let id = added.ok_or_else(|| {
                    Error::Conflict("a webhook with this name already exists".into())
                })?;
                // The host of the address is not secret; the rest is.
                let details = json!({ "name": new.name, "address": rules::masked(&new.url), "format": new.format.as_str() });
                event::append(tx, &requester.event(EventKind::WebhookAdded, None, details, now)).await?;
                Ok(id)
            })
        })
        .await
}

/// Removes a webhook with its pending deliveries.
pub async fn remove(
    store: &Store,
    requester: Requester,
    name: String,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if webhook::remove(tx, requester.guild, &name).await? == Effect::Nothing {
                    return Err(Error::NotFound("there is no webhook with this name".into()));
                }
                let details = json!({ "name": name });
                Ok(event::append(
                    tx,
                    &requester.event(EventKind::WebhookRemoved, None, details, now),
                )
                .await?)
            })
        })
        .await
}

/// Marks a webhook as working after a successful test, so that its pending deliveries are sent.
pub async fn reached(store: &Store, known: &Webhook, now: Timestamp) -> Result<(), StoreError> {
    let (guild, id) = (known.guild_id, known.id);
    store
        .writer
        .transact(move |tx| Box::pin(webhook::mark_working(tx, guild, id, now)))
        .await
}

/// Disables a webhook and notifies its guild in the channel.
pub async fn disable(
    tx: &mut Tx<'_>,
    known: &Webhook,
    reason: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    if webhook::disable(tx, known.guild_id, known.id, &reason, now).await? == Effect::Nothing {
        return Ok(());
    }
    let requester = Requester {
        guild: known.guild_id,
        actor: Actor::System,
    };
    let details = json!({ "name": known.name, "reason": reason });
    event::append(
        tx,
        &requester.event(EventKind::WebhookDisabled, None, details, now),
    )
    .await?;
    let name = known.name.clone();
    let kind = NotificationKind::WebhookDisabled { name, reason };
    let incident = incident::announce(tx, known.guild_id, &kind, now).await?;
    delivery::enqueue_for_channel(tx, known.guild_id, incident).await
}
