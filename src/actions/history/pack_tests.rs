//! Packing and archiving on a real database, also where it is interrupted.

use super::*;
use crate::actions::history::archive::archive;
use crate::actions::history::checks::MonitorChecks;
use crate::domain::Timestamp;
use crate::domain::history::check_archive::decode;
use crate::domain::history::iso_week::IsoWeek;
use crate::domain::history::range::HistoryRange;
use crate::store::history::check_archive as store_archive;
use crate::store::testing::TestStore;

/// Monitors: more than two batches.
const MONITORS: i64 = 150;

/// Minutes of the log.
const MINUTES: i64 = 20;

/// Midnight UTC after a Sunday: the log begins ten minutes before.
const MONDAY: i64 = 1_795_996_800_000;

/// Adds monitors 1 to `MONITORS`, and a check of each in every minute: each tenth one fails, and the latency is known.
async fn filled() -> TestStore {
    let store = TestStore::open().await;
    store
        .execute_all(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
             INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
             SELECT i, 1, 'endpoint', 'm' || i, 'online', 1795000000000, 1795000000000 FROM n;
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)
             INSERT INTO check_results (at, monitor_id, latency_us, class)
             SELECT 1795996800000 + (i / 150 - 10) * 60000 + i % 7, i % 150 + 1, 1000 * (i % 150 + 1),
                    CASE WHEN (i / 150) % 10 = 9 THEN 2 ELSE 0 END FROM n;
             INSERT INTO check_results (at, monitor_id, latency_us, class) VALUES (1795996800000, 999, 5, 0);",
        )
        .await;
    store
}

/// Every check of a monitor that is packed, as time, class and bucket, in order.
async fn packed_of(store: &TestStore, monitor: i64) -> Vec<(i64, u8, u16)> {
    let monitor = MonitorId(monitor);
    let first = IsoWeek::of(Timestamp::from_millis(0));
    let last = IsoWeek::of(Timestamp::from_millis(2 * MONDAY));
    let weeks = store_archive::weeks(&store.reader, monitor, first, last);
    let mut blocks: Vec<Vec<u8>> = weeks
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.checks)
        .collect();
    let pieces = store_archive::pieces_of(&store.reader, monitor)
        .await
        .unwrap();
    blocks.extend(pieces.into_iter().map(|one| one.checks));
    let checks = blocks.iter().flat_map(|block| decode(block).unwrap());
    checks
        .map(|check| (check.at.millis(), check.class.code(), check.latency.index()))
        .collect()
}

/// What the log holds of a monitor.
async fn logged_of(store: &TestStore, monitor: i64) -> Vec<(i64, u8, u16)> {
    let rows = packing::rows(&store.reader, 0, i64::MAX).await.unwrap();
    rows.iter()
        .filter(|row| row.monitor.0 == monitor)
        .map(|row| (row.at.millis(), row.class.code(), row.latency.index()))
        .collect()
}

async fn is_complete(store: &TestStore) {
    for monitor in [1, 64, 65, 128, 129, MONITORS] {
        let logged = logged_of(store, monitor).await;
        assert_eq!(logged.len() as i64, MINUTES);
        assert_eq!(packed_of(store, monitor).await, logged, "{monitor}");
    }
    let days: Vec<(i64, i64, i64, i64)> = store
        .rows("SELECT COUNT(*), SUM(checks), SUM(failures), COUNT(p50_us) FROM daily_stats WHERE checks > 0")
        .await;
    assert_eq!(
        days,
        [(2 * MONITORS, MINUTES * MONITORS, 2 * MONITORS, 2 * MONITORS)]
    );
    let unknown: Vec<(i64,)> = store
        .rows("SELECT COUNT(*) FROM check_archive_pieces WHERE monitor_id = 999")
        .await;
    assert_eq!(unknown, [(0,)]);
    let percentiles: Vec<(i64,)> = store
        .rows("SELECT p99_us FROM daily_stats WHERE monitor_id = 100 AND p99_us IS NOT NULL ORDER BY day LIMIT 1")
        .await;
    assert!(
        (99_000..=101_000).contains(&percentiles[0].0),
        "{percentiles:?}"
    );
}

#[tokio::test]
async fn each_check_is_packed_once() {
    let store = filled().await;
    assert_eq!(pack(&store).await.unwrap(), 3_001);
    is_complete(&store).await;
    assert_eq!(pack(&store).await.unwrap(), 0);
    store
        .execute("INSERT INTO check_results (at, monitor_id, latency_us, class) VALUES (1795996861000, 7, 9, 255)")
        .await;
    assert_eq!(pack(&store).await.unwrap(), 1);
    assert_eq!(packed_of(&store, 7).await, logged_of(&store, 7).await);
    let day: Vec<(i64,)> = store
        .rows("SELECT checks FROM daily_stats WHERE monitor_id = 7 ORDER BY day DESC LIMIT 1")
        .await;
    // A check that could not be run is in the archive, and says nothing about the monitor.
    assert_eq!(day, [(10,)]);
}

