//! Heartbeats of devices, recorded in a real database.

use std::time::Duration;

use super::*;
use crate::domain::devices::ping::Signal;
use crate::domain::devices::status_rule::{MissedHeartbeats, on_absence};
use crate::domain::history::observation_windows::Absence;
use crate::store::testing::TestStore;

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

fn heartbeat(number: u8) -> CheckIn {
    CheckIn {
        requester: Requester {
            guild: GuildId(1),
            actor: Actor::CommandLine,
        },
        uuid: DeviceUuid::from_random([number; 16]),
        payload: Payload::Nothing,
        key: None,
    }
}

async fn try_all(
    store: &TestStore,
    heartbeats: Vec<CheckIn>,
) -> Vec<Result<CheckedIn, CheckInError>> {
    store
        .write(move |tx| Box::pin(async move { record(tx, &heartbeats, 100, NOW).await }))
        .await
}

async fn record_all(store: &TestStore, heartbeats: Vec<CheckIn>) -> Vec<CheckedIn> {
    let results = try_all(store, heartbeats).await;
    results.into_iter().map(Result::unwrap).collect()
}

async fn events(store: &TestStore) -> Vec<String> {
    let rows: Vec<(String,)> = store.rows("SELECT kind FROM events ORDER BY id").await;
    rows.into_iter().map(|(kind,)| kind).collect()
}

#[tokio::test]
async fn simultaneous_heartbeats_create_a_device_once() {
    let store = TestStore::open().await;
    let results = record_all(&store, vec![heartbeat(1), heartbeat(1), heartbeat(2)]).await;
    let made: Vec<bool> = results.iter().map(|result| result.made.is_some()).collect();
    assert_eq!(made, [true, false, true]);
    let again = record_all(&store, vec![heartbeat(1)]).await;
    assert!(again[0].made.is_none());
    assert_eq!(
        events(&store).await,
        [
            "device_registered",
            "key_created",
            "device_registered",
            "key_created"
        ]
    );
}

#[tokio::test]
async fn a_heartbeat_brings_an_overdue_device_back_online() {
    let store = TestStore::open().await;
    record_all(&store, vec![heartbeat(1)]).await;
    let device = device::get(&store.reader, GuildId(1), &heartbeat(1).uuid).await;
    let id = device.unwrap().unwrap().id;
    let state = DeviceStanding {
        status: Status::Online,
        since: NOW,
        has_failed: false,
    };
    let missed = MissedHeartbeats {
        last_seen: NOW,
        threshold: Duration::from_secs(60),
        absence: Absence {
            observed: Duration::from_secs(61),
            present: Duration::from_secs(61),
        },
    };
    let monitor = heartbeat(1).requester.monitor(id);
    let overdue = on_absence(monitor, state, missed, NOW).unwrap();
    store
        .write(move |tx| Box::pin(transition::apply_one(tx, overdue, Actor::System, NOW)))
        .await;
    record_all(&store, vec![heartbeat(1), heartbeat(1)]).await;
    assert_eq!(events(&store).await.last().unwrap(), "device_online");
    let open: Vec<(i64,)> = store
        .rows("SELECT COUNT(*) FROM outages WHERE ended_at IS NULL")
        .await;
    assert_eq!(open, [(0,)]);
}

#[tokio::test]
async fn registering_again_updates_the_name() {
    let store = TestStore::open().await;
    let payload = CheckIn {
        payload: Payload::Registration(Registration {
            name: Some("gate".into()),
            device_type: None,
        }),
        ..heartbeat(1)
    };
    record_all(&store, vec![heartbeat(1), payload]).await;
    let device = device::get(&store.reader, GuildId(1), &heartbeat(1).uuid)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(device.name, "gate");
}

fn pinging(number: u8, signal: Signal, message: &str) -> CheckIn {
    let ping = Ping {
        signal,
        run: String::new(),
        message: message.to_owned(),
        last_line: None,
        run_time: None,
    };
    CheckIn {
        payload: Payload::Ping(ping),
        ..heartbeat(number)
    }
}

#[tokio::test]
async fn a_failed_run_takes_the_device_offline_until_success_or_a_plain_heartbeat() {
    let store = TestStore::open().await;
    record_all(&store, vec![heartbeat(1)]).await;
    for (signal, status, failure) in [
        (Signal::Start, Status::Online, None),
        (
            Signal::Fail(Some(3)),
            Status::Offline,
            Some("exit status 3: disk full"),
        ),
        (Signal::Fail(None), Status::Offline, Some("disk full")),
        (Signal::Start, Status::Offline, Some("disk full")),
        (Signal::Log, Status::Offline, Some("disk full")),
        (Signal::Success, Status::Online, None),
    ] {
        record_all(&store, vec![pinging(1, signal, "disk full")]).await;
        let device = device::get(&store.reader, GuildId(1), &heartbeat(1).uuid).await;
        let device = device.unwrap().unwrap();
        assert_eq!(
            (device.status, device.failure.as_deref()),
            (status, failure),
            "after {signal:?}"
        );
    }
    assert_eq!(
        events(&store).await[2..],
        ["device_offline", "device_online"],
        "one event for each change"
    );
    record_all(&store, vec![pinging(1, Signal::Fail(None), "")]).await;
    record_all(&store, vec![heartbeat(1)]).await;
    let device = device::get(&store.reader, GuildId(1), &heartbeat(1).uuid).await;
    assert_eq!(
        device.unwrap().unwrap().status,
        Status::Online,
        "a plain heartbeat brings it online"
    );
}

