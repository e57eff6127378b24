//! Flapping on a real database: how it ends, and which incident follows.

use super::*;
use crate::actions::endpoints::manage_endpoint;
use crate::actions::incidents::{alerts, respond};
use crate::actions::silences::{end, start};
use crate::actions::testing::{HOME, at, down, member, up};
use crate::domain::discord_id::ChannelId;
use crate::domain::history::observation_windows::ObservationWindow;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::MonitorId;
use crate::store::testing::TestStore;

/// Rollcall was running all the time.
fn observed() -> ObservationWindows {
    ObservationWindows(vec![ObservationWindow::new(at(0), at(1_000_000))])
}

/// A guild with an endpoint that was offline at 0 and at 600 s, for a minute each: another change makes it flapping.
async fn unstable() -> (TestStore, MonitorId) {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    for second in [0, 600] {
        down(&store, id, second).await;
        up(&store, id, second + 60).await;
    }
    (store, id)
}

#[tokio::test]
async fn a_flapping_monitor_keeps_its_incident_until_it_is_stable() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    let (mut incidents, mut escalation_starts) = (Vec::new(), Vec::new());
    for minute in [0, 10, 20, 30, 40] {
        down(&store, id, minute * 60).await;
        let waiting = incident::waiting(&store.reader, HOME, at(minute * 60)).await;
        escalation_starts.extend(
            waiting
                .unwrap()
                .into_iter()
                .map(|(_, state)| state.escalation_starts_at),
        );
        up(&store, id, minute * 60 + 60).await;
        incidents.push(store.pending_incidents().await.len());
    }
    // Five changes when it goes down for the third time: from then on it stays in its second incident.
    assert_eq!(incidents, [1, 2, 2, 2, 2]);
    // Escalation is counted from when it went down again: responders get the full time.
    assert_eq!(escalation_starts, [0, 600, 1_200, 1_800, 2_400].map(at));
    let incident = incident::get(&store.reader, IncidentId(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            incident.counts.monitors,
            incident.counts.open,
            incident.outages[0].times
        ),
        (1, 0, 4)
    );
    assert_eq!(
        (incident.flapping_since, incident.ended_at),
        (Some(at(1_200)), Some(at(2_460)))
    );
    for (second, stable) in [(6_059, 0), (6_060, 1), (6_061, 0)] {
        let settled = settle(&store, &observed(), at(second)).await.unwrap();
        assert_eq!(settled.stable, stable, "at {second} s");
    }
    // The next outage opens a new incident.
    down(&store, id, 90_000).await;
    assert_eq!(store.pending_incidents().await.len(), 3);
}

#[tokio::test]
async fn a_flapping_monitor_that_stays_offline_has_an_outage_like_any_other() {
    let (store, id) = unstable().await;
    // The fifth change: the third outage joins the second incident.
    down(&store, id, 1_200).await;
    respond::acknowledge(&store, member(), IncidentId(2), at(1_300))
        .await
        .unwrap();
    let nothing = Settled::default();
    assert_eq!(
        settle(&store, &observed(), at(1_200 + 899)).await.unwrap(),
        nothing
    );
    let settled = Settled {
        stable: 0,
        offline: 1,
    };
    assert_eq!(
        settle(&store, &observed(), at(1_200 + 900)).await.unwrap(),
        settled
    );
    assert_eq!(
        settle(&store, &observed(), at(1_200 + 901)).await.unwrap(),
        nothing,
        "once"
    );
    let load = async |id| incident::get(&store.reader, id).await.unwrap().unwrap();
    let (flapping, new) = (load(IncidentId(2)).await, load(IncidentId(3)).await);
    assert_eq!(
        (
            flapping.ended_at,
            flapping.counts.open,
            flapping.outages[0].continued_by
        ),
        (Some(at(2_100)), 0, Some(IncidentId(3)))
    );
    assert_eq!(flapping.flapping_ended_at, Some(at(2_100)));
    assert_eq!(
        (
            new.opened_at,
            new.counts.open,
            new.acknowledged,
            new.flapping_since
        ),
        (at(1_200), 1, None, None)
    );
    let waiting = incident::waiting(&store.reader, HOME, at(2_200))
        .await
        .unwrap();
    let (id_of_waiting, state) = waiting[0];
    assert_eq!(
        (id_of_waiting, state.escalation_starts_at),
        (IncidentId(3), at(2_100))
    );
    // It recovers like any other, and what follows is not flapping: the changes before no longer count.
    up(&store, id, 2_400).await;
    down(&store, id, 2_500).await;
    assert_eq!(load(IncidentId(4)).await.flapping_since, None);
}

