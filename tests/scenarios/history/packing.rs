//! The log of checks is packed while the bot runs, and what was packed is shown.

use crate::harness::{Rollcall, Web, wait_for};

#[test]
fn checks_are_packed_once_over_a_kill_and_give_percentiles() {
    let rollcall = Rollcall::new().with("RETENTION_CHECK_RESULTS", "1s");
    let web = Web::up();
    let id = rollcall.add(&web.target());
    let number = |figure: &str, table: &str| -> i64 {
        let sql = format!("SELECT CAST({figure} AS TEXT) FROM {table}");
        rollcall.sql(&sql)[0].parse().unwrap()
    };
    let logged = || number("COUNT(*)", "check_results");
    let running = rollcall.run();
    wait_for("some checks", || (logged() >= 3).then_some(()));
    running.kill();
    // An hour has passed, and the log is to be deleted as soon as it is packed.
    rollcall.sql("DELETE FROM job_runs WHERE name IN ('pack', 'prune')");
    let before = logged();
    let running = rollcall.run();
    let packed = wait_for("the log to be packed", || {
        let packed = number("COALESCE(SUM(checks), 0)", "daily_stats");
        (packed > 0).then_some(packed)
    });
    assert!(packed >= before, "{packed} of {before}");
    assert_eq!(running.stop().0, 0);
    let days = "daily_stats WHERE p50_us > 0 AND failures = 0";
    assert!(number("COUNT(*)", days) >= 1);
    let figures = rollcall.done(&["uptime", &id.to_string(), "--json"]).json();
    for percentile in ["p50_us", "p95_us", "p99_us"] {
        assert!(figures[0][percentile].as_i64() > Some(0), "{figures}");
    }
    let line = rollcall.done(&["uptime", &id.to_string(), "--range", "24h"]);
    assert!(line.out.contains("p95 "), "{line:?}");
    // What was pruned from the log is in the export, each check once.
    let export = ["history", "export", "--range", "24h", "--format"];
    let lines = rollcall.done(&[&export[..], &["jsonl"]].concat());
    let times: Vec<&str> = lines.out.lines().collect();
    let exported = i64::try_from(times.len()).unwrap();
    assert!(exported >= packed, "{exported} of {packed}");
    let first: serde_json::Value = serde_json::from_str(times[0]).unwrap();
    assert_eq!((&first["id"], &first["result"]), (&id.into(), &"up".into()));
    let mut distinct = times.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), times.len(), "{lines:?}");
    let table = rollcall.done(&[&export[..], &["csv"]].concat());
    let header = "id,name,at,result,reason,latency_us";
    assert_eq!(table.out.lines().next(), Some(header));
    assert_eq!(table.out.lines().count(), times.len() + 1);
}
