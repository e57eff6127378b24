//! Steps of the clock: devices and servers that keep sending stay online, and the outage of one that stops is reported.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::devices::http_devices_servers::{key, quick};
use crate::harness::heartbeats::{Servers, offline, send, servers_offline, uuid};
use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, wait_for};

/// Devices that send a heartbeat each second.
const HEALTHY: u32 = 5;

/// A device that stops sending must be offline this long after the last step: its threshold of 3 s, as much again after a
/// break, and what a busy machine needs. The same for a server, with its threshold of 6 s.
const NOTICED_WITHIN: Duration = Duration::from_secs(25);

/// Sets the clock of the bot to this many seconds beside the right time.
fn set_clock(rollcall: &Rollcall, seconds: i64) {
    // At once, or the bot might read half a number.
    let (file, new) = (rollcall.path("offset"), rollcall.path("offset.new"));
    std::fs::write(&new, (seconds * 1000).to_string()).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// Waits until the bot has recorded its observation window `records` more times; in its first minute, it does so every second.
fn wait_for_records(rollcall: &Rollcall, records: usize) {
    let latest = || {
        let sql =
            "SELECT id || ' ' || confirmed_at FROM observation_windows ORDER BY id DESC LIMIT 1";
        rollcall.sql(sql).pop()
    };
    for _ in 0..records {
        let before = latest();
        wait_for("a record of the observation window", || {
            (latest() != before).then_some(())
        });
    }
}

/// Ends the heartbeats, also when the scenario fails.
struct EndsOnDrop<'a>(&'a AtomicBool);

impl Drop for EndsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Sets the clock to each of `steps` while devices and servers send, with `records` records of the observation window between two
/// steps. Device 0 and the first server stop sending before or after the last step.
fn survives(steps: &[i64], records: usize, stops_before: bool) {
    let rollcall = quick().with("ROLLCALL_CLOCK_OFFSET_FILE", "offset");
    set_clock(&rollcall, 0);
    let fleet = key(&rollcall, "fleet", "42");
    let admin = key(&rollcall, "admin", "42");
    let running = rollcall.run();
    let servers = Servers::add(&running, &admin);
    let (is_over, has_stopped) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                let first = has_stopped.load(Ordering::SeqCst);
                send(&running, &fleet, u32::from(first)..=HEALTHY);
                servers.report(&running, usize::from(first));
                std::thread::park_timeout(Duration::from_secs(1));
            }
        });
        let _ends = EndsOnDrop(&is_over);
        wait_for_records(&rollcall, 3);
        let (last, earlier) = steps.split_last().unwrap();
        for step in earlier {
            set_clock(&rollcall, *step);
            wait_for_records(&rollcall, records);
        }
        has_stopped.store(stops_before, Ordering::SeqCst);
        set_clock(&rollcall, *last);
        let start = stopwatch();
        if !stops_before {
            wait_for_records(&rollcall, records);
            has_stopped.store(true, Ordering::SeqCst);
        }
        wait_for("the device and the server that stopped", || {
            let are_noticed =
                !offline(&rollcall).is_empty() && !servers_offline(&rollcall).is_empty();
            are_noticed.then_some(())
        });
        assert!(start.elapsed() < NOTICED_WITHIN, "{:?}", start.elapsed());
        wait_for_records(&rollcall, 3);
    });
    assert_eq!(offline(&rollcall), BTreeSet::from([uuid(0)]), "{steps:?}");
    let stopped = BTreeSet::from(["stops".to_owned()]);
    assert_eq!(servers_offline(&rollcall), stopped, "{steps:?}");
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

#[test]
fn an_hour_back() {
    survives(&[-HOUR], 3, true);
}

#[test]
fn an_hour_forward() {
    survives(&[HOUR], 3, true);
}

#[test]
fn a_day_back() {
    survives(&[-DAY], 3, false);
}

#[test]
fn a_day_forward() {
    survives(&[DAY], 3, false);
}

#[test]
fn an_hour_back_and_right_again() {
    survives(&[-HOUR, 0], 3, false);
}

#[test]
fn a_day_forward_and_right_again() {
    survives(&[DAY, 0], 3, true);
}

#[test]
fn thirty_small_steps_back() {
    let steps: Vec<i64> = (1..=30).map(|step| -2 * step).collect();
    survives(&steps, 1, true);
}