#[tokio::test]
async fn flapping_monitors_that_stay_offline_together_share_one_new_incident() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let mut monitors = Vec::new();
    for port in 1..=3 {
        let target = format!("tcp://192.0.2.1:{port}");
        monitors.push(store.add_endpoint(HOME, &target).await);
    }
    // All of them flap in one incident; the last one recovers.
    for start in [0, 600, 1_200] {
        for id in &monitors {
            down(&store, *id, start).await;
        }
        let staying = if start == 1_200 { 2 } else { 0 };
        for id in &monitors[staying..] {
            up(&store, *id, start + 60).await;
        }
    }
    // Nothing is settled while Rollcall was not there to see a recovery.
    let gap = ObservationWindows(vec![ObservationWindow::new(at(1_500), at(2_399))]);
    let nothing = Settled::default();
    assert_eq!(settle(&store, &gap, at(2_399)).await.unwrap(), nothing);
    let settled = settle(&store, &observed(), at(2_400)).await.unwrap();
    assert_eq!((settled.stable, settled.offline), (0, 2));
    let load = async |id| incident::get(&store.reader, id).await.unwrap().unwrap();
    let (old, new) = (load(IncidentId(2)).await, load(IncidentId(3)).await);
    let counts = (old.counts.open, old.counts.flapping, old.counts.continued);
    assert_eq!(counts, (0, 1, 2), "the third is still flapping");
    assert_eq!((old.flapping_ended_at, new.counts.open), (None, 2));
    assert_eq!(new.flapping_since, None);
    // An hour after its last recovery the third is stable as well, and so is the incident.
    let stable = settle(&store, &observed(), at(4_860)).await.unwrap();
    assert_eq!((stable.stable, stable.offline), (1, 0));
    let old = load(IncidentId(2)).await;
    assert_eq!(
        (old.counts.flapping, old.flapping_ended_at),
        (0, Some(at(4_860)))
    );
}

#[tokio::test]
async fn a_flapping_monitor_settles_once_the_guild_has_a_channel() {
    let (store, id) = unstable().await;
    down(&store, id, 1_200).await;
    alerts::remove(&store, member(), at(1_300)).await.unwrap();
    let settled = async |second| {
        settle(&store, &observed(), at(second))
            .await
            .unwrap()
            .offline
    };
    assert_eq!(settled(2_400).await, 0);
    let _ = alerts::edit(
        &store,
        member(),
        crate::actions::incidents::alerts::AlertEdit {
            channel: Some(ChannelId(5)),
            ..Default::default()
        },
        at(2_500),
    )
    .await
    .unwrap();
    assert_eq!(settled(2_600).await, 1);
}

#[tokio::test]
async fn a_muted_flapping_monitor_settles_when_the_mute_ends() {
    let (store, id) = unstable().await;
    down(&store, id, 1_200).await;
    let length = std::time::Duration::from_secs(3_600);
    start::mute(&store, member(), id, length, at(1_300))
        .await
        .unwrap();
    assert_eq!(
        settle(&store, &observed(), at(3_000))
            .await
            .unwrap()
            .offline,
        0
    );
    assert_eq!(
        settle(&store, &observed(), at(4_900))
            .await
            .unwrap()
            .offline,
        1
    );
}

#[tokio::test]
async fn an_outage_that_was_muted_for_too_long_is_not_flapping() {
    let (store, id) = unstable().await;
    let length = std::time::Duration::from_secs(3_600);
    start::mute(&store, member(), id, length, at(1_000))
        .await
        .unwrap();
    down(&store, id, 1_200).await;
    end::unmute(&store, member(), id, at(2_100)).await.unwrap();
    let new = incident::get(&store.reader, IncidentId(3))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((new.counts.open, new.flapping_since), (1, None));
}

#[tokio::test]
async fn a_monitor_that_is_paused_while_it_is_flapping_has_stopped_flapping() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let id = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    for second in [0, 600, 1_200] {
        down(&store, id, second).await;
        up(&store, id, second + 60).await;
    }
    let load = async || {
        incident::get(&store.reader, IncidentId(2))
            .await
            .unwrap()
            .unwrap()
    };
    let flapping = load().await;
    assert_eq!((flapping.counts.flapping, flapping.counts.open), (1, 0));
    let now = at(1_300);
    manage_endpoint::pause(&store, member(), id, now)
        .await
        .unwrap();
    let stopped = load().await;
    assert_eq!(
        (stopped.counts.flapping, stopped.flapping_ended_at),
        (0, Some(now))
    );
    assert!(
        stopped.revision > flapping.revision,
        "its message is edited"
    );
}

#[tokio::test]
async fn escalation_does_not_restart_while_another_monitor_is_offline() {
    let store = TestStore::open().await;
    store.add_channel(HOME).await;
    let flaky = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
    let other = store.add_endpoint(HOME, "tcp://192.0.2.1:2").await;
    down(&store, flaky, 0).await;
    up(&store, flaky, 60).await;
    down(&store, flaky, 600).await;
    down(&store, other, 600).await;
    up(&store, flaky, 660).await;
    down(&store, flaky, 1_200).await;
    let flapping = incident::get(&store.reader, IncidentId(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(flapping.counts.flapping, 1);
    let waiting = incident::waiting(&store.reader, HOME, at(1_200))
        .await
        .unwrap();
    assert_eq!(waiting[0].1.escalation_starts_at, at(600));
}
