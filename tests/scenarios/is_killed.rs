//! `kill -9` at any moment: what was acknowledged is there afterwards, and the database is whole.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{Rollcall, Web, wait_for};

const KILLS: usize = 20;

#[test]
fn being_killed_twenty_times_loses_no_acknowledged_change() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    rollcall.add(&web.target());
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        let running = rollcall.run();
        // The kill comes from another thread while changes are being acknowledged beside a writing bot.
        let (give, take) = std::sync::mpsc::channel::<()>();
        let delay = Duration::from_millis(u64::try_from(round).unwrap() * 7);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // Times out at the chosen moment, or ends when the adding is done.
                let _ = take.recv_timeout(delay);
                running.kill();
            });
            for port in 0..3 {
                let target = format!("tcp://203.0.113.{}:{}", round + 1, 1000 + port);
                if rollcall.say(&["endpoint", "add", &target]).code == 0 {
                    acknowledged.insert(target);
                }
            }
            drop(give);
        });
    }
    let there: BTreeSet<String> = rollcall
        .list()
        .iter()
        .map(|endpoint| endpoint["target"].as_str().unwrap().to_owned())
        .collect();
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(
        lost.is_empty() && acknowledged.len() >= KILLS,
        "lost {lost:?} of {}",
        acknowledged.len()
    );
    assert_eq!(integrity(&rollcall), "ok");
    let running = rollcall.run();
    wait_for("looks after all that", || {
        running.metric(r#"rollcall_looks_total{result="up"}"#)
    });
}

/// A one-shot process killed in the middle of its own writing: all of its rows or none.
#[test]
fn an_import_that_is_killed_is_whole_or_not_there() {
    let rollcall = Rollcall::new().with("QUOTA_ENDPOINTS", "100000");
    let lines: String = (0..3000)
        .map(|index| format!("203.0.113.{}:{}\n", index % 250 + 1, 1000 + index))
        .collect();
    std::fs::write(rollcall.path("list.txt"), lines).unwrap();
    rollcall.done(&["endpoint", "list"]);
    let mut sizes = BTreeSet::new();
    for round in 1..=12 {
        let mut import = rollcall.spawn(&["endpoint", "import", "list.txt"]);
        let (_give, take) = std::sync::mpsc::channel::<()>();
        // Nobody gives: this is the moment of the kill.
        let _ = take.recv_timeout(Duration::from_millis(round * 12));
        // It may have ended already.
        let _ = import.kill();
        import.wait().unwrap();
        sizes.insert(rollcall.list().len());
    }
    assert!(
        sizes.iter().all(|size| [0, 3000].contains(size)),
        "{sizes:?}"
    );
    assert_eq!(integrity(&rollcall), "ok");
}

fn integrity(rollcall: &Rollcall) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let url = format!("sqlite://{}", rollcall.path("rollcall.db").display());
        let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut database)
            .await
            .unwrap()
    })
}