#[tokio::test]
async fn a_pass_that_is_interrupted_anywhere_repeats_and_loses_nothing() {
    for interruption in [
        "CREATE TRIGGER fails BEFORE INSERT ON packing BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE INSERT ON packed_monitors WHEN NEW.monitor_id = 1 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE INSERT ON packed_monitors WHEN NEW.monitor_id = 100 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE INSERT ON daily_stats WHEN NEW.monitor_id = 150 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE UPDATE ON packing WHEN NEW.pass_end IS NULL BEGIN SELECT RAISE(ABORT, 'no'); END",
    ] {
        let store = filled().await;
        store.execute(interruption).await;
        assert!(pack(&store).await.is_err(), "{interruption}");
        store.execute("DROP TRIGGER fails").await;
        // Checks go on meanwhile.
        store
            .execute("INSERT INTO check_results (at, monitor_id, latency_us, class) VALUES (1795996861000, 2, 9, 255)")
            .await;
        pack(&store).await.unwrap();
        is_complete(&store).await;
        assert_eq!(packed_of(&store, 2).await, logged_of(&store, 2).await);
    }
}

#[tokio::test]
async fn pieces_are_archived_by_week_once_a_day() {
    let store = filled().await;
    pack(&store).await.unwrap();
    let night = Timestamp::from_millis(MONDAY + 3_600_000);
    assert_eq!(archive(&store, night).await.unwrap(), Some(150));
    is_complete(&store).await;
    let weeks: Vec<(i64, i64)> = store
        .rows("SELECT COUNT(*), COUNT(DISTINCT week) FROM check_archive")
        .await;
    assert_eq!(weeks, [(300, 2)]);
    let recorded: Vec<(i64,)> = store
        .rows("SELECT COUNT(DISTINCT monitor_id) FROM daily_stats WHERE unknown_ms IS NOT NULL")
        .await;
    assert_eq!(recorded, [(MONITORS,)]);
    assert_eq!(archive(&store, night).await.unwrap(), None);
    // The next day adds to the same week. A piece and a week that are damaged fail nothing else.
    store
        .execute_all(
            "INSERT INTO check_results (at, monitor_id, latency_us, class) VALUES (1795996861000, 2, 9, 0), (1795996861000, 3, 9, 0),
                 (1795996861000, 4, 9, 0);",
        )
        .await;
    pack(&store).await.unwrap();
    store
        .execute_all(
            "UPDATE check_archive_pieces SET checks = X'0102' WHERE monitor_id = 3;
             UPDATE check_archive SET checks = X'01FFFF' WHERE monitor_id = 4;",
        )
        .await;
    let next = Timestamp::from_millis(MONDAY + 25 * 3_600_000);
    assert_eq!(archive(&store, next).await.unwrap(), Some(1));
    let mut logged = logged_of(&store, 2).await;
    logged.sort_unstable();
    assert_eq!(packed_of(&store, 2).await, logged);
    let left: Vec<(i64,)> = store
        .rows("SELECT monitor_id FROM check_archive_pieces ORDER BY monitor_id")
        .await;
    assert_eq!(left, [(3,), (4,)]);
    let days: Vec<(i64, i64)> = store
        .rows("SELECT COUNT(*), SUM(unknown_ms) FROM daily_stats WHERE monitor_id = 5 AND unknown_ms IS NOT NULL")
        .await;
    // From the day on which it was added. Nothing was observed on any of them.
    assert_eq!(days, [(13, 13 * 86_400_000)]);
}

/// The checks of a monitor as an export reads them, and how many weeks are damaged.
async fn read_checks(store: &TestStore, monitor: i64) -> (Vec<(i64, u8, u16)>, usize) {
    let week = 7 * 24 * 3_600_000;
    let range = HistoryRange {
        from: Timestamp::from_millis(MONDAY - week),
        to: Timestamp::from_millis(MONDAY + week),
    };
    let of_monitor = MonitorChecks::open(&store.reader, MonitorId(monitor))
        .await
        .unwrap();
    let (mut checks, mut damaged) = (Vec::new(), 0);
    for week in of_monitor.weeks(&store.reader, range).await.unwrap() {
        let found = of_monitor.week(&store.reader, week, range).await.unwrap();
        damaged += usize::from(found.damage.is_some());
        let check = |one: &ArchivedCheck| (one.at.millis(), one.class.code(), one.latency.index());
        checks.extend(found.checks.iter().map(check));
    }
    (checks, damaged)
}

#[tokio::test]
async fn checks_are_the_same_in_the_log_the_pieces_and_the_archive() {
    let store = filled().await;
    let logged = logged_of(&store, 7).await;
    assert_eq!(read_checks(&store, 7).await, (logged.clone(), 0));
    pack(&store).await.unwrap();
    assert_eq!(read_checks(&store, 7).await, (logged.clone(), 0));
    let night = Timestamp::from_millis(MONDAY + 3_600_000);
    archive(&store, night).await.unwrap();
    assert_eq!(read_checks(&store, 7).await, (logged.clone(), 0));
    store
        .execute("INSERT INTO check_results (at, monitor_id, latency_us, class) VALUES (1795998000000, 7, 9, 255)")
        .await;
    let mut all = logged;
    all.push((1_795_998_000_000, 255, 110));
    assert_eq!(read_checks(&store, 7).await, (all.clone(), 0));
    pack(&store).await.unwrap();
    assert_eq!(read_checks(&store, 7).await, (all.clone(), 0));
    // A damaged week is reported, and the others are read.
    store
        .execute("UPDATE check_archive SET checks = X'01FF' WHERE monitor_id = 7 AND week = (SELECT MIN(week) FROM check_archive)")
        .await;
    let monday = all
        .iter()
        .filter(|check| check.0 >= MONDAY)
        .copied()
        .collect();
    assert_eq!(read_checks(&store, 7).await, (monday, 1));
}
