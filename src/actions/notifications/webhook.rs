//! Adds and removes a guild's webhooks, and records that one works.

use serde_json::{Value, json};

use crate::actions::field_changes::FieldChanges;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::notifications::webhook::{self as rules, WebhookId};
use crate::store::event;
use crate::store::notifications::destination;
use crate::store::notifications::webhook::{self, NewWebhook, Webhook, WebhookSettings};
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
        .transact_for(requester.guild, move |tx| {
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

/// Changes a webhook of the requester's guild. With a new URL it counts as working, so that its pending deliveries are sent.
/// `change` gets the settings at that time; its error refuses the edit.
pub async fn edit(
    store: &Store,
    requester: Requester,
    id: WebhookId,
    change: impl FnOnce(&mut WebhookSettings) -> Result<(), Error> + Send + 'static,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let guild = requester.guild;
                let known = webhook::find(tx, guild, id).await?;
                let known =
                    known.ok_or_else(|| Error::NotFound("this webhook does not exist".into()))?;
                let before = WebhookSettings {
                    name: known.name,
                    url: known.url,
                    format: known.format,
                    template: known.template,
                };
                let mut settings = before.clone();
                change(&mut settings)?;
                if webhook::update(tx, guild, id, &settings).await? == Effect::Nothing {
                    return Err(Error::Conflict(
                        "a webhook with this name already exists".into(),
                    ));
                }
                if settings.url != before.url {
                    destination::mark_working(tx, known.destination).await?;
                }
                let details = edit_details(&before, &settings);
                let event = requester.event(EventKind::WebhookEdited, None, details, now);
                Ok(event::append(tx, &event).await?)
            })
        })
        .await
}

/// What changed. The host of the address is not secret; the rest is, and so may the template be.
fn edit_details(before: &WebhookSettings, after: &WebhookSettings) -> Value {
    let (address, format) = (rules::masked(&after.url), after.format.as_str());
    let changes = FieldChanges::default()
        .field("name", before.name.as_str(), after.name.as_str())
        .field("address", rules::masked(&before.url), address.as_str())
        .field("format", before.format.as_str(), format);
    json!({
        "name": after.name, "address": address, "format": format, "changes": Value::from(changes),
        "has_new_url": before.url != after.url,
        "has_new_template": before.template != after.template,
    })
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
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move { remove_in(tx, requester, &name, now).await })
        })
        .await
}

/// Removes a webhook by its id, even if the rest of it cannot be read.
pub async fn remove_by_id(
    store: &Store,
    requester: Requester,
    id: WebhookId,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let name = webhook::name_in(tx, requester.guild, id).await?;
                let name = name.ok_or_else(not_found)?;
                remove_in(tx, requester, &name, now).await
            })
        })
        .await
}

async fn remove_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    name: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if webhook::remove(tx, requester.guild, name).await? == Effect::Nothing {
        return Err(not_found());
    }
    let details = json!({ "name": name });
    let event = requester.event(EventKind::WebhookRemoved, None, details, now);
    Ok(event::append(tx, &event).await?)
}

fn not_found() -> Error {
    Error::NotFound("this webhook does not exist".into())
}

/// Marks a webhook as working after a successful test, so that its pending deliveries are sent.
pub async fn mark_working(store: &Store, known: &Webhook) -> Result<(), StoreError> {
    let id = known.destination;
    store
        .writer
        .transact(move |tx| Box::pin(destination::mark_working(tx, id)))
        .await
}
