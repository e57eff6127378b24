//! Edits devices, and records what changed.

use std::time::Duration;

use serde_json::{Value, json};

use super::no_such_monitor;
use super::push_token::set_push_token;
use crate::actions::field_changes::FieldChanges;
use crate::actions::{Error, Requester, claim_name};
use crate::domain::devices::push_token::PushToken;
use crate::domain::devices::slug::Slug;
use crate::domain::event::EventKind;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::patch::Patch;
use crate::domain::{Timestamp, millis};
use crate::store::devices::device::{self, Device, DeviceSettings};
use crate::store::devices::device_state;
use crate::store::event;
use crate::store::{Store, Tx};

/// Changes to a device; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct DeviceEdit {
    pub name: Option<String>,
    /// `Clear` resets it to that of the settings.
    pub threshold: Patch<Duration>,
    pub slug: Patch<Slug>,
    pub push_token: Patch<PushToken>,
    /// The state that the device should have: a JSON object as text.
    pub target: Option<String>,
}

/// Edits a device.
pub async fn edit(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    edit: DeviceEdit,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let device = find(tx, requester, id).await?;
                if let Some(name) = &edit.name {
                    let scope = requester.names_of(MonitorKind::Device);
                    claim_name::for_rename(tx, scope, device.id, name).await??;
                }
                let name = edit.name.as_deref().unwrap_or(&device.name);
                let threshold = edit.threshold.clone().apply(device.threshold);
                let slug = edit.slug.clone().apply(device.slug.clone());
                let settings = DeviceSettings {
                    name,
                    threshold,
                    slug: slug.as_ref(),
                };
                device::update(tx, device.id, &settings).await?;
                match &edit.push_token {
                    Patch::Keep => {}
                    Patch::Clear => set_push_token(tx, device.id, None).await?,
                    Patch::Set(token) => set_push_token(tx, device.id, Some(token)).await?,
                }
                if let Some(target) = &edit.target {
                    device_state::set_target(tx, device.id, target).await?;
                }
                let details = edit_details(&device, &settings, &edit);
                Ok(event::append(
                    tx,
                    &requester.event(EventKind::DeviceEdited, Some(device.id), details, now),
                )
                .await?)
            })
        })
        .await
}

/// What changed. Of a push token and a target state, only that they changed.
fn edit_details(before: &Device, after: &DeviceSettings<'_>, edit: &DeviceEdit) -> Value {
    let (threshold, slug) = (after.threshold.map(millis), after.slug.map(Slug::as_str));
    let changes = FieldChanges::default()
        .field("name", before.name.as_str(), after.name)
        .field("threshold_ms", before.threshold.map(millis), threshold)
        .field("slug", before.slug.as_ref().map(Slug::as_str), slug);
    json!({
        "name": after.name, "threshold_ms": threshold, "slug": slug,
        "changes": Value::from(changes), "has_new_target": edit.target.is_some(),
        "has_new_push_token": matches!(edit.push_token, Patch::Set(_)),
        "has_no_push_token": matches!(edit.push_token, Patch::Clear),
    })
}

async fn find(tx: &mut Tx<'_>, requester: Requester, id: MonitorId) -> Result<Device, Error> {
    let found = device::find(tx, requester.guild, id).await?;
    found.ok_or_else(no_such_monitor)
}
