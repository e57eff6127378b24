//! Outages on a real database: which incident they join, the backlog, and that no notification is ever missing.

use super::*;
use crate::actions::Requester;
use crate::actions::incidents::respond;
use crate::actions::silences::{end, start};
use crate::actions::testing::{HOME, at, down, maintenance_of, member, pending_deliveries, up};
use crate::actions::transition;
use crate::domain::discord_id::{ChannelId, RoleId};
use crate::domain::endpoints::check_result::{Failure, FailureClass};
use crate::domain::event::Actor;
use crate::domain::key::KeyId;
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::silences::silence::SilenceScope;
use crate::domain::status::Status;
use crate::domain::status::transition::{Transition, TransitionReason};
use crate::store::silences::silence as silences;
use crate::store::testing::TestStore;

#[tokio::test]
async fn outages_in_a_subnet_share_an_incident_that_ends_with_the_last() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let (a, b) = (
        store.add_endpoint(HOME, "tcp://192.0.2.1:1").await,
        store.add_endpoint(HOME, "tcp://192.0.2.2:1").await,
    );
    let late = store.add_endpoint(HOME, "tcp://198.51.100.1:1").await;
    down(&store, a, 10).await;
    down(&store, a, 11).await;
    down(&store, b, 12).await;
    down(&store, late, 100).await;
    up(&store, a, 200).await;
    let first = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (first.counts.monitors, first.counts.open, first.ended_at),
        (2, 1, None)
    );
    assert_eq!(
        first.group_key.scope.to_string(),
        "hosts=192.0.2.1,192.0.2.2"
    );
    assert_eq!(first.outages[0].monitor_id, b, "open outages come first");
    up(&store, b, 300).await;
    let first = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (first.counts.open, first.ended_at, first.revision),
        (0, Some(at(300)), 4)
    );
    assert_eq!(
        store.pending_incidents().await,
        [IncidentId(1), IncidentId(2)]
    );
}

/// The messages about monitors that joined an incident: their details, and the second before which each is not sent.
async fn replies(store: &TestStore) -> Vec<(String, i64)> {
    store
        .rows(
            "SELECT i.details, d.next_try_at / 1000 FROM incidents i JOIN deliveries d ON d.incident_id = i.id
             WHERE i.kind = 'joined' ORDER BY i.id",
        )
        .await
}

#[tokio::test]
async fn an_outage_that_joins_an_acknowledged_or_old_incident_is_announced() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let mut ids = Vec::new();
    for port in 1..=7 {
        ids.push(
            store
                .add_endpoint(HOME, &format!("tcp://192.0.2.1:{port}"))
                .await,
        );
    }
    let posted =
        "UPDATE deliveries SET delivered_revision = wanted_revision, message_id = 7, channel_id = 5
                  WHERE incident_id = 1";
    let acknowledge = async |second| {
        crate::actions::incidents::respond::acknowledge(&store, member(), IncidentId(1), at(second))
            .await
    };
    down(&store, ids[0], 0).await;
    down(&store, ids[1], 1).await;
    assert_eq!(
        replies(&store).await,
        [],
        "its first message is to be posted"
    );
    store.execute(posted).await;
    down(&store, ids[2], 300).await;
    assert_eq!(replies(&store).await, [], "five minutes old");
    acknowledge(301).await.unwrap();
    down(&store, ids[3], 302).await;
    let incident = incident::get(&store.reader, IncidentId(1)).await;
    assert_eq!(incident.unwrap().unwrap().acknowledged, None);
    let first = r#"{"incident":1,"unacknowledged":"7"}"#;
    assert_eq!(replies(&store).await, [(first.to_owned(), 302)]);
    let waiting = incident::waiting(&store.reader, HOME, at(302))
        .await
        .unwrap();
    assert_eq!(waiting[0].1.escalation_starts_at, at(302));
    down(&store, ids[4], 303).await;
    assert_eq!(
        replies(&store).await.len(),
        1,
        "the same message, not yet sent"
    );
    store
        .execute("UPDATE deliveries SET delivered_revision = 1 WHERE incident_id > 1")
        .await;
    down(&store, ids[5], 304).await;
    let second = r#"{"incident":1,"unacknowledged":null}"#;
    assert_eq!(
        replies(&store).await,
        [(first.to_owned(), 302), (second.to_owned(), 362)],
        "a minute after the first"
    );
    acknowledge(305).await.unwrap();
    down(&store, ids[6], 306).await;
    assert_eq!(replies(&store).await[1], (first.to_owned(), 362));
}

