//! `kill -9` at any moment: acknowledged changes survive, and the database stays intact.

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
fn twenty_kills_lose_no_acknowledged_change() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    rollcall.add(&web.target());
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        let running = rollcall.run();
        // Another thread kills the bot, which is writing, while commands make changes.
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let delay = Duration::from_millis(u64::try_from(round).unwrap() * 7);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // Times out at the chosen moment, or ends when all endpoints have been added.
                let _ = receiver.recv_timeout(delay);
                running.kill();
            });
            for port in 0..3 {
                let target = format!("tcp://203.0.113.{}:{}", round + 1, 1000 + port);
                if rollcall.execute(&["endpoint", "add", &target]).code == 0 {
                    acknowledged.insert(target);
                }
            }
            drop(sender);
        });
    }
    let stored: BTreeSet<String> = rollcall
        .list()
        .iter()
        .map(|endpoint| endpoint["target"].as_str().unwrap().to_owned())
        .collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(
        lost.is_empty() && acknowledged.len() >= KILLS,
        "lost {lost:?} of {}",
        acknowledged.len()
    );
    assert_eq!(integrity(&rollcall), "ok");
    let running = rollcall.run();
    wait_for("checks after the kills", || {
        let checks = running.metric(r#"rollcall_checks_total{result="up"}"#);
        checks.filter(|checks| *checks >= 1.0)
    });
}

/// A one-shot process that is killed while it writes stores all of its rows or none.
#[test]
fn a_killed_import_is_stored_completely_or_not_at_all() {
    let rollcall = Rollcall::new().with("QUOTA_ENDPOINTS", "100000");
    let lines: String = (0..3000)
        .map(|index| format!("203.0.113.{}:{}\n", index % 250 + 1, 1000 + index))
        .collect();
    std::fs::write(rollcall.path("list.txt"), lines).unwrap();
    rollcall.create_database();
    let mut sizes = BTreeSet::new();
    for round in 1..=12 {
        let mut import = rollcall.spawn(&["endpoint", "import", "list.txt"]);
        let (_sender, receiver) = std::sync::mpsc::channel::<()>();
        // Nothing is sent: the time-out is the moment of the kill.
        let _ = receiver.recv_timeout(Duration::from_millis(round * 12));
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

/// Sends a heartbeat of an unknown device and returns whether it was acknowledged.
fn send_heartbeat(address: SocketAddr, key: &str, uuid: &str) -> bool {
    let send = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "POST /api/v1/device/{uuid}/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200 "))
    };
    send().unwrap_or(false)
}

#[test]
fn two_hundred_kills_lose_no_acknowledged_heartbeat() {
    let rollcall = Rollcall::new()
        .with("DISCORD_GUILD_ID", "42")
        .with("QUOTA_DEVICES", "1000000");
    let made = |kind| {
        let made = rollcall.done(&["key", "create", "--kind", kind, "--json"]);
        made.json()["key"].as_str().unwrap().to_owned()
    };
    let (fleet, read) = (made("fleet"), made("read"));
    let (number, acknowledged) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    for round in 0..KILLS_UNDER_LOAD {
        let running = rollcall.run();
        let address = running.address();
        let before = acknowledged.lock().unwrap().len();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let number = number.fetch_add(1, Ordering::SeqCst);
                        let uuid = format!("00000000-0000-4000-8000-{number:012}");
                        if !send_heartbeat(address, &fleet, &uuid) {
                            return;
                        }
                        acknowledged.lock().unwrap().insert(uuid);
                    }
                });
            }
            wait_for("heartbeats", || {
                (acknowledged.lock().unwrap().len() > before + round % 7 * 5).then_some(())
            });
            running.kill();
        });
    }
    assert_eq!(integrity(&rollcall), "ok");
    let running = rollcall.run();
    let devices = running.call("GET", "/api/v1/devices", &read, "").json;
    let stored: BTreeSet<String> = devices["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|device| device["uuid"].as_str().unwrap().to_owned())
        .collect();
    let acknowledged = acknowledged.into_inner().unwrap();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    println!("{} heartbeats acknowledged", acknowledged.len());
    assert!(lost.is_empty(), "lost {lost:?} of {}", acknowledged.len());
}

fn integrity(rollcall: &Rollcall) -> String {
    rollcall.sql("PRAGMA integrity_check").concat()
}
