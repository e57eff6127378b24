//! Silences on a real database: what they hold back, and what happens when they end.

use super::end::*;
use super::start::*;
use crate::actions::Requester;
use crate::actions::incidents::respond;
use crate::actions::testing::{
    HOME, at, down, maintenance_of, member, pending_deliveries, up, with_endpoints,
};
use crate::domain::discord_id::{GuildId, UserId};
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::silences::maintenance::{WeekDays, Weekly, parse_zone};
use crate::domain::silences::silence::{NewSilence, SilenceScope};
use crate::store::incidents::incident;
use crate::store::monitors::group;
use crate::store::silences::silence;
use crate::store::testing::TestStore;

#[tokio::test]
async fn muted_outages_notify_at_expiry_only_if_still_open() {
    let store = TestStore::open().await;
    let [a, b] = with_endpoints(&store).await;
    for id in [a, b] {
        mute(&store, member(), id, AN_HOUR, at(10)).await.unwrap();
        down(&store, id, 20).await;
    }
    assert_eq!(
        (
            pending_deliveries(&store).await,
            apply_due(&store, at(3_609)).await.unwrap()
        ),
        (0, 0)
    );
    up(&store, b, 100).await;
    assert_eq!(apply_due(&store, at(3_610)).await.unwrap(), 2);
    assert_eq!(pending_deliveries(&store).await, 1);
    let incident = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            incident.counts.monitors,
            incident.outages[0].monitor_id,
            incident.opened_at
        ),
        (1, a, at(20))
    );
    // Escalation is counted from the expiry: responders get the full time.
    let waiting = incident::waiting(&store.reader, HOME, at(3_611))
        .await
        .unwrap();
    assert_eq!(waiting[0].1.escalation_starts_at, at(3_610));
}

