//! Summaries of a guild with two endpoints: what they say, and when each schedule sends one.

use std::time::Duration;

use super::schedules::{schedule, stop};
use super::send_due::send_due;
use super::*;
use crate::actions::history::objectives;
use crate::actions::manage_guild::settings::set_timezone;
use crate::actions::testing::{HOME, at, down, member, up, with_endpoints};
use crate::actions::{Error, Requester};
use crate::domain::discord_id::ChannelId;
use crate::domain::event::Actor;
use crate::domain::history::objective::{Objective, ObjectivePercent, ObjectiveWindow};
use crate::domain::history::summary::schedule::{
    MOST_SCHEDULES, ScheduleId, SummaryDay, SummaryTimes,
};
use crate::domain::monitor::MonitorId;
use crate::domain::silences::maintenance::{WeekDay, parse_zone};
use crate::domain::status::Status;
use crate::store::history::summary_schedule::{self, NewSchedule, StoredSchedule};
use crate::store::testing::TestStore;

const DAY: i64 = 24 * 3600;

/// 2026-10-23T00:00:00Z, a Friday. Rollcall observes from here on.
const START: i64 = 1_792_713_600;

/// A guild with two endpoints that are online.
async fn guild() -> (TestStore, [MonitorId; 2]) {
    let store = TestStore::open().await;
    let ids = with_endpoints(&store).await;
    for id in ids {
        store
            .set_status(id, Status::Unknown, Status::Online, at(START))
            .await;
    }
    let sql = format!(
        "INSERT INTO observation_windows (started_at, confirmed_at) VALUES ({0}, {1});
         INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, {0}, 1 FROM monitors;",
        START * 1000,
        (START + 30 * DAY) * 1000
    );
    store.execute_all(sql.leak()).await;
    (store, ids)
}

fn daily(minute: u16) -> SummaryTimes {
    SummaryTimes::new(SummaryDay::Every, minute).unwrap()
}

async fn schedule_in(
    store: &TestStore,
    channel: u64,
    times: SummaryTimes,
    second: i64,
) -> ScheduleId {
    let new = NewSchedule {
        channel: ChannelId(channel),
        times,
    };
    schedule(store, member(), new, at(second)).await.unwrap()
}

async fn next_of(store: &TestStore) -> Vec<StoredSchedule> {
    summary_schedule::list(&store.reader, HOME).await.unwrap()
}

/// The channel of each summary that is to be sent, and the days that it covers, counted from the start.
async fn sent(store: &TestStore) -> Vec<(i64, f64, f64)> {
    let rows: Vec<(i64, i64, i64)> = store
        .rows(
            "SELECT t.address, i.details ->> '$.from', i.details ->> '$.to'
             FROM deliveries d JOIN destinations t ON t.id = d.destination_id JOIN incidents i ON i.id = d.incident_id
             WHERE t.kind = 'summary' AND i.kind = 'summary' AND d.delivered_revision = 0 ORDER BY d.id",
        )
        .await;
    let days = |millis: i64| {
        let since = Duration::from_millis((millis - START * 1000).unsigned_abs());
        since.as_secs_f64() / 86_400.0
    };
    rows.into_iter()
        .map(|(channel, from, to)| (channel, days(from), days(to)))
        .collect()
}

