//! Adds, edits and removes devices for people, and rotates the keys of devices and servers.

mod add;
mod edit;
mod push_token;

use serde_json::json;

use crate::actions::{Error, Requester, manage_key, transition};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::status::transition::{Transition, TransitionReason};
use crate::store::event;
use crate::store::monitors::monitor;
use crate::store::{Effect, Store, Tx, api_key};

pub use self::add::{NewDevice, add, add_for_pings, add_for_slug, random_uuid};
pub use self::edit::{DeviceEdit, edit};
pub use self::push_token::push_token_hash;

/// Removes a device; its keys become invalid.
pub async fn remove(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    now: Timestamp,
) -> Result<(), Error> {
    let monitor = requester.monitor(id);
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                remove_monitor(tx, requester, monitor, MonitorKind::Device, now).await
            })
        })
        .await
}

/// Removes a device or a server, even if its details cannot be read, and revokes its keys.
pub async fn remove_monitor(
    tx: &mut Tx<'_>,
    requester: Requester,
    removed: MonitorRef,
    kind: MonitorKind,
    now: Timestamp,
) -> Result<(), Error> {
    let id = removed.id;
    let known = monitor::get(tx, removed.guild, id).await?;
    let known = known.filter(|monitor| monitor.kind == kind);
    let known = known.ok_or_else(|| Error::NotFound("this monitor does not exist".into()))?;
    let removal = Transition {
        monitor: removed,
        kind,
        from: known.status,
        since: known.since,
        to: known.status,
        at: now,
        reason: TransitionReason::Removed,
    };
    // First, because its outages keep its name.
    transition::apply_one(tx, removal, requester.actor, now).await?;
    if monitor::remove(tx, requester.guild, id).await? == Effect::Nothing {
        return Err(no_such_monitor());
    }
    Ok(api_key::revoke_of(tx, id, now).await?)
}

fn no_such_monitor() -> Error {
    Error::NotFound("this monitor does not exist".into())
}

/// Creates a new key for a device or a server; the old ones stay valid for another day (`manage_key::GRACE`).
pub async fn rotate_key(
    store: &Store,
    requester: Requester,
    id: MonitorId,
    kind: KeyKind,
    now: Timestamp,
) -> Result<ApiKey, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                api_key::expire_of(tx, id, now.plus(manage_key::GRACE)).await?;
                let key = manage_key::create_in(tx, requester, kind, Some(id), now).await?;
                let details = json!({ "key": key.id.as_str(), "kind": kind.as_str() });
                event::append(
                    tx,
                    &requester.event(EventKind::KeyRotated, Some(id), details, now),
                )
                .await?;
                Ok(key)
            })
        })
        .await
}

#[cfg(test)]
mod tests;