#[tokio::test]
async fn run_time_is_measured_from_the_start_ping() {
    let store = TestStore::open().await;
    record_all(&store, vec![heartbeat(1)]).await;
    let later = NOW.plus(std::time::Duration::from_secs(90));
    record_all(&store, vec![pinging(1, Signal::Start, "")]).await;
    store
        .write(move |tx| {
            Box::pin(
                async move { record(tx, &[pinging(1, Signal::Success, "done")], 100, later).await },
            )
        })
        .await;
    record_all(&store, vec![pinging(1, Signal::Success, "again")]).await;
    let rows: Vec<(String, Option<i64>)> = store
        .rows("SELECT kind, run_ms FROM device_logs ORDER BY id")
        .await;
    let expected = [
        ("start", None),
        ("success", Some(90_000)),
        ("success", None),
    ];
    assert_eq!(rows, expected.map(|(kind, took)| (kind.to_owned(), took)));
}

#[tokio::test]
async fn reported_state_is_merged_up_to_the_size_limit() {
    let store = TestStore::open().await;
    let state = |text: &str| CheckIn {
        payload: Payload::State(serde_json::from_str(text).unwrap()),
        ..heartbeat(1)
    };
    let heartbeats = [
        r#"{"speed":1,"app":{"version":"1","mode":"idle"}}"#,
        r#"{"speed":null,"app":{"mode":"busy"},"list":[1]}"#,
        r#"{"list":{"now":"an object"}}"#,
    ];
    record_all(&store, heartbeats.map(state).into()).await;
    let large = format!(r#"{{"large":"{}"}}"#, "x".repeat(64 * 1024));
    let refused = try_all(&store, vec![state(&large)]).await;
    assert!(matches!(refused[0], Err(CheckInError::Payload(_))));
    let kept: Vec<(String,)> = store.rows("SELECT current FROM device_states").await;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&kept[0].0).unwrap(),
        json!({ "app": { "version": "1", "mode": "busy" }, "list": { "now": "an object" } })
    );
}

#[tokio::test]
async fn keys_are_checked_again_in_the_transaction() {
    let store = TestStore::open().await;
    let requester = heartbeat(1).requester;
    let fleet = manage_key::create(&store, requester, KeyKind::Fleet, 10, NOW)
        .await
        .unwrap();
    let with_key = |number: u8, id: KeyId, owner| CheckIn {
        key: Some(PresentedKey { id, owner }),
        ..heartbeat(number)
    };
    let made = record_all(&store, vec![with_key(1, fleet.id, None)]).await;
    let own = made[0].made.as_ref().unwrap().id;
    let owner = Some(made[0].id);
    let received = try_all(
        &store,
        vec![
            with_key(1, own, owner),
            with_key(2, own, owner),
            with_key(2, fleet.id, None),
        ],
    )
    .await;
    assert!(received[0].is_ok() && received[2].is_ok());
    assert!(
        matches!(received[1], Err(CheckInError::Device)),
        "a device key is valid for no other device"
    );
    manage_key::revoke(&store, requester, own, NOW)
        .await
        .unwrap();
    let received = try_all(
        &store,
        vec![with_key(1, own, owner), with_key(1, fleet.id, None)],
    )
    .await;
    assert!(matches!(received[0], Err(CheckInError::Key)), "revoked");
    assert!(
        received[1].is_ok(),
        "the other heartbeats of the batch are recorded"
    );
    // Another process revokes the key: whatever this writer has in memory is older.
    let elsewhere = crate::store::Store::open(&store.url()).await.unwrap();
    manage_key::revoke(&elsewhere, requester, fleet.id, NOW)
        .await
        .unwrap();
    let received = try_all(&store, vec![with_key(1, fleet.id, None)]).await;
    assert!(matches!(received[0], Err(CheckInError::Key)));
}

#[tokio::test]
async fn removed_devices_are_created_again_and_changes_by_jobs_are_seen() {
    let store = TestStore::open().await;
    let first = record_all(&store, vec![heartbeat(1)]).await[0].id;
    record_all(&store, vec![heartbeat(1)]).await;
    store
        .set_status(first, Status::Online, Status::Offline, NOW)
        .await;
    record_all(&store, vec![heartbeat(1)]).await;
    assert_eq!(events(&store).await.last().unwrap(), "device_online");
    let _ = store
        .write(move |tx| {
            Box::pin(crate::store::monitors::monitor::remove(
                tx,
                GuildId(1),
                first,
            ))
        })
        .await;
    let again = record_all(&store, vec![heartbeat(1)]).await;
    assert!(again[0].made.is_some());
}

