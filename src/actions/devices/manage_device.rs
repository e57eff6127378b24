//! Adds, edits and removes devices for people, and rotates the keys of devices and servers.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::check_in::CheckInError;
use crate::actions::field_changes::FieldChanges;
use crate::actions::{Error, Requester, claim_name, manage_key, transition};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::push_token::PushToken;
use crate::domain::devices::slug::Slug;
use crate::domain::event::EventKind;
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::patch::Patch;
use crate::domain::status::Status;
use crate::domain::transition::{Transition, TransitionReason};
use crate::domain::{Timestamp, millis};
use crate::store::devices::device::{self, Device, DeviceSettings, UnsavedDevice};
use crate::store::devices::device_state;
use crate::store::devices::known_device;
use crate::store::event;
use crate::store::monitors::{monitor, monitor_name};
use crate::store::{Effect, Store, StoreError, Tx, api_key};

/// A device that is added before its first heartbeat.
#[derive(Clone, Debug)]
pub struct NewDevice {
    pub uuid: DeviceUuid,
    pub name: String,
    pub device_type: Option<String>,
    /// `None`: derived from the name.
    pub slug: Option<Slug>,
    pub push_token: Option<PushToken>,
    /// `None`: the threshold from the settings.
    pub threshold: Option<Duration>,
}

/// The hash under which a push token is stored. A token of Uptime Kuma has 190 random bits, so a fast hash is safe.
pub fn push_token_hash(token: &PushToken) -> [u8; 32] {
    Sha256::digest(token.as_str()).into()
}

/// Adds a device and creates its key, which is shown once. Its status is unknown until its first heartbeat. A guild has at
/// most `quota` devices.
///
/// # Errors
/// `Conflict` if the guild has a device with this UUID or this name, if a device of any guild has this push token, or beyond
/// the quota.
pub async fn add(
    store: &Store,
    requester: Requester,
    new: NewDevice,
    quota: u64,
    now: Timestamp,
) -> Result<ApiKey, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let id = add_in(tx, requester, &new, quota, now).await?;
                Ok(manage_key::create_in(tx, requester, KeyKind::Device, Some(id), now).await?)
            })
        })
        .await
}

/// Adds a device that sends pings. It gets no key of its own, because the URL of its pings is enough.
///
/// # Errors
/// As `add`.
pub async fn add_for_pings(
    store: &Store,
    requester: Requester,
    new: NewDevice,
    quota: u64,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                add_in(tx, requester, &new, quota, now).await?;
                Ok(())
            })
        })
        .await
}

/// Adds a device within a transaction of the caller.
async fn add_in(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: &NewDevice,
    quota: u64,
    now: Timestamp,
) -> Result<MonitorId, Error> {
    let place = (requester.guild, new.uuid.clone());
    if !known_device::known(tx, &[place]).await?.is_empty() {
        return Err(Error::Conflict(
            "a device with this uuid already exists. Choose another uuid, or edit the device"
                .into(),
        ));
    }
    let id = insert(tx, requester, new, quota, now).await;
    let id = id.map_err(|error| match error {
        CheckInError::Store(error) => Error::Internal(error),
        refusal => Error::Conflict(refusal.to_string()),
    })?;
    if let Some(token) = &new.push_token {
        set_push_token(tx, id, Some(token)).await?;
    }
    Ok(id)
}

/// The device that a ping by slug belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceOfSlug {
    pub uuid: DeviceUuid,
    pub is_new: bool,
}

/// Adds a device for a slug, named after it, unless the guild has one already. If the name is taken, it gets the next free
/// form. It gets no key of its own, because nothing could show that key.
///
/// # Errors
/// `Quota` if the guild has `quota` devices.
pub async fn add_for_slug(
    store: &Store,
    requester: Requester,
    slug: Slug,
    quota: u64,
    now: Timestamp,
) -> Result<DeviceOfSlug, CheckInError> {
    let mut new = NewDevice {
        uuid: random_uuid()?,
        name: slug.default_name(),
        device_type: None,
        slug: Some(slug.clone()),
        push_token: None,
        threshold: None,
    };
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = device::uuid_with_slug(tx, requester.guild, &slug).await?;
                let is_new = known.is_none();
                let uuid = match known {
                    Some(uuid) => uuid,
                    None => {
                        let scope = requester.names_of(MonitorKind::Device);
                        new.name = monitor_name::free_form(tx, scope, &new.name).await?;
                        insert(tx, requester, &new, quota, now).await?;
                        new.uuid
                    }
                };
                Ok(DeviceOfSlug { uuid, is_new })
            })
        })
        .await
}

