//! A device calls: the only way in which one comes online. Calls that arrive together are recorded together, in one
//! transaction; each is answered after its commit.

use std::collections::HashMap;

use serde_json::json;

use super::{Asker, manage_key};
use crate::domain::Instant;
use crate::domain::device::DeviceUuid;
use crate::domain::event::{Actor, EventKind};
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::status::Status;
use crate::store::device::{self, Known};
use crate::store::event::{self, NewEvent};
use crate::store::{StoreError, Tx, incident};

/// One call of a device.
#[derive(Clone, Debug)]
pub struct CheckIn {
    pub asker: Asker,
    pub uuid: DeviceUuid,
    /// Where it registers: what it says of itself.
    pub registration: Option<Registration>,
}

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    pub name: Option<String>,
    pub device_type: Option<String>,
}

/// What became of a call.
#[derive(Clone, Debug)]
pub struct CheckedIn {
    /// The device was not known before; this is its own key, which is shown once.
    pub made: Option<ApiKey>,
}

/// Records calls in their order.
pub async fn record(
    tx: &mut Tx<'_>,
    calls: &[CheckIn],
    now: Instant,
) -> Result<Vec<CheckedIn>, StoreError> {
    let wanted: Vec<(GuildId, DeviceUuid)> = calls
        .iter()
        .map(|call| (call.asker.guild, call.uuid.clone()))
        .collect();
    let mut known = device::known(tx, &wanted).await?;
    let mut results = Vec::with_capacity(calls.len());
    let mut seen = HashMap::with_capacity(calls.len());
    for (call, place) in calls.iter().zip(wanted) {
        let (device, made) = match known.get(&place) {
            Some(device) => (device.clone(), None),
            None => {
                let (device, key) = create(tx, call, now).await?;
                (device, Some(key))
            }
        };
        if made.is_none()
            && let Some(registration) = &call.registration
        {
            let (name, kind) = (&registration.name, &registration.device_type);
            device::describe(tx, device.id, name.as_deref(), kind.as_deref()).await?;
        }
        if device.status != Status::Online {
            come_back(tx, call, &device, now).await?;
        }
        seen.insert(device.id, now);
        results.push(CheckedIn { made });
        let online = Known {
            status: Status::Online,
            ..device
        };
        known.insert(place, online);
    }
    let seen: Vec<(MonitorId, Instant)> = seen.into_iter().collect();
    device::called(tx, &seen).await?;
    Ok(results)
}

async fn create(
    tx: &mut Tx<'_>,
    call: &CheckIn,
    now: Instant,
) -> Result<(Known, ApiKey), StoreError> {
    let said = call.registration.clone().unwrap_or_default();
    let name = said.name.unwrap_or_else(|| call.uuid.default_name());
    let described = (&call.uuid, name.as_str(), said.device_type.as_deref());
    let id = device::insert(tx, call.asker.guild, described, now).await?;
    let facts = json!({ "uuid": call.uuid.as_str(), "name": name });
    note(
        tx,
        call.asker,
        (id, EventKind::DeviceRegistered, facts),
        now,
    )
    .await?;
    let key = manage_key::create_in(tx, call.asker, KeyKind::Device, Some(id), now).await?;
    let device = Known {
        id,
        status: Status::Online,
        since: now,
    };
    Ok((device, key))
}

async fn come_back(
    tx: &mut Tx<'_>,
    call: &CheckIn,
    device: &Known,
    now: Instant,
) -> Result<(), StoreError> {
    device::set_status(tx, &[device.id], Status::Online, now).await?;
    incident::close(tx, device.id, now).await?;
    let down_for = crate::domain::millis(now.since(device.since));
    let facts = json!({ "uuid": call.uuid.as_str(), "down_for_ms": down_for });
    let asker = Asker {
        actor: Actor::System,
        ..call.asker
    };
    note(tx, asker, (device.id, EventKind::DeviceOnline, facts), now).await
}

async fn note(
    tx: &mut Tx<'_>,
    asker: Asker,
    (id, kind, facts): (MonitorId, EventKind, serde_json::Value),
    now: Instant,
) -> Result<(), StoreError> {
    let event = NewEvent {
        guild_id: asker.guild,
        monitor_id: Some(id),
        kind,
        at: now,
        noticed_at: now,
        actor: asker.actor,
        facts,
    };
    event::append(tx, &event).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const NOW: Instant = Instant::from_millis(1_769_860_800_000);

    fn call(number: u8) -> CheckIn {
        CheckIn {
            asker: Asker {
                guild: GuildId(1),
                actor: Actor::CommandLine,
            },
            uuid: DeviceUuid::from_random([number; 16]),
            registration: None,
        }
    }

    async fn record_all(store: &TestStore, calls: Vec<CheckIn>) -> Vec<CheckedIn> {
        store
            .write(move |tx| Box::pin(async move { record(tx, &calls, NOW).await }))
            .await
    }

    async fn events(store: &TestStore) -> Vec<String> {
        let rows: Vec<(String,)> = store.rows("SELECT kind FROM events ORDER BY id").await;
        rows.into_iter().map(|(kind,)| kind).collect()
    }

    #[tokio::test]
    async fn a_device_is_made_once_however_often_it_calls_at_the_same_time() {
        let store = TestStore::open().await;
        let results = record_all(&store, vec![call(1), call(1), call(2)]).await;
        let made: Vec<bool> = results.iter().map(|result| result.made.is_some()).collect();
        assert_eq!(made, [true, false, true]);
        let again = record_all(&store, vec![call(1)]).await;
        assert!(again[0].made.is_none());
        assert_eq!(
            events(&store).await,
            [
                "device_registered",
                "key_made",
                "device_registered",
                "key_made"
            ]
        );
    }

    #[tokio::test]
    async fn a_call_brings_a_silent_device_back() {
        let store = TestStore::open().await;
        record_all(&store, vec![call(1)]).await;
        let device = device::get(&store.reader, GuildId(1), &call(1).uuid).await;
        let id = device.unwrap().unwrap().id;
        store
            .write(move |tx| {
                Box::pin(async move {
                    device::set_status(tx, &[id], Status::Offline, NOW).await?;
                    incident::open(tx, GuildId(1), id, NOW, "silent").await
                })
            })
            .await;
        record_all(&store, vec![call(1), call(1)]).await;
        assert_eq!(events(&store).await.last().unwrap(), "device_online");
        let open: Vec<(i64,)> = store
            .rows("SELECT COUNT(*) FROM incidents WHERE ended_at IS NULL")
            .await;
        assert_eq!(open, [(0,)]);
    }

    #[tokio::test]
    async fn what_a_device_says_when_it_registers_again_is_believed() {
        let store = TestStore::open().await;
        let said = CheckIn {
            registration: Some(Registration {
                name: Some("gate".into()),
                device_type: None,
            }),
            ..call(1)
        };
        record_all(&store, vec![call(1), said]).await;
        let device = device::get(&store.reader, GuildId(1), &call(1).uuid)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(device.name, "gate");
    }
}