#[tokio::test]
async fn a_summary_has_the_figures_of_its_range_and_of_its_guild() {
    let (store, [shop, blog]) = guild().await;
    down(&store, shop, START + 100).await;
    up(&store, shop, START + 160).await;
    down(&store, blog, START + DAY + 5).await;
    up(&store, blog, START + DAY + 6).await;
    store
        .execute("UPDATE incidents SET acknowledged_at = created_at + 30000 WHERE id = (SELECT MIN(id) FROM incidents)")
        .await;
    let objective = Objective {
        percent: ObjectivePercent::parse("99.9").unwrap(),
        window: ObjectiveWindow::from_days(1).unwrap(),
    };
    let subject = ObjectiveSubject::Monitor(shop);
    let set = objectives::set(&store, member(), subject, objective, at(START));
    set.await.unwrap();
    let now = START + 2 * DAY;
    let expiry = format!(
        "UPDATE endpoint_targets SET certificate_expires_at = CASE monitor_id WHEN {} THEN {} ELSE {} END;
         UPDATE monitors SET status = 'online';",
        shop.0,
        (now + 30 * DAY) * 1000,
        (now + 30 * DAY) * 1000 + 1,
    );
    store.execute_all(expiry.leak()).await;
    let range = HistoryRange {
        from: at(START),
        to: at(START + DAY),
    };
    let summary = of(&store.reader, HOME, range, at(now)).await.unwrap();
    assert_eq!((summary.offline(), summary.monitors.len()), (1, 2));
    let worst = summary.worst().next().unwrap();
    assert_eq!(
        (worst.id, worst.figures.times.offline),
        (shop, Duration::from_secs(60))
    );
    assert_eq!(
        summary.responses.incidents, 1,
        "the other one is of the next day"
    );
    assert_eq!(summary.responses.median, Some(Duration::from_secs(30)));
    let expiring: Vec<&str> = summary.expiring.iter().map(|one| &*one.name).collect();
    assert_eq!(
        expiring,
        [&*worst.name],
        "the other one expires a millisecond later"
    );
    assert_eq!(
        summary.objectives[0].budget.used,
        Duration::from_secs(60),
        "at the end of the range"
    );
    let other = of(&store.reader, GuildId(2), range, at(now)).await.unwrap();
    assert!(other.monitors.is_empty() && other.expiring.is_empty() && other.objectives.is_empty());
    assert_eq!(other.responses.incidents, 0);
}

#[tokio::test]
async fn a_summary_is_sent_once_when_it_is_due() {
    let (store, _) = guild().await;
    schedule_in(&store, 5, daily(540), START).await;
    let due = START + 9 * 3600;
    assert_eq!(send_due(&store, at(due - 1)).await.unwrap(), 0);
    assert_eq!(send_due(&store, at(due)).await.unwrap(), 1);
    assert_eq!(send_due(&store, at(due)).await.unwrap(), 0);
    assert_eq!(send_due(&store, at(due + DAY - 1)).await.unwrap(), 0);
    assert_eq!(send_due(&store, at(due + DAY)).await.unwrap(), 1);
    assert_eq!(sent(&store).await, [(5, 1.0, 0.0), (5, 0.0, 1.0)]);
}

#[tokio::test]
async fn of_the_summaries_that_were_missed_the_latest_one_is_sent() {
    let (store, _) = guild().await;
    let weekly = SummaryTimes::new(SummaryDay::Week(WeekDay::Mon), 540).unwrap();
    schedule_in(&store, 5, daily(540), START).await;
    schedule_in(&store, 6, weekly, START).await;
    // Sunday, nine days later: one weekly summary and nine daily ones were due.
    assert_eq!(
        send_due(&store, at(START + 9 * DAY + 12 * 3600))
            .await
            .unwrap(),
        2
    );
    assert_eq!(sent(&store).await, [(5, 8.0, 9.0), (6, 4.0, 3.0)]);
    let next: Vec<_> = next_of(&store)
        .await
        .iter()
        .map(|one| one.next_due_at)
        .collect();
    assert_eq!(next, [at(START + 10 * DAY + 9 * 3600); 2]);
}

#[tokio::test]
async fn many_schedules_are_due_at_once() {
    let store = TestStore::open().await;
    let sql = format!(
        "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 1001)
         INSERT INTO summary_schedules (guild_id, channel_id, period, minute, next_due_at, created_at)
         SELECT 1 + id % 300, id, 'daily', 0, {0}, {0} FROM n",
        START * 1000
    );
    store.execute(sql.leak()).await;
    assert_eq!(send_due(&store, at(START)).await.unwrap(), 1001);
    assert_eq!(send_due(&store, at(START)).await.unwrap(), 0);
}

#[tokio::test]
async fn summaries_follow_the_time_zone_of_the_guild() {
    let (store, _) = guild().await;
    schedule_in(&store, 5, daily(150), START + 3 * 3600).await;
    assert_eq!(next_of(&store).await[0].next_due_at, at(START + DAY + 9000));
    let berlin = parse_zone("Europe/Berlin").unwrap();
    let _ = set_timezone(&store, member(), berlin, at(START + 3 * 3600))
        .await
        .unwrap();
    // 02:30 in summer time is 00:30 in UTC.
    assert_eq!(next_of(&store).await[0].next_due_at, at(START + DAY + 1800));
    // On 2026-10-25, 02:30 occurs twice.
    for (due, is_sent) in [
        (START + 2 * DAY + 1799, 1),
        (START + 2 * DAY + 1800, 1),
        (START + 2 * DAY + 5400, 0),
        (START + 3 * DAY + 5399, 0),
        (START + 3 * DAY + 5400, 1),
    ] {
        assert_eq!(send_due(&store, at(due)).await.unwrap(), is_sent, "{due}");
    }
    let hours = sent(&store)
        .await
        .into_iter()
        .map(|(_, from, to)| (from * 24.0, to * 24.0));
    // From local midnight to local midnight: the last day has 25 hours.
    assert_eq!(
        hours.collect::<Vec<_>>(),
        [(2.0, 22.0), (22.0, 46.0), (46.0, 71.0)]
    );
}