#[tokio::test]
async fn an_outage_that_joins_takes_back_the_acknowledgment_by_a_key() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let (a, b) = (
        store.add_endpoint(HOME, "tcp://192.0.2.1:1").await,
        store.add_endpoint(HOME, "tcp://192.0.2.1:2").await,
    );
    down(&store, a, 0).await;
    store
        .execute(
            "UPDATE deliveries SET delivered_revision = wanted_revision, message_id = 7, channel_id = 5",
        )
        .await;
    let key = Requester {
        guild: HOME,
        actor: KeyId::parse("0123456789ab").map(Actor::Key).unwrap(),
    };
    respond::acknowledge(&store, key, IncidentId(1), at(1))
        .await
        .unwrap();
    down(&store, b, 2).await;
    let incident = incident::get(&store.reader, IncidentId(1)).await;
    assert_eq!(incident.unwrap().unwrap().acknowledged, None);
    let details = r#"{"incident":1,"unacknowledged":"key:0123456789ab"}"#;
    assert_eq!(replies(&store).await, [(details.to_owned(), 2)]);
    let reply = incident::get(&store.reader, IncidentId(2)).await;
    assert_eq!(
        reply.unwrap().unwrap().kind,
        NotificationKind::Joined {
            of: IncidentId(1),
            unacknowledged: Some(key.actor),
        }
    );
    // It can be acknowledged again.
    respond::acknowledge(&store, key, IncidentId(1), at(3))
        .await
        .unwrap();
}

#[tokio::test]
async fn outages_with_different_roles_have_separate_incidents() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let mut incidents = Vec::new();
    for (last, role) in [
        (1, None),
        (2, Some(88)),
        (3, None),
        (4, Some(88)),
        (5, Some(89)),
    ] {
        let target = format!("tcp://192.0.2.{last}:1");
        let id = store.add_endpoint(HOME, &target).await;
        let own = role.map(|role| alert_override::Override {
            notify: true,
            role: Some(RoleId(role)),
        });
        store
            .write(move |tx| Box::pin(alert_override::set(tx, HOME, id, own)))
            .await;
        down(&store, id, 10).await;
        let incident: Vec<(i64,)> = store
            .rows("SELECT incident_id FROM outages ORDER BY id DESC LIMIT 1")
            .await;
        incidents.extend(incident);
    }
    assert_eq!(incidents, [(1,), (2,), (1,), (2,), (3,)]);
}

#[tokio::test]
async fn the_delivery_backlog_is_limited_and_loses_no_outage() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let mut ids = Vec::new();
    for number in 0..130 {
        let id = store
            .add_endpoint(HOME, &format!("tcp://host{number}.example:1"))
            .await;
        down(&store, id, number * 100).await;
        ids.push(id);
    }
    // All but the last recover while Discord is unavailable.
    for id in &ids[..129] {
        up(&store, *id, 20_000).await;
    }
    let due = store.pending_incidents().await;
    assert_eq!(due.len(), 100);
    let last = incident::get(&store.reader, due[99])
        .await
        .unwrap()
        .unwrap();
    assert_eq!((last.counts.monitors, last.counts.open), (31, 1));
    assert_eq!(last.outages[0].monitor_id, ids[129]);
}