#[tokio::test]
async fn open_incidents_send_a_reminder_at_expiry_unless_acknowledged() {
    for (is_acknowledged, ended_at, expected) in
        [(false, None, 2), (true, None, 1), (false, Some(25), 1)]
    {
        let store = TestStore::open().await;
        let ids = with_endpoints(&store).await;
        for id in ids {
            down(&store, id, 20).await;
        }
        if is_acknowledged {
            respond::acknowledge(&store, member(), IncidentId(1), at(30))
                .await
                .unwrap();
        }
        mute_incident(&store, member(), IncidentId(1), at(30))
            .await
            .unwrap();
        for id in ids {
            if let Some(second) = ended_at {
                up(&store, id, second).await;
            }
        }
        assert_eq!(apply_due(&store, at(3_630)).await.unwrap(), 2);
        let case = format!("{is_acknowledged}, {ended_at:?}");
        assert_eq!(pending_deliveries(&store).await, expected, "{case}");
        let incident = incident::get(&store.reader, IncidentId(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(incident.muted.is_none(), ended_at.is_none(), "{case}");
    }
}

#[tokio::test]
async fn setting_the_clock_back_ends_no_mute_early() {
    let store = TestStore::open().await;
    let [a, _] = with_endpoints(&store).await;
    mute(&store, member(), a, AN_HOUR, at(10)).await.unwrap();
    down(&store, a, 20).await;
    assert_eq!(apply_due(&store, at(-9_000)).await.unwrap(), 0);
    assert_eq!(pending_deliveries(&store).await, 0);
    assert_eq!(apply_due(&store, at(90_000)).await.unwrap(), 1);
    assert_eq!(pending_deliveries(&store).await, 1);
}

#[tokio::test]
async fn outages_still_open_at_expiry_share_one_notification() {
    let store = TestStore::open().await;
    let ids = with_endpoints(&store).await;
    for id in ids {
        mute(&store, member(), id, AN_HOUR, at(10)).await.unwrap();
        down(&store, id, 20).await;
    }
    apply_due(&store, at(4_000)).await.unwrap();
    assert_eq!(pending_deliveries(&store).await, 1);
}

#[tokio::test]
async fn other_guilds_cannot_mute_or_unmute() {
    let store = TestStore::open().await;
    let [a, _] = with_endpoints(&store).await;
    down(&store, a, 5).await;
    let other_guild = Requester {
        guild: GuildId(2),
        ..member()
    };
    assert!(
        mute_incident(&store, other_guild, IncidentId(1), at(6))
            .await
            .is_err()
    );
    let incident = mute_incident(&store, member(), IncidentId(1), at(6))
        .await
        .unwrap();
    assert_eq!(incident.muted, Some((UserId(7), at(3_606))));
    assert!(unmute(&store, other_guild, a, at(7)).await.is_err());
    unmute(&store, member(), a, at(7)).await.unwrap();
    assert!(
        unmute(&store, member(), a, at(8)).await.is_err(),
        "no longer muted"
    );
    assert_eq!(
        pending_deliveries(&store).await,
        1,
        "the outage was in its incident all along"
    );
    let incident = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(incident.muted, None);
}

#[test]
fn durations_range_from_a_second_to_thirty_days() {
    for (text, seconds) in [
        ("1s", Some(1)),
        ("90", Some(5_400)),
        ("30d", Some(2_592_000)),
        ("31d", None),
        ("0s", None),
        ("soon", None),
    ] {
        assert_eq!(
            parse_mute_length(text).ok().map(|length| length.as_secs()),
            seconds,
            "{text}"
        );
    }
}

#[tokio::test]
async fn outages_in_maintenance_are_marked_and_notify_when_it_ends() {
    let store = TestStore::open().await;
    let [a, b] = with_endpoints(&store).await;
    schedule(
        &store,
        member(),
        maintenance_of(SilenceScope::All, 100, 200),
        at(10),
    )
    .await
    .unwrap();
    assert_eq!(apply_due(&store, at(99)).await.unwrap(), 0);
    assert_eq!(apply_due(&store, at(100)).await.unwrap(), 1);
    assert_eq!(apply_due(&store, at(101)).await.unwrap(), 0, "once");
    down(&store, a, 110).await;
    down(&store, b, 120).await;
    up(&store, b, 130).await;
    assert_eq!(pending_deliveries(&store).await, 0);
    let marked: Vec<(i64,)> = store
        .rows("SELECT SUM(is_in_maintenance) FROM outages")
        .await;
    assert_eq!(marked, [(2,)]);
    assert_eq!(apply_due(&store, at(200)).await.unwrap(), 1);
    assert_eq!(pending_deliveries(&store).await, 1);
    let incident = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((incident.counts.monitors, incident.opened_at), (1, at(110)));
    let left = silence::maintenance(&store.reader, Some(HOME))
        .await
        .unwrap();
    assert_eq!(left, []);
}

#[tokio::test]
async fn open_incidents_send_a_reminder_when_maintenance_expires() {
    for by_itself in [true, false] {
        let store = TestStore::open().await;
        let [a, b] = with_endpoints(&store).await;
        down(&store, a, 10).await;
        down(&store, b, 900).await;
        let incident = maintain_incident(&store, member(), IncidentId(1), at(1_000))
            .await
            .unwrap();
        assert_eq!(incident.maintained, Some((UserId(7), at(4_600))));
        if by_itself {
            assert_eq!(apply_due(&store, at(4_600)).await.unwrap(), 1);
        } else {
            let known = silence::maintenance(&store.reader, Some(HOME))
                .await
                .unwrap();
            end(&store, member(), known[0].id, at(2_000)).await.unwrap();
        }
        let incident = incident::get(&store.reader, IncidentId(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(incident.maintained, None);
        // Both incidents, and a reminder about the first if the maintenance expired by itself.
        assert_eq!(pending_deliveries(&store).await, 2 + usize::from(by_itself));
    }
}

#[tokio::test]
async fn maintenance_silences_only_monitors_in_its_scope() {
    let store = TestStore::open().await;
    let [a, b] = with_endpoints(&store).await;
    let _ = store
        .write(move |tx| Box::pin(group::set(tx, HOME, a, Some("web"))))
        .await;
    for scope in [
        SilenceScope::Group("web".into()),
        SilenceScope::Some(vec![a]),
    ] {
        schedule(&store, member(), maintenance_of(scope, 0, 100), at(10))
            .await
            .unwrap();
    }
    down(&store, a, 20).await;
    assert_eq!(pending_deliveries(&store).await, 0);
    down(&store, b, 20).await;
    assert_eq!(pending_deliveries(&store).await, 1);
    // One of the two ends early; the other continues.
    let mut both = silence::maintenance(&store.reader, Some(HOME))
        .await
        .unwrap();
    let first = both.remove(0).id;
    end(&store, member(), first, at(30)).await.unwrap();
    assert!(end(&store, member(), first, at(30)).await.is_err());
    let incident = incident::get(&store.reader, IncidentId(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(incident.counts.monitors, 1);
    let other_guild = Requester {
        guild: GuildId(2),
        ..member()
    };
    assert!(end(&store, other_guild, both[0].id, at(30)).await.is_err());
    end(&store, member(), both[0].id, at(30)).await.unwrap();
    assert_eq!(pending_deliveries(&store).await, 2);
}

#[tokio::test]
async fn clock_changes_neither_end_maintenance_early_nor_start_it_twice() {
    let store = TestStore::open().await;
    let [a, _] = with_endpoints(&store).await;
    schedule(
        &store,
        member(),
        maintenance_of(SilenceScope::All, 100, 200),
        at(100),
    )
    .await
    .unwrap();
    down(&store, a, 110).await;
    // Set back by an hour, and forward again.
    for now in [-3_500, 50, 150] {
        assert_eq!(apply_due(&store, at(now)).await.unwrap(), 0, "{now}");
    }
    assert_eq!(pending_deliveries(&store).await, 0);
    // Set forward by a day: the maintenance has ended.
    assert_eq!(apply_due(&store, at(86_550)).await.unwrap(), 1);
    assert_eq!(pending_deliveries(&store).await, 1);
}

#[tokio::test]
async fn weekly_maintenance_repeats_after_a_window_without_rollcall_running() {
    let store = TestStore::open().await;
    with_endpoints(&store).await;
    let weekly = Weekly {
        days: WeekDays::parse("thu").unwrap(),
        minute: 60,
        length: AN_HOUR,
        zone: parse_zone("UTC").unwrap(),
    };
    // 1970 began on a Thursday.
    let new = NewSilence {
        weekly: Some(weekly),
        ..maintenance_of(SilenceScope::All, 3_600, 7_200)
    };
    schedule(&store, member(), new, at(0)).await.unwrap();
    const WEEK: i64 = 7 * 86_400;
    for (now, running, next) in [
        (3_600, true, 3_600),
        (7_200, false, 3_600 + WEEK),
        // Rollcall was not running during the whole window.
        (9_000 + WEEK, false, 3_600 + 2 * WEEK),
    ] {
        apply_due(&store, at(now)).await.unwrap();
        let known = silence::maintenance(&store.reader, Some(HOME))
            .await
            .unwrap();
        assert_eq!(
            (known[0].is_started, known[0].window.starts_at),
            (running, at(next)),
            "{now}"
        );
    }
}

#[tokio::test]
async fn a_window_silences_from_its_first_second_to_its_last() {
    for (second, is_silenced) in [(99, false), (100, true), (199, true), (200, false)] {
        let store = TestStore::open().await;
        let [a, _] = with_endpoints(&store).await;
        let new = maintenance_of(SilenceScope::All, 100, 200);
        schedule(&store, member(), new, at(10)).await.unwrap();
        // No job has run since.
        down(&store, a, second).await;
        let notified = pending_deliveries(&store).await == 1;
        assert_eq!(notified, !is_silenced, "second {second}");
    }
}

#[tokio::test]
async fn an_outage_of_a_monitor_that_leaves_a_silenced_group_is_notified_about() {
    let store = TestStore::open().await;
    let [a, _] = with_endpoints(&store).await;
    let _ = store
        .write(move |tx| Box::pin(group::set(tx, HOME, a, Some("web"))))
        .await;
    let scope = SilenceScope::Group("web".into());
    schedule(&store, member(), maintenance_of(scope, 0, 9_000), at(10))
        .await
        .unwrap();
    down(&store, a, 20).await;
    apply_due(&store, at(30)).await.unwrap();
    assert_eq!(pending_deliveries(&store).await, 0);
    let _ = store
        .write(move |tx| Box::pin(group::set(tx, HOME, a, None)))
        .await;
    apply_due(&store, at(40)).await.unwrap();
    assert_eq!(pending_deliveries(&store).await, 1);
}
