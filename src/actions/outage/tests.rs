//! Outages on a real database: which card they are told on, what waits for them, and that nothing is ever untold.

use super::*;
use crate::actions::testing::{HOME, at, down, maintenance_of, member, notified};
use crate::actions::{maintenance, mute};
use crate::store::maintenance::{self as maintenances, MaintenanceScope};
use crate::store::testing::TestStore;

async fn up(store: &TestStore, id: MonitorId, second: i64) {
    store
        .write(move |tx| Box::pin(close(tx, id, at(second))))
        .await;
}

#[tokio::test]
async fn outages_of_a_network_share_a_incident_that_ends_with_the_last() {
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
    assert_eq!((first.count, first.open, first.ended_at), (2, 1, None));
    assert_eq!(first.group_key.scope.to_string(), "subnet=192.0.2.0");
    assert_eq!(
        first.outages[0].monitor_id, b,
        "those that go on come first"
    );
    up(&store, b, 300).await;
    let first = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (first.open, first.ended_at, first.revision),
        (0, Some(at(300)), 4)
    );
    let due = delivery::due(&store.reader, at(300), 10).await.unwrap();
    let incidents: Vec<IncidentId> = due.iter().map(|due| due.incident).collect();
    assert_eq!(incidents, [IncidentId(1), IncidentId(2)]);
}