#[tokio::test]
async fn a_guild_may_have_ten_schedules() {
    let (store, _) = guild().await;
    for channel in 1..MOST_SCHEDULES {
        schedule_in(&store, channel, daily(0), START).await;
    }
    let last = schedule_in(&store, MOST_SCHEDULES, daily(0), START).await;
    let another = NewSchedule {
        channel: ChannelId(MOST_SCHEDULES + 1),
        times: daily(0),
    };
    let refused = schedule(&store, member(), another, at(START)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let changed = schedule_in(&store, MOST_SCHEDULES, daily(1), START).await;
    assert_eq!(
        changed, last,
        "it takes the place of the one with the same period"
    );
    let elsewhere = Requester {
        guild: GuildId(2),
        actor: Actor::System,
    };
    schedule(&store, elsewhere, another, at(START))
        .await
        .unwrap();
    stop(&store, member(), last, at(START)).await.unwrap();
    schedule_in(&store, 99, daily(0), START).await;
}

#[tokio::test]
async fn changes_are_events_and_no_change_is_none() {
    let (store, _) = guild().await;
    let id = schedule_in(&store, 5, daily(540), START).await;
    schedule_in(&store, 5, daily(540), START).await;
    schedule_in(&store, 5, daily(600), START).await;
    let other = Requester {
        guild: GuildId(2),
        actor: Actor::System,
    };
    let foreign = stop(&store, other, id, at(START)).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))), "{foreign:?}");
    stop(&store, member(), id, at(START)).await.unwrap();
    let again = stop(&store, member(), id, at(START)).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
    let events: Vec<(String, String)> = store
        .rows("SELECT kind, details FROM events WHERE kind LIKE 'summary%' ORDER BY id")
        .await;
    let events: Vec<String> = events
        .iter()
        .map(|(kind, details)| format!("{kind} {details}"))
        .collect();
    assert_eq!(
        events,
        [
            r#"summary_scheduled {"before":null,"channel":"5","severity":"info","times":"daily at 09:00"}"#,
            r#"summary_scheduled {"before":"daily at 09:00","channel":"5","severity":"info","times":"daily at 10:00"}"#,
            r#"summary_stopped {"before":"daily at 10:00","channel":"5","severity":"info","times":null}"#,
        ]
    );
}

#[tokio::test]
async fn stopping_the_last_schedule_of_a_channel_drops_what_waits_for_it() {
    let (store, _) = guild().await;
    let weekly = SummaryTimes::new(SummaryDay::Week(WeekDay::Mon), 0).unwrap();
    let (first, second) = (
        schedule_in(&store, 5, daily(0), START).await,
        schedule_in(&store, 5, weekly, START).await,
    );
    assert_eq!(send_due(&store, at(START + DAY)).await.unwrap(), 1);
    stop(&store, member(), first, at(START + DAY))
        .await
        .unwrap();
    assert_eq!(sent(&store).await.len(), 1);
    stop(&store, member(), second, at(START + DAY))
        .await
        .unwrap();
    assert_eq!(sent(&store).await, []);
    assert_eq!(send_due(&store, at(START + 9 * DAY)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_guild_that_left_gets_no_summary_until_it_is_back() {
    let (store, _) = guild().await;
    schedule_in(&store, 5, daily(0), START).await;
    store
        .execute(
            "INSERT INTO guilds (guild_id, application_id, joined_at, left_at) VALUES (1, 1, 1, 1)",
        )
        .await;
    assert_eq!(send_due(&store, at(START + 3 * DAY)).await.unwrap(), 0);
    store.execute("UPDATE guilds SET left_at = NULL").await;
    assert_eq!(send_due(&store, at(START + 3 * DAY + 60)).await.unwrap(), 1);
    assert_eq!(sent(&store).await, [(5, 2.0, 3.0)]);
}