/// A random UUID for a new device.
pub fn random_uuid() -> Result<DeviceUuid, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| StoreError::Damaged("cannot generate random numbers".into()))?;
    Ok(DeviceUuid::from_random(bytes))
}

/// Adds the row of a device and its event, within the quota.
async fn insert(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: &NewDevice,
    quota: u64,
    now: Timestamp,
) -> Result<MonitorId, CheckInError> {
    if device::count(tx, requester.guild).await? >= quota {
        return Err(CheckInError::Quota(quota));
    }
    let scope = requester.names_of(MonitorKind::Device);
    let name = claim_name::for_new(tx, scope, &new.name).await?;
    name.map_err(CheckInError::Name)?;
    let derived = Slug::from_name(&new.name);
    let slug = new.slug.as_ref().or(derived.as_ref());
    let row = UnsavedDevice {
        guild: requester.guild,
        uuid: &new.uuid,
        name: &new.name,
        device_type: new.device_type.as_deref(),
        slug,
        threshold: new.threshold,
        status: Status::Unknown,
    };
    let id = device::insert(tx, &row, now).await?;
    let details = json!({
        "uuid": new.uuid.as_str(), "name": new.name, "slug": slug.map(Slug::as_str),
        "threshold_ms": new.threshold.map(crate::domain::millis), "status": row.status.as_str(),
    });
    let event = requester.event(EventKind::DeviceRegistered, Some(id), details, now);
    event::append(tx, &event).await?;
    Ok(id)
}

async fn set_push_token(
    tx: &mut Tx<'_>,
    id: MonitorId,
    token: Option<&PushToken>,
) -> Result<(), Error> {
    let hash = token.map(push_token_hash);
    match device::set_push_token(tx, id, hash.as_ref()).await? {
        Effect::Changed => Ok(()),
        Effect::Nothing => Err(Error::Conflict(
            "this push token is already in use. Choose another one, or remove it from the other device".into(),
        )),
    }
}

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

