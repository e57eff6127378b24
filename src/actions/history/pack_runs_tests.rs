//! Packing runs of devices on a real database, also where it is interrupted.

use super::*;
use crate::store::testing::TestStore;

/// Devices, each with runs on two days: more days than one transaction writes.
const DEVICES: i64 = 200;

/// Each device starts a run every ten minutes, from one hour before midnight (UTC) to one hour after it. It takes as many seconds as
/// the number of the device; each third one fails, and of each sixth one the start is not known.
async fn filled() -> TestStore {
    let store = TestStore::open().await;
    store
        .execute_all(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
             INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
             SELECT i, 1, 'device', 'm' || i, 'online', 0, 0 FROM n;
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 11)
             INSERT INTO device_logs (monitor_id, guild_id, at, kind, message, run_ms)
             SELECT m.id, 1, 1795996800000 + (i - 6) * 600000, k.column1, '',
                    CASE WHEN k.column1 IN ('success', 'fail') AND i % 6 <> 5 THEN m.id * 1000 END
             FROM n, monitors m, (VALUES ('start'), ('line'), ('success'), ('fail'), ('log')) k
             WHERE (k.column1 = 'fail') = (i % 3 = 0) OR k.column1 IN ('start', 'line', 'log');",
        )
        .await;
    store
}

/// Checks, failures and counted latencies of the days of a device.
async fn days_of(store: &TestStore, device: i64) -> Vec<(u64, u64, u64)> {
    let ids = [MonitorId(device)];
    let days = daily_stats::load(&store.reader, &ids, 0, i64::MAX)
        .await
        .unwrap();
    let mut days: Vec<DayStats> = days.into_values().collect();
    days.sort_by_key(|one| one.day);
    let figures = |one: &DayStats| (one.checks, one.failures, one.latencies.count());
    days.iter().map(figures).collect()
}

/// How many runs the logs of `filled` have: of the twelve of a device, four failed.
const RUNS: u64 = 12 * 200;

async fn is_complete(store: &TestStore) {
    for device in [1, 128, 129, DEVICES] {
        // Of the four that succeeded on a day, one has no known start.
        assert_eq!(
            days_of(store, device).await,
            [(6, 2, 3), (6, 2, 3)],
            "{device}"
        );
    }
    let p50: Vec<(i64,)> = store
        .rows("SELECT DISTINCT p50_us FROM daily_stats WHERE monitor_id = 100")
        .await;
    assert_eq!(p50.len(), 1);
    assert!((99_000_000..=101_000_000).contains(&p50[0].0), "{p50:?}");
}

#[tokio::test]
async fn each_run_is_packed_once() {
    let store = filled().await;
    assert_eq!(pack_runs(&store).await.unwrap(), RUNS);
    is_complete(&store).await;
    assert_eq!(pack_runs(&store).await.unwrap(), 0);
    store
        .execute(
            "INSERT INTO device_logs (monitor_id, guild_id, at, kind, message, run_ms) VALUES
                 (7, 1, 1795996800000, 'success', '', 7000), (7, 1, 1795996800000, 'fail', '', 7000),
                 (7, 1, 1795996800000, 'line', '', NULL)",
        )
        .await;
    assert_eq!(pack_runs(&store).await.unwrap(), 2);
    assert_eq!(days_of(&store, 7).await, [(6, 2, 3), (8, 3, 4)]);
    // The log of a device that was removed is deleted with it; what was read of it before is dropped.
    let gone = [EndedRun {
        row: 1,
        monitor: MonitorId(999),
        at: crate::domain::Timestamp::from_millis(1_795_996_800_000),
        run_time: None,
        is_success: true,
    }];
    assert_eq!(add_to_days(&store.reader, &gone).await.unwrap().len(), 0);
    // Deleted rows leave gaps in the numbers, which may be longer than what is read at once.
    store
        .execute_all(
            "DELETE FROM device_logs WHERE monitor_id > 1;
             INSERT INTO device_logs (id, monitor_id, guild_id, at, kind, message) VALUES (900000, 1, 1, 1795996800000, 'fail', '');",
        )
        .await;
    assert_eq!(pack_runs(&store).await.unwrap(), 1);
    assert_eq!(days_of(&store, 1).await, [(6, 2, 3), (7, 3, 3)]);
}

#[tokio::test]
async fn packing_that_is_interrupted_anywhere_repeats_and_loses_nothing() {
    for interruption in [
        "CREATE TRIGGER fails BEFORE INSERT ON daily_stats WHEN NEW.monitor_id = 3 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE INSERT ON latency_sketches WHEN NEW.monitor_id = 150 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE INSERT ON packing BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE UPDATE ON packing BEGIN SELECT RAISE(ABORT, 'no'); END",
    ] {
        let store = filled().await;
        store.execute(interruption).await;
        assert!(pack_runs(&store).await.is_err(), "{interruption}");
        store.execute("DROP TRIGGER fails").await;
        pack_runs(&store).await.unwrap();
        is_complete(&store).await;
    }
}

#[test]
fn a_transaction_writes_at_most_256_days() {
    let run = |row: i64, device: i64| EndedRun {
        row,
        monitor: MonitorId(device),
        at: crate::domain::Timestamp::default(),
        run_time: None,
        is_success: true,
    };
    for (devices, sizes) in [
        (255, vec![255]),
        (256, vec![256]),
        (257, vec![256, 1]),
        (513, vec![256, 256, 1]),
    ] {
        let mut runs: Vec<EndedRun> = (0..devices)
            .map(|device| run(10 * device, device))
            .collect();
        // A further run of a day that is there needs no further place.
        runs.insert(256.min(runs.len()), run(2_555, 0));
        let part = LogPart {
            runs: runs.clone(),
            end: 99_999,
        };
        let cut = batches(part);
        let days: Vec<usize> = cut
            .iter()
            .map(|one| {
                one.runs
                    .iter()
                    .map(|run| run.monitor)
                    .collect::<HashSet<_>>()
                    .len()
            })
            .collect();
        let expected: Vec<usize> = sizes;
        assert_eq!(days, expected, "{devices}");
        let all: Vec<EndedRun> = cut.iter().flat_map(|one| one.runs.clone()).collect();
        assert_eq!(all, runs);
        assert_eq!(cut.last().unwrap().end, 99_999);
        for pair in cut.windows(2) {
            assert!(pair[0].runs.last().unwrap().row <= pair[0].end);
            assert_eq!(pair[0].end + 1, pair[1].runs[0].row);
        }
    }
}
