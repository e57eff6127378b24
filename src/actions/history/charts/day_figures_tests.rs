//! The days of monitors, of spans and of recorded days.

use std::time::Duration;

use super::day_figures::{self, DayFigures};
use crate::actions::history::archive::archive;
use crate::actions::history::span_limit::enforce;
use crate::actions::history::uptime;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::HistoryRange;
use crate::domain::silences::maintenance::Tz;
use crate::store::history::monitor_history::HistoryScope;
use crate::store::testing::TestStore;

const HOUR: Duration = Duration::from_secs(3_600);
const TODAY: i64 = 20_004;

fn now() -> Timestamp {
    Timestamp::start_of_day(TODAY).plus(HOUR * 12)
}

/// Two monitors of a guild, which were offline for the second half of each hour of two days, and one of another guild.
async fn filled() -> TestStore {
    let store = TestStore::open().await;
    for (guild, target) in [
        (1, "tcp://192.0.2.1:1"),
        (1, "tcp://192.0.2.2:1"),
        (2, "tcp://192.0.2.3:1"),
    ] {
        store.add_endpoint(GuildId(guild), target).await;
    }
    store
        .execute_all(
            "UPDATE monitors SET created_at = 20000 * 86400000;
             DELETE FROM status_spans;
             INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, created_at, 1 FROM monitors;
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 95)
             INSERT INTO status_spans (monitor_id, began_at, status)
             SELECT m.id, 20001 * 86400000 + (n.i + 1) * 1800000, CASE n.i % 2 WHEN 0 THEN 3 ELSE 1 END FROM n, monitors m;
             DELETE FROM observation_windows;
             INSERT INTO observation_windows (started_at, confirmed_at) VALUES (0, 20100 * 86400000)",
        )
        .await;
    store
}

async fn figures(store: &TestStore, range: HistoryRange, zone: Tz) -> DayFigures {
    let all = uptime::list(&store.reader, GuildId(1), &HistoryScope::All, range, now());
    let all = all.await.unwrap();
    let found = day_figures::of(&store.reader, &all, range, zone, now());
    found.await.unwrap()
}

/// The hours offline and the hours watched of each day.
fn hours(figures: &DayFigures) -> Vec<(u64, u64)> {
    let days = figures.rows[0].days.iter();
    let hours = |length: Duration| length.as_secs() / 3_600;
    days.map(|day| (hours(day.offline), hours(day.watched())))
        .collect()
}

#[tokio::test]
async fn each_local_day_has_its_downtime() {
    let store = filled().await;
    let range = HistoryRange {
        from: Timestamp::start_of_day(19_999),
        to: now(),
    };
    let found = figures(&store, range, Tz::UTC).await;
    assert_eq!((found.rows.len(), found.monitors), (2, 2));
    let days = [(0, 0), (0, 24), (12, 24), (12, 24), (0, 24), (0, 12)];
    assert_eq!(hours(&found), days);
    // In summer, the days of Berlin begin two hours earlier.
    let found = figures(&store, range, "Europe/Berlin".parse().unwrap()).await;
    let days = [(0, 0), (0, 22), (11, 24), (12, 24), (1, 24), (0, 14)];
    assert_eq!(hours(&found), days);
    assert!(found.strip("6d").description.contains("downtime on "));
    assert!(found.offline("6d").description.contains(": 1 d on "));
}

#[tokio::test]
async fn days_before_the_spans_are_those_that_were_recorded() {
    let store = filled().await;
    archive(&store, now()).await.unwrap();
    let range = HistoryRange {
        from: Timestamp::start_of_day(20_000),
        to: now(),
    };
    let before = figures(&store, range, Tz::UTC).await;
    enforce(&store, 60).await.unwrap();
    let after = figures(&store, range, Tz::UTC).await;
    let all = uptime::list(&store.reader, GuildId(1), &HistoryScope::All, range, now());
    let exact_from = all.await.unwrap()[0].monitor.exact_from;
    assert_eq!(exact_from, Some(Timestamp::start_of_day(20_002)));
    assert_eq!(hours(&after)[1..], hours(&before)[1..]);
}

#[tokio::test]
async fn a_picture_has_at_most_40_monitors_and_92_days() {
    let store = filled().await;
    let range = HistoryRange {
        from: Timestamp::start_of_day(TODAY - 92),
        to: Timestamp::start_of_day(TODAY),
    };
    let all = uptime::list(&store.reader, GuildId(1), &HistoryScope::All, range, now());
    let one = all.await.unwrap().remove(0);
    for (count, rows) in [(39, 39), (40, 40), (41, 40)] {
        let many = vec![one.clone(); count];
        let found = day_figures::of(&store.reader, &many, range, Tz::UTC, now());
        let found = found.await.unwrap();
        assert_eq!((found.rows.len(), found.monitors), (rows, count as u64));
    }
    let longer = HistoryRange {
        from: Timestamp::start_of_day(TODAY - 93),
        ..range
    };
    let refused = day_figures::of(&store.reader, &[one], longer, Tz::UTC, now()).await;
    assert!(refused.unwrap_err().to_string().contains("at most 92 days"));
}