#[tokio::test]
async fn a_guild_that_has_changed_too_much_today_gets_no_new_devices() {
    let store = TestStore::open().await;
    let of = |guild, number| {
        let mut heartbeat = heartbeat(number);
        heartbeat.requester.guild = GuildId(guild);
        heartbeat.requester.actor = Actor::Key(KeyId::parse("0123456789ab").unwrap());
        heartbeat
    };
    for (guild, changes, is_accepted) in [(1, 4, true), (2, 3, false)] {
        // The first device is two changes, too.
        record_all(&store, vec![of(guild, 1)]).await;
        let made = daily_changes::MOST - changes;
        store
            .write(move |tx| {
                Box::pin(async move { daily_changes::add(tx, GuildId(guild), made, NOW).await })
            })
            .await;
        let heartbeats = vec![of(guild, 1), of(guild, 2), of(guild + 10, 3)];
        let results = try_all(&store, heartbeats).await;
        let accepted: Vec<bool> = results.iter().map(Result::is_ok).collect();
        assert_eq!(accepted, [true, is_accepted, true], "{guild}");
    }
}

#[tokio::test]
async fn new_devices_over_the_quota_are_refused_and_known_ones_recorded() {
    let store = TestStore::open().await;
    let heartbeats = [1, 2, 3, 1].map(heartbeat);
    let results = store
        .write(move |tx| Box::pin(async move { record(tx, &heartbeats, 2, NOW).await }))
        .await;
    let received: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(received, [true, true, false, true]);
    assert!(matches!(results[2], Err(CheckInError::Quota(2))));
    let heartbeats = [4, 2].map(heartbeat);
    let results = store
        .write(move |tx| Box::pin(async move { record(tx, &heartbeats, 2, NOW).await }))
        .await;
    assert!(results[0].is_err() && results[1].is_ok());
}

fn registration(number: u8, name: Option<&str>) -> CheckIn {
    CheckIn {
        payload: Payload::Registration(Registration {
            name: name.map(str::to_owned),
            device_type: None,
        }),
        ..heartbeat(number)
    }
}

async fn names(store: &TestStore) -> Vec<String> {
    let rows: Vec<(String,)> = store.rows("SELECT name FROM monitors ORDER BY id").await;
    rows.into_iter().map(|(name,)| name).collect()
}

#[tokio::test]
async fn a_new_device_cannot_register_with_a_name_that_is_taken() {
    let store = TestStore::open().await;
    let sent = vec![
        registration(1, Some("pump")),
        registration(2, Some("PUMP")),
        heartbeat(3),
    ];
    let results = try_all(&store, sent).await;
    let Err(CheckInError::Name(taken)) = &results[1] else {
        panic!("{results:?}")
    };
    assert_eq!(
        taken.without_uuid(),
        "a device named `pump` already exists (#1). If this is the same device, send its `uuid`, too. Otherwise choose another name, such as `PUMP (2)`"
    );
    assert!(results[0].is_ok() && results[2].is_ok());
    assert_eq!(names(&store).await, ["pump", "device 03030303"]);
    let keys: Vec<(i64,)> = store.rows("SELECT COUNT(*) FROM api_keys").await;
    assert_eq!(keys, [(2,)], "no key for what was refused");
    let mut elsewhere = registration(2, Some("pump"));
    elsewhere.requester.guild = GuildId(2);
    record_all(&store, vec![elsewhere]).await;
}

#[tokio::test]
async fn a_known_device_registers_again_and_keeps_its_name_if_the_sent_one_is_taken() {
    let store = TestStore::open().await;
    let sent = vec![registration(1, Some("pump")), registration(2, Some("gate"))];
    record_all(&store, sent).await;
    for (sent, expected) in [
        (registration(1, Some("pump")), ["pump", "gate"]),
        (registration(2, Some("Pump")), ["pump", "gate"]),
        (registration(2, None), ["pump", "gate"]),
        (registration(1, Some("Pump")), ["Pump", "gate"]),
        (registration(2, Some("door")), ["Pump", "door"]),
        (registration(1, Some("gate")), ["gate", "door"]),
    ] {
        let results = record_all(&store, vec![sent]).await;
        assert!(results[0].made.is_none());
        assert_eq!(names(&store).await, expected);
    }
}

#[tokio::test]
async fn a_default_name_that_is_taken_gets_a_number() {
    let store = TestStore::open().await;
    let sent = vec![registration(1, Some("device 02020202")), heartbeat(2)];
    record_all(&store, sent).await;
    assert_eq!(
        names(&store).await,
        ["device 02020202", "device 02020202 (2)"]
    );
}
