//! Devices that are added, edited and removed, each by its own guild.

use std::time::Duration;

use super::*;
use crate::actions::devices::check_in::{self, CheckIn, CheckInError, Payload};
use crate::domain::devices::device::DeviceUuid;
use crate::domain::devices::ping::{Ping, Signal};
use crate::domain::devices::push_token::PushToken;
use crate::domain::devices::slug::Slug;
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::domain::patch::Patch;
use crate::domain::status::Status;
use crate::store::devices::device::{self, Device};
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