#[tokio::test]
async fn what_others_are_called_for_has_a_incident_of_its_own() {
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
            role: Some(role),
        });
        store
            .write(move |tx| Box::pin(alert_override::set(tx, (HOME, id), own)))
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
async fn what_flaps_keeps_its_incident_until_it_settles() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    let (mut incidents, mut begun) = (Vec::new(), Vec::new());
    for minute in [0, 10, 20, 30, 40] {
        down(&store, id, minute * 60).await;
        let waiting = incident::waiting(&store.reader, HOME, at(minute * 60)).await;
        begun.extend(
            waiting
                .unwrap()
                .into_iter()
                .map(|(_, waited)| waited.escalation_starts_at),
        );
        up(&store, id, minute * 60 + 60).await;
        incidents.push(
            delivery::due(&store.reader, at(9_999), 10)
                .await
                .unwrap()
                .len(),
        );
    }
    // Five changes when it goes down for the third time: from then on its second card.
    assert_eq!(incidents, [1, 2, 2, 2, 2]);
    // Whoever takes care has his time from the moment in which it went down again.
    assert_eq!(begun, [0, 600, 1_200, 1_800, 2_400].map(at));
    let incident = incident::get(&store.reader, IncidentId(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (incident.count, incident.open, incident.outages.len()),
        (1, 0, 4)
    );
    assert_eq!(
        (incident.flapping_since, incident.ended_at),
        (Some(at(1_200)), Some(at(2_460)))
    );
    let settle = async |second| {
        let before = at(second).minus(crate::domain::flapping::WINDOW);
        store
            .write(move |tx| Box::pin(incident::end_flapping(tx, (before, at(second)))))
            .await
    };
    assert_eq!(
        (
            settle(6_059).await,
            settle(6_060).await,
            settle(6_061).await
        ),
        (0, 1, 0)
    );
    // The next outage is news again.
    down(&store, id, 90_000).await;
    assert_eq!(
        delivery::due(&store.reader, at(99_999), 10)
            .await
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn what_waits_does_not_grow_without_end_and_nothing_is_lost() {
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
    // All but the last come back while Discord is away.
    for id in &ids[..129] {
        up(&store, *id, 20_000).await;
    }
    let due = delivery::due(&store.reader, at(99_999), 1_000)
        .await
        .unwrap();
    assert_eq!(due.len(), 100);
    let last = incident::get(&store.reader, due[99].incident)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((last.count, last.open), (31, 1));
    assert_eq!(last.outages[0].monitor_id, ids[129]);
}

#[tokio::test]
async fn what_goes_on_is_told_once_there_is_somewhere_to_tell_it() {
    let store = TestStore::open().await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    let late = store.add_endpoint(HOME, "tcp://192.0.2.2:1").await;
    down(&store, id, 10).await;
    store
        .write(move |tx| Box::pin(begin(tx, (HOME, late), (at(10), report_interval::OVERDUE))))
        .await;
    let set = async || {
        crate::actions::alerts::set(&store, member(), (5, None), at(20))
            .await
            .unwrap();
        delivery::due(&store.reader, at(99), 10)
            .await
            .unwrap()
            .len()
    };
    assert_eq!((set().await, set().await), (1, 1), "once");
    let incident = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((incident.count, incident.opened_at), (1, at(10)));
}

#[tokio::test]
async fn a_server_is_told_of_by_its_rhythm_and_not_because_it_is_muted_no_more() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let late = store.add_endpoint(HOME, "tcp://192.0.2.2:1").await;
    let length = std::time::Duration::from_secs(60);
    store
        .write(move |tx| Box::pin(begin(tx, (HOME, late), (at(10), report_interval::OVERDUE))))
        .await;
    mute::mute(&store, member(), (late, length), at(20))
        .await
        .unwrap();
    mute::unmute(&store, member(), late, at(30)).await.unwrap();
    assert_eq!(notified(&store).await, 0);
    down(&store, late, 40).await;
    assert_eq!(notified(&store).await, 1, "the rule of its own says so now");
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

/// One step of a life: which endpoint, and what happens to it.
#[derive(Clone, Copy, Debug)]
enum Step {
    Down(usize),
    Up(usize),
    Tell,
    Mute(usize),
    Unmute(usize),
    Maintain,
    EndMaintenance,
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    use proptest::prelude::{Just, Strategy, prop_oneof};
    let one = 0..4_usize;
    let step = prop_oneof![
        4 => one.clone().prop_map(Step::Down),
        4 => one.clone().prop_map(Step::Up),
        2 => Just(Step::Tell),
        1 => one.clone().prop_map(Step::Mute),
        1 => one.prop_map(Step::Unmute),
        1 => Just(Step::Maintain),
        1 => Just(Step::EndMaintenance),
    ];
    proptest::collection::vec(step, 1..60)
}

async fn take(store: &TestStore, ids: &[MonitorId], step: Step, second: i64) {
    let length = std::time::Duration::from_secs(3600);
    match step {
        Step::Down(one) => down(store, ids[one], second).await,
        Step::Up(one) => up(store, ids[one], second).await,
        Step::Tell => {
            for due in delivery::due(&store.reader, at(second), 1).await.unwrap() {
                let incident = incident::get(&store.reader, due.incident)
                    .await
                    .unwrap()
                    .unwrap();
                let revision = incident.revision;
                store
                    .write(move |tx| Box::pin(delivery::delivered(tx, due.id, revision, (5, 6))))
                    .await;
            }
        }
        Step::Mute(one) => mute::mute(store, member(), (ids[one], length), at(second))
            .await
            .unwrap(),
        // What is not muted is not unmuted.
        Step::Unmute(one) => drop(mute::unmute(store, member(), ids[one], at(second)).await),
        Step::Maintain => {
            let new = maintenance_of(MaintenanceScope::All, second, second + 3600);
            maintenance::schedule(store, member(), new, at(second))
                .await
                .unwrap();
        }
        Step::EndMaintenance => {
            for known in maintenances::list(&store.reader, Some(HOME)).await.unwrap() {
                maintenance::end(store, member(), known, at(second))
                    .await
                    .unwrap();
            }
        }
    }
}

/// What must hold at every moment: rows that are wrong.
const WRONG: [(&str, &str); 3] = [
    (
        "a card that changed and is neither told nor in the outbox",
        "SELECT c.id FROM incidents c LEFT JOIN channel_deliveries n ON n.incident_id = c.id WHERE n.id IS NULL OR n.delivered_revision > c.revision",
    ),
    (
        "a card that goes on without an outage, or is over with one",
        "SELECT c.id FROM incidents c WHERE (c.ended_at IS NULL) <>
         EXISTS (SELECT 1 FROM outages i WHERE i.incident_id = c.id AND i.ended_at IS NULL)",
    ),
    (
        "an outage on no card, though nobody wanted it silent",
        "SELECT i.id FROM outages i WHERE i.ended_at IS NULL AND i.incident_id IS NULL
         AND NOT EXISTS (SELECT 1 FROM mutes u WHERE u.monitor_id = i.monitor_id)
         AND NOT EXISTS (SELECT 1 FROM maintenance_windows w WHERE w.is_running = 1)",
    ),
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_happens_what_is_not_told_yet_is_in_the_outbox(steps in steps()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = TestStore::open().await;
            store.add_channel(HOME).await;
            let mut ids = Vec::new();
            for number in 0..4 {
                ids.push(store.add_endpoint(HOME, &format!("tcp://192.0.2.{number}:1")).await);
            }
            for (second, step) in steps.into_iter().enumerate() {
                take(&store, &ids, step, second as i64 * 3).await;
                for (what, sql) in WRONG {
                    let wrong: Vec<(i64,)> = store.rows(sql).await;
                    assert_eq!(wrong, [], "{what}, after {step:?} at step {second}");
                }
            }
        });
    }
}