#[tokio::test]
async fn open_outages_notify_once_a_channel_is_set() {
    let store = TestStore::open().await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    let late = store.add_endpoint(HOME, "tcp://192.0.2.2:1").await;
    down(&store, id, 10).await;
    late_report(&store, late, 10).await;
    let set = async || {
        let _ = crate::actions::incidents::alerts::edit(
            &store,
            member(),
            crate::actions::incidents::alerts::AlertEdit {
                channel: Some(ChannelId(5)),
                ..Default::default()
            },
            at(20),
        )
        .await
        .unwrap();
        store.pending_incidents().await.len()
    };
    assert_eq!((set().await, set().await), (1, 1), "only one notification");
    let incident = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((incident.counts.monitors, incident.opened_at), (1, at(10)));
}

#[tokio::test]
async fn an_overdue_server_notifies_by_its_own_rule_and_not_when_unmuted() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let late = store.add_endpoint(HOME, "tcp://192.0.2.2:1").await;
    let length = std::time::Duration::from_secs(60);
    late_report(&store, late, 10).await;
    start::mute(&store, member(), late, length, at(20))
        .await
        .unwrap();
    end::unmute(&store, member(), late, at(30)).await.unwrap();
    assert_eq!(pending_deliveries(&store).await, 0);
    down(&store, late, 40).await;
    assert_eq!(
        pending_deliveries(&store).await,
        1,
        "its own rule applies now"
    );
}

#[tokio::test]
async fn a_guild_without_a_channel_has_outages_and_no_incidents() {
    let store = TestStore::open().await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    down(&store, id, 10).await;
    up(&store, id, 20).await;
    let rows: Vec<(i64, i64)> = store
        .rows("SELECT (SELECT COUNT(*) FROM outages), (SELECT COUNT(*) FROM incidents)")
        .await;
    assert_eq!(rows, [(1, 0)]);
}

/// A server's thresholds take it to warning, without a notification.
async fn late_report(store: &TestStore, id: MonitorId, second: i64) {
    let transition = Transition {
        monitor: MonitorRef { guild: HOME, id },
        kind: MonitorKind::Server,
        from: Status::Online,
        since: at(0),
        to: Status::Warning,
        at: at(second),
        reason: TransitionReason::NoReport {
            last_seen: at(second),
        },
    };
    store
        .write(move |tx| {
            Box::pin(transition::apply_one(
                tx,
                transition,
                Actor::System,
                at(second),
            ))
        })
        .await;
}

/// One step of a random history: what happens, and to which endpoint.
#[derive(Clone, Copy, Debug)]
enum Step {
    Down(usize),
    Up(usize),
    Deliver,
    Mute(usize),
    Unmute(usize),
    StartMaintenance,
    EndMaintenance,
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    use proptest::prelude::{Just, Strategy, prop_oneof};
    let one = 0..4_usize;
    let step = prop_oneof![
        4 => one.clone().prop_map(Step::Down),
        4 => one.clone().prop_map(Step::Up),
        2 => Just(Step::Deliver),
        1 => one.clone().prop_map(Step::Mute),
        1 => one.prop_map(Step::Unmute),
        1 => Just(Step::StartMaintenance),
        1 => Just(Step::EndMaintenance),
    ];
    proptest::collection::vec(step, 1..60)
}

async fn apply(store: &TestStore, ids: &[MonitorId], step: Step, second: i64) {
    let length = std::time::Duration::from_secs(3600);
    match step {
        Step::Down(one) => down(store, ids[one], second).await,
        Step::Up(one) => up(store, ids[one], second).await,
        Step::Deliver => {
            store
                .execute(
                    "UPDATE deliveries SET delivered_revision = wanted_revision WHERE id =
                     (SELECT MIN(id) FROM deliveries WHERE delivered_revision < wanted_revision)",
                )
                .await;
        }
        Step::Mute(one) => {
            let muted = start::mute(store, member(), ids[one], length, at(second)).await;
            muted.unwrap();
        }
        // Fails if the monitor is not muted.
        Step::Unmute(one) => drop(end::unmute(store, member(), ids[one], at(second)).await),
        Step::StartMaintenance => {
            let new = maintenance_of(SilenceScope::All, second, second + 3600);
            start::schedule(store, member(), new, at(second))
                .await
                .unwrap();
        }
        Step::EndMaintenance => {
            for known in silences::maintenance(&store.reader, Some(HOME))
                .await
                .unwrap()
            {
                end::end(store, member(), known.id, at(second))
                    .await
                    .unwrap();
            }
        }
    }
}

