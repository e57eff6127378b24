//! Summaries of servers on a real database, also where making them is interrupted.

use super::*;
use crate::domain::history::server_rollup::{MetricSummary, RollupBlock};
use crate::store::history::server_rollups::BlockRange;
use crate::store::monitors::set_back::set_back;
use crate::store::testing::TestStore;

/// Servers: more than two batches.
const SERVERS: i64 = 40;

/// Midnight UTC, ten hours after the first sample.
const MIDNIGHT: i64 = 1_795_996_800_000;
const HOUR: i64 = 3_600_000;

/// Servers 1 to `SERVERS`, with a report every quarter of an hour from ten hours before midnight to five hours after it. `cpu` is the
/// number of the server, and `queue` counts the reports.
async fn filled() -> TestStore {
    let store = TestStore::open().await;
    store
        .execute_all(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
             INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at)
             SELECT i, 1, 'server', 'm' || i, 'online', 0, 0 FROM n;
             INSERT INTO server_details (monitor_id, guild_id) SELECT id, 1 FROM monitors;
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59)
             INSERT INTO samples (at, monitor_id, guild_id, stats)
             SELECT 1795996800000 + (i - 40) * 900000, m.id, 1, json_object('cpu', m.id, 'queue', i) FROM n, monitors m;",
        )
        .await;
    store
}

fn hours_later(hours: i64) -> Timestamp {
    Timestamp::from_millis(MIDNIGHT + hours * HOUR)
}

/// Five minutes after an hour, when its summary can be made.
async fn update_at(store: &TestStore, hours: i64) -> Result<u64, StoreError> {
    update(store, hours_later(hours).plus(STORED_WITHIN)).await
}

/// The summaries of a server by the number of their hour or day.
async fn summaries(store: &TestStore, server: i64, step: RollupStep) -> Vec<(i64, ReportSummary)> {
    let all = BlockRange {
        first: 0,
        last: i64::MAX,
    };
    let blocks = server_rollups::blocks(&store.reader, MonitorId(server), step, all).await;
    let blocks = blocks.unwrap();
    let slots = |(block, read): (i64, RollupBlock)| {
        let of_slot =
            |(slot, summary): (u8, &ReportSummary)| (step.number(block, slot), summary.clone());
        read.slots().map(of_slot).collect::<Vec<_>>()
    };
    blocks.into_iter().flat_map(slots).collect()
}

/// A summary of whole numbers in a row, such as those of `queue`.
fn in_a_row(first: i32, p95: i32, last: i32) -> MetricSummary {
    MetricSummary {
        least: f64::from(first),
        mean: f64::midpoint(f64::from(first), f64::from(last)),
        most: f64::from(last),
        p95: f64::from(p95),
        samples: u64::from(first.abs_diff(last)) + 1,
    }
}

/// Each hour and both days of every server, once.
async fn is_complete(store: &TestStore, hours: i64) {
    let first = RollupStep::Hour.of(hours_later(-10));
    for server in [1, 16, 17, 33, SERVERS] {
        let found = summaries(store, server, RollupStep::Hour).await;
        let numbers: Vec<i64> = found.iter().map(|one| one.0).collect();
        assert_eq!(
            numbers,
            (first..first + hours).collect::<Vec<i64>>(),
            "{server}"
        );
        for (at, (_, summary)) in (0_i32..).zip(&found) {
            let expected = in_a_row(4 * at, 4 * at + 3, 4 * at + 3);
            assert_eq!((summary.reports, summary.metrics["queue"]), (4, expected));
            let cpu = summary.metrics["cpu"];
            assert_eq!(
                (cpu.mean.to_bits(), cpu.samples),
                ((server as f64).to_bits(), 4)
            );
        }
        let times = server_rollups::report_times(
            &store.reader,
            MonitorId(server),
            Timestamp::default(),
            hours_later(99),
        );
        let quarters: Vec<i64> = (-40..20)
            .map(|quarter| MIDNIGHT + quarter * HOUR / 4)
            .collect();
        let times: Vec<i64> = times.await.unwrap().iter().map(|at| at.millis()).collect();
        assert_eq!(times, quarters, "from hours and from samples");
    }
    let days: Vec<(i64, i64)> = store
        .rows("SELECT COUNT(*), COUNT(DISTINCT monitor_id) FROM daily_metrics")
        .await;
    assert_eq!(days, [(SERVERS, SERVERS)], "both days are in one block");
}

#[tokio::test]
async fn hours_are_summarized_once_they_are_over_and_days_with_them() {
    let store = filled().await;
    let before = hours_later(-9).plus(STORED_WITHIN);
    let early = before.minus(Duration::from_millis(1));
    assert_eq!(update(&store, early).await.unwrap(), 0);
    assert_eq!(update(&store, before).await.unwrap(), 40);
    assert_eq!(update(&store, before).await.unwrap(), 0);
    assert_eq!(update_at(&store, -1).await.unwrap(), 8 * 40);
    assert_eq!(summaries(&store, 7, RollupStep::Day).await, []);
    assert_eq!(update_at(&store, 0).await.unwrap(), 40);
    let day = RollupStep::Day.of(hours_later(-1));
    let found = summaries(&store, 7, RollupStep::Day).await;
    let whole = in_a_row(0, 37, 39);
    assert_eq!(
        (found.len(), found[0].0, found[0].1.metrics["queue"]),
        (1, day, whole)
    );
    // Of a server that no longer reports, the day ends all the same.
    assert_eq!(update_at(&store, 7).await.unwrap(), 5 * 40);
    assert_eq!(summaries(&store, 7, RollupStep::Day).await.len(), 1);
    assert_eq!(update_at(&store, 40).await.unwrap(), 0);
    let found = summaries(&store, 7, RollupStep::Day).await;
    let rest = in_a_row(40, 58, 59);
    assert_eq!(
        (found.len(), found[1].0, found[1].1.metrics["queue"]),
        (2, day + 1, rest)
    );
    is_complete(&store, 15).await;
    assert_eq!(update_at(&store, 400).await.unwrap(), 0);
    let progress: Vec<(i64,)> = store
        .rows("SELECT DISTINCT hour FROM rolled_up_servers")
        .await;
    assert_eq!(progress, [((day + 2) * 24,)]);
}