async fn find(tx: &mut Tx<'_>, requester: Requester, id: MonitorId) -> Result<Device, Error> {
    let found = device::find(tx, requester.guild, id).await?;
    found.ok_or_else(no_such_monitor)
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
mod tests {
    use super::*;
    use crate::actions::devices::check_in::{self, CheckIn, Payload};
    use crate::domain::devices::ping::{Ping, Signal};
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
            ..DeviceEdit::default()
        };
        edit(&store, requester(1), device.id, change, NOW)
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
        assert!(remove(&store, requester(2), device.id, NOW).await.is_err());
        remove(&store, requester(1), device.id, NOW).await.unwrap();
        assert_eq!(
            device::get(&store.reader, GuildId(1), &device.uuid)
                .await
                .unwrap(),
            None
        );
    }

    fn new(number: u8, name: &str) -> NewDevice {
        NewDevice {
            uuid: DeviceUuid::from_random([number; 16]),
            name: name.into(),
            device_type: None,
            slug: None,
            push_token: None,
            threshold: None,
        }
    }

    fn token(letter: &str) -> PushToken {
        PushToken::parse(&letter.repeat(32)).unwrap()
    }

    async fn find(store: &TestStore, guild: u64, number: u8) -> Option<Device> {
        let uuid = DeviceUuid::from_random([number; 16]);
        device::get(&store.reader, GuildId(guild), &uuid)
            .await
            .unwrap()
    }

    fn slug(text: &str) -> Slug {
        Slug::parse(text).unwrap()
    }

    /// Sends a heartbeat, or a ping if there is a signal.
    async fn check_in(store: &TestStore, number: u8, signal: Option<Signal>) {
        let ping = signal.map(|signal| Ping {
            signal,
            run: String::new(),
            message: String::new(),
            last_line: None,
            run_time: None,
        });
        let heartbeat = CheckIn {
            requester: requester(1),
            uuid: DeviceUuid::from_random([number; 16]),
            payload: ping.map_or(Payload::Nothing, Payload::Ping),
            key: None,
        };
        let results = store
            .write(move |tx| {
                Box::pin(async move { check_in::record(tx, &[heartbeat], 100, NOW).await })
            })
            .await;
        assert!(results[0].is_ok());
    }

    #[tokio::test]
    async fn an_added_device_is_not_set_up_until_its_first_heartbeat() {
        for (signal, status, last_event, outages) in [
            (None, Status::Online, "device_online", 0),
            (Some(Signal::Success), Status::Online, "device_online", 0),
            (Some(Signal::Start), Status::Online, "device_online", 0),
            (
                Some(Signal::Fail(None)),
                Status::Offline,
                "device_offline",
                1,
            ),
        ] {
            let store = TestStore::open().await;
            let added = NewDevice {
                device_type: Some("esp32".into()),
                threshold: Some(Duration::from_secs(90)),
                ..new(1, "Pump 1")
            };
            let key = add(&store, requester(1), added, 10, NOW).await.unwrap();
            assert_eq!(key.kind, KeyKind::Device);
            let device = find(&store, 1, 1).await.unwrap();
            assert_eq!(
                (device.status, device.last_seen_at),
                (Status::Unknown, None)
            );
            assert_eq!(device.threshold, Some(Duration::from_secs(90)));
            assert_eq!(device.device_type.as_deref(), Some("esp32"));
            assert_eq!(device.slug, Some(slug("pump-1")));
            let stored = api_key::find(&store.reader, &key.id).await.unwrap();
            assert_eq!(stored.unwrap().monitor_id, Some(device.id));
            check_in(&store, 1, signal).await;
            let device = find(&store, 1, 1).await.unwrap();
            assert_eq!(
                (device.status, device.last_seen_at),
                (status, Some(NOW)),
                "{signal:?}"
            );
            let events: Vec<(String,)> = store.rows("SELECT kind FROM events ORDER BY id").await;
            let events: Vec<&str> = events.iter().map(|(kind,)| kind.as_str()).collect();
            assert_eq!(events, ["device_registered", "key_created", last_event]);
            let opened: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM outages").await;
            assert_eq!(opened, [(outages,)], "{signal:?}");
        }
    }

    #[tokio::test]
    async fn a_uuid_is_unique_in_its_guild_and_a_push_token_everywhere() {
        let store = TestStore::open().await;
        let with_token = |number, letter| NewDevice {
            push_token: Some(token(letter)),
            ..new(number, &format!("pump {number}"))
        };
        let added = async |guild, new| add(&store, requester(guild), new, 10, NOW).await;
        added(1, with_token(1, "x")).await.unwrap();
        added(2, new(1, "pump")).await.unwrap();
        for (guild, new) in [
            (1, with_token(1, "y")),
            (1, with_token(2, "x")),
            (2, with_token(3, "x")),
        ] {
            let refused = added(guild, new).await;
            assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        }
        let counts: Vec<(i64, i64)> = store
            .rows("SELECT COUNT(*), (SELECT COUNT(*) FROM api_keys) FROM monitors")
            .await;
        assert_eq!(counts, [(2, 2)], "what was refused leaves nothing");
        let found = device::with_push_token(&store.reader, &push_token_hash(&token("x"))).await;
        assert_eq!(found.unwrap(), find(&store, 1, 1).await);
        let other = device::with_push_token(&store.reader, &push_token_hash(&token("y"))).await;
        assert_eq!(other.unwrap(), None);
        added(1, with_token(4, "y")).await.unwrap();
    }

    #[tokio::test]
    async fn push_tokens_are_replaced_and_removed_by_an_edit() {
        let store = TestStore::open().await;
        for number in [1, 2] {
            let new = new(number, &format!("pump {number}"));
            add(&store, requester(1), new, 10, NOW).await.unwrap();
        }
        let change = async |number, push_token| {
            let device = find(&store, 1, number).await.unwrap();
            let change = DeviceEdit {
                push_token,
                ..DeviceEdit::default()
            };
            edit(&store, requester(1), device.id, change, NOW).await
        };
        let owner = async |letter| {
            let hash = push_token_hash(&token(letter));
            let found = device::with_push_token(&store.reader, &hash).await;
            found.unwrap().map(|device| device.id)
        };
        let first = find(&store, 1, 1).await.map(|device| device.id);
        change(1, Patch::Set(token("x"))).await.unwrap();
        change(1, Patch::Set(token("x"))).await.unwrap();
        change(1, Patch::Keep).await.unwrap();
        assert_eq!(owner("x").await, first);
        let taken = change(2, Patch::Set(token("x"))).await;
        assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
        change(1, Patch::Set(token("y"))).await.unwrap();
        assert_eq!((owner("x").await, owner("y").await), (None, first));
        change(1, Patch::Clear).await.unwrap();
        assert_eq!(owner("y").await, None);
        let rows: Vec<(String,)> = store.rows("SELECT details FROM events").await;
        let token = "x".repeat(32);
        assert!(
            rows.iter().all(|(details,)| !details.contains(&token)),
            "{rows:?}"
        );
    }

    #[tokio::test]
    async fn the_quota_limits_added_devices() {
        let store = TestStore::open().await;
        let add_one = async |number| {
            let new = new(number, &format!("pump {number}"));
            add(&store, requester(1), new, 2, NOW).await
        };
        assert!(add_one(1).await.is_ok());
        let for_slug = async |text| add_for_slug(&store, requester(1), slug(text), 2, NOW).await;
        assert!(for_slug("db-1").await.is_ok());
        let refused = add_one(3).await;
        assert!(
            matches!(&refused, Err(Error::Conflict(reason)) if reason.contains("limit of 2 devices")),
            "{refused:?}"
        );
        assert!(matches!(
            for_slug("db-2").await,
            Err(CheckInError::Quota(2))
        ));
        assert!(for_slug("db-1").await.is_ok(), "nothing is added");
        let for_pings = add_for_pings(&store, requester(1), new(3, "pump"), 2, NOW).await;
        assert!(matches!(for_pings, Err(Error::Conflict(_))));
        let elsewhere = add(&store, requester(2), new(1, "pump"), 2, NOW).await;
        assert!(elsewhere.is_ok(), "each guild has its own quota");
    }

    #[tokio::test]
    async fn a_device_for_pings_has_no_key() {
        let store = TestStore::open().await;
        let new = NewDevice {
            threshold: Some(Duration::from_secs(90)),
            ..new(1, "backup")
        };
        add_for_pings(&store, requester(1), new, 1, NOW)
            .await
            .unwrap();
        let added = find(&store, 1, 1).await.unwrap();
        assert_eq!(
            (added.status, added.threshold),
            (Status::Unknown, Some(Duration::from_secs(90)))
        );
        assert_eq!(find(&store, 2, 1).await, None);
        let keys: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM api_keys").await;
        assert_eq!(keys, [(0,)]);
    }

    #[tokio::test]
    async fn a_device_that_is_added_by_its_slug_gets_a_free_name() {
        let store = TestStore::open().await;
        let named = NewDevice {
            slug: Some(slug("other")),
            ..new(1, "DB-1")
        };
        add(&store, requester(1), named, 10, NOW).await.unwrap();
        let added = add_for_slug(&store, requester(1), slug("db-1"), 10, NOW).await;
        let uuid = added.unwrap().uuid;
        let added = device::get(&store.reader, GuildId(1), &uuid).await.unwrap();
        assert_eq!(added.unwrap().name, "db-1 (2)");
    }

    #[tokio::test]
    async fn a_slug_is_added_once_in_each_guild() {
        let store = TestStore::open().await;
        let for_slug = async |guild| {
            let added = add_for_slug(&store, requester(guild), slug("db-1"), 10, NOW).await;
            added.unwrap()
        };
        let (first, again) = (for_slug(1).await, for_slug(1).await);
        assert_eq!((first.is_new, again.is_new), (true, false));
        assert_eq!(first.uuid, again.uuid);
        let other = for_slug(2).await;
        assert!(other.is_new && other.uuid != first.uuid);
        let added = device::get(&store.reader, GuildId(1), &first.uuid).await;
        let added = added.unwrap().unwrap();
        assert_eq!(
            (added.name.as_str(), added.status),
            ("db-1", Status::Unknown)
        );
        let keys: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM api_keys").await;
        assert_eq!(keys, [(0,)]);
    }

    #[tokio::test]
    async fn a_new_name_keeps_the_slug_and_a_slug_can_be_changed_and_removed() {
        let store = TestStore::open().await;
        add(&store, requester(1), new(1, "Pump 1"), 10, NOW)
            .await
            .unwrap();
        for (change, expected) in [
            (
                DeviceEdit {
                    name: Some("gate".into()),
                    ..DeviceEdit::default()
                },
                Some(slug("pump-1")),
            ),
            (
                DeviceEdit {
                    slug: Patch::Set(slug("gate")),
                    ..DeviceEdit::default()
                },
                Some(slug("gate")),
            ),
            (
                DeviceEdit {
                    slug: Patch::Clear,
                    ..DeviceEdit::default()
                },
                None,
            ),
        ] {
            let device = find(&store, 1, 1).await.unwrap();
            edit(&store, requester(1), device.id, change, NOW)
                .await
                .unwrap();
            let device = find(&store, 1, 1).await.unwrap();
            assert_eq!((device.slug, device.name.as_str()), (expected, "gate"));
        }
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
        remove(&store, requester(1), device.id, NOW).await.unwrap();
        assert!(!is_valid(first.id, NOW).await && !is_valid(second.id, NOW).await);
    }
}