/// Violations of what must always hold: description, and query for the rows.
const VIOLATIONS: [(&str, &str); 3] = [
    (
        "an incident without a delivery, or delivered beyond its revision",
        "SELECT c.id FROM incidents c LEFT JOIN deliveries n ON n.incident_id = c.id
         WHERE n.id IS NULL OR n.delivered_revision > n.wanted_revision OR (c.kind = 'incident' AND n.wanted_revision <> c.revision)",
    ),
    (
        "an open incident without an open outage, or an ended one with one",
        "SELECT c.id FROM incidents c WHERE (c.ended_at IS NULL) <>
         EXISTS (SELECT 1 FROM outages i WHERE i.incident_id = c.id AND i.ended_at IS NULL)",
    ),
    (
        "an open outage in no incident, though it is not silenced",
        "SELECT i.id FROM outages i WHERE i.ended_at IS NULL AND i.incident_id IS NULL
         AND NOT EXISTS (SELECT 1 FROM silenced_monitors x WHERE x.monitor_id = i.monitor_id)",
    ),
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn pending_notifications_are_in_the_outbox_after_any_history(steps in steps()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = TestStore::open().await;
            store.add_channel(HOME).await;
            let mut ids = Vec::new();
            for number in 0..4 {
                ids.push(store.add_endpoint(HOME, &format!("tcp://192.0.2.{number}:1")).await);
            }
            for (second, step) in steps.into_iter().enumerate() {
                apply(&store, &ids, step, second as i64 * 3).await;
                for (what, sql) in VIOLATIONS {
                    let wrong: Vec<(i64,)> = store.rows(sql).await;
                    assert_eq!(wrong, [], "{what}, after {step:?} at step {second}");
                }
            }
        });
    }
}

#[tokio::test]
async fn an_address_that_was_never_allowed_is_in_no_incident() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let mut endpoints = Vec::new();
    for port in 1..=3 {
        let target = format!("tcp://inside.example:{port}");
        endpoints.push(store.add_endpoint(HOME, &target).await);
    }
    let (never, once, refused) = (endpoints[0], endpoints[1], endpoints[2]);
    store
        .execute("UPDATE monitor_state SET last_seen_at = 1000 WHERE monitor_id = 2")
        .await;
    assert_eq!(once, MonitorId(2));
    for (id, class) in [
        (never, FailureClass::NotAllowed),
        (once, FailureClass::NotAllowed),
        (refused, FailureClass::Refused),
    ] {
        let offline = Transition {
            monitor: MonitorRef { guild: HOME, id },
            kind: MonitorKind::Endpoint,
            from: Status::Warning,
            since: at(1),
            to: Status::Offline,
            at: at(10),
            reason: TransitionReason::CheckFailed(Failure::new(class)),
        };
        store
            .write(move |tx| Box::pin(transition::apply_one(tx, offline, Actor::System, at(10))))
            .await;
    }
    let unnotified = "SELECT monitor_id FROM outages WHERE incident_id IS NULL";
    assert_eq!(store.rows::<(i64,)>(unnotified).await, [(never.0,)]);
    store
        .write(|tx| Box::pin(notify_all_open(tx, HOME, at(20))))
        .await;
    assert_eq!(store.rows::<(i64,)>(unnotified).await, [(never.0,)]);
}
