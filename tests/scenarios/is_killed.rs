//! `kill -9` at any moment: what was acknowledged is there afterwards, and the database is whole.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::harness::{Rollcall, Web, wait_for};

const KILLS: usize = 20;
const KILLS_UNDER_LOAD: usize = 200;

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
        running.metric(r#"rollcall_checks_total{result="up"}"#)
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

/// A heartbeat of a device that nobody knows yet; true where it was acknowledged.
fn beat(address: SocketAddr, key: &str, uuid: &str) -> bool {
    let acknowledged = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "POST /api/v1/device/{uuid}/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200 "))
    };
    acknowledged().unwrap_or(false)
}

#[test]
fn no_heartbeat_that_was_acknowledged_is_lost_to_two_hundred_kills() {
    let rollcall = Rollcall::new()
        .with("DISCORD_GUILD_ID", "42")
        .with("QUOTA_DEVICES", "1000000");
    let made = |kind| {
        let made = rollcall.done(&["key", "create", "--kind", kind, "--json"]);
        made.json()["key"].as_str().unwrap().to_owned()
    };
    let (fleet, read) = (made("fleet"), made("read"));
    let (number, heard) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    for round in 0..KILLS_UNDER_LOAD {
        let running = rollcall.run();
        let address = running.address();
        let before = heard.lock().unwrap().len();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let number = number.fetch_add(1, Ordering::SeqCst);
                        let uuid = format!("00000000-0000-4000-8000-{number:012}");
                        if !beat(address, &fleet, &uuid) {
                            return;
                        }
                        heard.lock().unwrap().insert(uuid);
                    }
                });
            }
            wait_for("heartbeats", || {
                (heard.lock().unwrap().len() > before + round % 7 * 5).then_some(())
            });
            running.kill();
        });
    }
    assert_eq!(integrity(&rollcall), "ok");
    let running = rollcall.run();
    let devices = running.call("GET", "/api/v1/devices", &read, "").json;
    let there: BTreeSet<String> = devices["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|device| device["uuid"].as_str().unwrap().to_owned())
        .collect();
    let heard = heard.into_inner().unwrap();
    let lost: Vec<_> = heard.difference(&there).collect();
    println!("{} heartbeats acknowledged", heard.len());
    assert!(lost.is_empty(), "lost {lost:?} of {}", heard.len());
}

fn integrity(rollcall: &Rollcall) -> String {
    rollcall.sql("PRAGMA integrity_check").concat()
}
