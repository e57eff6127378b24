//! Edits and removes devices for people, and rotates the keys of devices and servers.

use std::time::Duration;

use serde_json::json;

use crate::actions::{Error, Requester, manage_key, transition};
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::patch::Patch;
use crate::domain::transition::{Transition, TransitionReason};
use crate::store::devices::device::{self, Device};
use crate::store::devices::device_state;
use crate::store::event;
use crate::store::monitors::monitor;
use crate::store::{Effect, Store, Tx, api_key};

/// Changes to a device; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct DeviceEdit {
    pub name: Option<String>,
    /// `Clear` resets it to that of the settings.
    pub threshold: Patch<Duration>,
    /// The state that the device should have: a JSON object as text.
    pub target: Option<String>,
}

/// Edits a device.
pub async fn edit(
    store: &Store,
    requester: Requester,
    device: Device,
    edit: DeviceEdit,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let name = edit.name.as_deref().unwrap_or(&device.name);
                let threshold = edit.threshold.apply(device.threshold);
                device::update(tx, device.id, name, threshold).await?;
                if let Some(target) = &edit.target {
                    device_state::set_target(tx, device.id, target).await?;
                }
                let details = json!({
                    "name": name, "threshold_ms": threshold.map(crate::domain::millis),
                    "has_new_target": edit.target.is_some(),
                });
                Ok(event::append(
                    tx,
                    &requester.event(EventKind::DeviceEdited, Some(device.id), details, now),
                )
                .await?)
            })
        })
        .await
}

/// Removes a device; its keys become invalid.
pub async fn remove(
    store: &Store,
    requester: Requester,
    device: Device,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let removal = Transition {
                    monitor: requester.monitor(device.id),
                    kind: MonitorKind::Device,
                    from: device.status,
                    since: device.since,
                    to: device.status,
                    at: now,
                    reason: TransitionReason::Removed,
                };
                remove_monitor(tx, requester, removal, now).await
            })
        })
        .await
}

/// Removes a device or a server and revokes its keys.
pub async fn remove_monitor(
    tx: &mut Tx<'_>,
    requester: Requester,
    removal: Transition,
    now: Timestamp,
) -> Result<(), Error> {
    let id = removal.monitor.id;
    // First, because its outages keep its name.
    transition::apply_one(tx, removal, requester.actor, now).await?;
    if monitor::remove(tx, requester.guild, id).await? == Effect::Nothing {
        return Err(Error::NotFound("this monitor does not exist".into()));
    }
    Ok(api_key::revoke_of(tx, id, now).await?)
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
        .transact(move |tx| {
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
mod tests {
    use super::*;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::discord_id::GuildId;
    use crate::domain::event::Actor;
    use crate::store::testing::{TestStore, new_device};

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn requester(guild: u64) -> Requester {
        Requester {
            guild: GuildId(guild),
            actor: Actor::CommandLine,
        }
    }

    async fn with_device(store: &TestStore) -> Device {
        let uuid = DeviceUuid::from_random([1; 16]);
        let known = uuid.clone();
        store
            .write(move |tx| {
                Box::pin(async move {
                    device::insert(tx, &new_device(GuildId(1), &known, "pump"), NOW).await
                })
            })
            .await;
        device::get(&store.reader, GuildId(1), &uuid)
            .await
            .unwrap()
            .unwrap()
    }

    #[tokio::test]
    async fn devices_are_edited_and_removed_only_by_their_guild() {
        let store = TestStore::open().await;
        let device = with_device(&store).await;
        let change = DeviceEdit {
            name: Some("gate".into()),
            threshold: Patch::Set(Duration::from_secs(90)),
            target: Some(r#"{"speed":2}"#.into()),
        };
        edit(&store, requester(1), device.clone(), change, NOW)
            .await
            .unwrap();
        let changed = device::get(&store.reader, GuildId(1), &device.uuid)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (changed.name.as_str(), changed.threshold),
            ("gate", Some(Duration::from_secs(90)))
        );
        assert!(
            remove(&store, requester(2), device.clone(), NOW)
                .await
                .is_err()
        );
        remove(&store, requester(1), device.clone(), NOW)
            .await
            .unwrap();
        assert_eq!(
            device::get(&store.reader, GuildId(1), &device.uuid)
                .await
                .unwrap(),
            None
        );
    }

    #[tokio::test]
    async fn old_keys_expire_a_day_after_rotation_and_removal_revokes_all() {
        let store = TestStore::open().await;
        let device = with_device(&store).await;
        let first = rotate_key(&store, requester(1), device.id, KeyKind::Device, NOW)
            .await
            .unwrap();
        let second = rotate_key(&store, requester(1), device.id, KeyKind::Device, NOW)
            .await
            .unwrap();
        let is_valid = async |id, at| {
            let key = api_key::find(&store.reader, &id).await.unwrap().unwrap();
            key.is_valid(at)
        };
        let day = NOW.plus(manage_key::GRACE);
        assert!(is_valid(first.id, NOW).await && !is_valid(first.id, day).await);
        assert!(is_valid(second.id, day).await);
        remove(&store, requester(1), device, NOW).await.unwrap();
        assert!(!is_valid(first.id, NOW).await && !is_valid(second.id, NOW).await);
    }
}