#[tokio::test]
async fn a_pass_that_is_interrupted_anywhere_is_continued() {
    for interruption in [
        "CREATE TRIGGER fails BEFORE INSERT ON hourly_metrics WHEN NEW.monitor_id = 1 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE INSERT ON daily_metrics WHEN NEW.monitor_id = 20 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE INSERT ON report_times WHEN NEW.monitor_id = 40 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE INSERT ON rolled_up_servers WHEN NEW.monitor_id = 17 BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER fails BEFORE UPDATE ON rolled_up_servers WHEN NEW.monitor_id = 33 BEGIN SELECT RAISE(ABORT, 'no'); END",
    ] {
        let store = filled().await;
        store.execute(interruption).await;
        assert!(update_at(&store, 5).await.is_err(), "{interruption}");
        // What is not kept yet is not deleted.
        let without: Vec<(i64,)> = store
            .rows(
                "SELECT id FROM monitors m WHERE NOT EXISTS (SELECT 1 FROM rolled_up_servers d WHERE d.monitor_id = m.id)
                     AND EXISTS (SELECT 1 FROM hourly_metrics h WHERE h.monitor_id = m.id)",
            )
            .await;
        assert_eq!(without, [], "hours and how far they are belong together");
        store.execute("DROP TRIGGER fails").await;
        update_at(&store, 5).await.unwrap();
        is_complete(&store, 15).await;
    }
}

#[tokio::test]
async fn a_server_is_where_it_was_if_the_clock_is_set_back_meanwhile() {
    let store = filled().await;
    update_at(&store, 5).await.unwrap();
    // Half an hour after the hour before; samples from then on are as old as that.
    let back = hours_later(3).plus(Duration::from_secs(1_800));
    store.write(move |tx| Box::pin(set_back(tx, back))).await;
    assert_eq!(update_at(&store, 3).await.unwrap(), 0);
    let hour = RollupStep::Hour.of(back);
    store
        .execute_all(
            "INSERT INTO samples (at, monitor_id, guild_id, stats) VALUES (1796009400000 + 900000, 7, 1, '{\"queue\": 100}');",
        )
        .await;
    assert_eq!(update_at(&store, 4).await.unwrap(), 40);
    let found = summaries(&store, 7, RollupStep::Hour).await;
    let again = &found.iter().find(|one| one.0 == hour).unwrap().1;
    assert_eq!(
        again.reports, 9,
        "four of this hour, four of the next and one that is new"
    );
    assert_eq!(again.metrics["queue"].most.to_bits(), 100_f64.to_bits());
    // A pass that had read how far a server was writes nothing about that.
    let stale = RolledUp {
        monitor: MonitorId(7),
        before: Some(hour),
        hour: hour + 9,
        blocks: Vec::new(),
        times: Vec::new(),
    };
    let unknown = RolledUp {
        monitor: MonitorId(999),
        before: None,
        times: vec![(1, vec![0])],
        ..stale.clone()
    };
    store
        .write(move |tx| Box::pin(async move { server_rollups::save(tx, &[stale, unknown]).await }))
        .await;
    let progress: Vec<(i64,)> = store
        .rows("SELECT hour FROM rolled_up_servers WHERE monitor_id IN (7, 999)")
        .await;
    assert_eq!(progress, [(hour + 1,)]);
    let times: Vec<(i64,)> = store
        .rows("SELECT COUNT(*) FROM report_times WHERE monitor_id = 999")
        .await;
    assert_eq!(times, [(0,)], "nothing of a server that was removed");
}

#[tokio::test]
async fn a_damaged_block_and_a_damaged_report_fail_nothing_else() {
    let store = filled().await;
    store
        .execute_all(
            "UPDATE samples SET stats = 'no object' WHERE monitor_id = 2 AND at = 1795996800000;
             INSERT INTO hourly_metrics (monitor_id, block, metrics) SELECT 3, at / 86400000, X'0102' FROM samples GROUP BY at / 86400000;",
        )
        .await;
    update_at(&store, 5).await.unwrap();
    is_complete_but(&store, 2).await;
    let damaged = summaries(&store, 3, RollupStep::Hour).await;
    assert_eq!(
        damaged.len(),
        15,
        "its hours take the place of the damaged block"
    );
}

/// A report without numbers counts as a report.
async fn is_complete_but(store: &TestStore, server: i64) {
    let found = summaries(store, server, RollupStep::Hour).await;
    let counts: Vec<(u64, u64)> = found
        .iter()
        .map(|(_, summary)| (summary.reports, summary.metrics["cpu"].samples))
        .collect();
    let mut expected = vec![(4, 4); 15];
    expected[10] = (4, 3);
    assert_eq!(counts, expected);
}
