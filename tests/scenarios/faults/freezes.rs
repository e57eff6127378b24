//! Freezes and crash loops: devices and servers that keep sending stay online, and the outage of one that stops is reported.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::devices::http_devices_servers::{key, quick};
use crate::harness::heartbeats::{Servers, offline, send, servers_offline, uuid};
use crate::harness::own_timer::stopwatch;
use crate::harness::{Running, wait_for};

const HEALTHY: u32 = 20;

/// Waits until the job that judges devices has run this many more times.
fn wait_for_runs(running: &Running<'_>, runs: f64) {
    let metric = r#"rollcall_job_runs_total{job="heartbeat_monitor"}"#;
    let before = running.metric(metric).unwrap_or_default();
    wait_for("the heartbeat monitor", || {
        (running.metric(metric)? >= before + runs).then_some(())
    });
}

/// Stops the process for this long: its sockets still accept connections and bytes, as far as their buffers go.
fn freeze(running: &Running<'_>, length: Duration) {
    running.signal("STOP");
    let start = stopwatch();
    wait_for("the end of the freeze", || {
        (start.elapsed() >= length).then_some(())
    });
    running.signal("CONT");
}

#[test]
fn a_freeze_takes_no_device_offline_and_hides_no_outage() {
    for (threshold, length) in [("3s", 5), ("15s", 25)] {
        let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", threshold);
        let (fleet, admin) = (key(&rollcall, "fleet", "42"), key(&rollcall, "admin", "42"));
        let running = rollcall.run();
        let servers = Servers::add(&running, &admin);
        wait_for_runs(&running, 4.0);
        send(&running, &fleet, 0..=HEALTHY);
        servers.report(&running, 0);
        freeze(&running, Duration::from_secs(length));
        // The next heartbeats come within the shorter threshold; the device 0 sends none.
        wait_for_runs(&running, 1.0);
        for _ in 0..3 {
            send(&running, &fleet, 1..=HEALTHY);
            servers.report(&running, 1);
            wait_for_runs(&running, 1.0);
        }
        assert!(
            offline(&rollcall).iter().all(|device| *device == uuid(0)),
            "{:?}",
            offline(&rollcall)
        );
        wait_for("the device and the server that stopped", || {
            send(&running, &fleet, 1..=HEALTHY);
            servers.report(&running, 1);
            std::thread::park_timeout(Duration::from_secs(1));
            let are_noticed =
                !offline(&rollcall).is_empty() && !servers_offline(&rollcall).is_empty();
            are_noticed.then_some(())
        });
        assert_eq!(offline(&rollcall), BTreeSet::from([uuid(0)]));
        let stopped = BTreeSet::from(["stops".to_owned()]);
        assert_eq!(servers_offline(&rollcall), stopped);
    }
}

#[test]
fn a_process_that_is_killed_every_five_seconds_reports_an_outage_in_time() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "15s");
    let fleet = key(&rollcall, "fleet", "42");
    let running = rollcall.run();
    send(&running, &fleet, 0..=0);
    running.kill();
    let mut kills = 0;
    while offline(&rollcall).is_empty() {
        let running = rollcall.run();
        let started = stopwatch();
        wait_for("five seconds", || {
            (started.elapsed() >= Duration::from_secs(5)).then_some(())
        });
        running.kill();
        kills += 1;
        // The threshold of 15 s and as much grace take six starts; at most a second and a half of each is lost.
        assert!(kills <= 9, "it is not noticed");
    }
}

#[test]
fn a_process_that_is_killed_after_its_first_judgment_reports_an_outage() {
    let rollcall = quick();
    let fleet = key(&rollcall, "fleet", "42");
    let running = rollcall.run();
    send(&running, &fleet, 0..=0);
    running.kill();
    let judgment = || {
        let sql = "SELECT CAST(started_at AS TEXT) FROM job_runs WHERE name = 'heartbeat_monitor'";
        rollcall.sql(sql).pop()
    };
    let mut kills = 0;
    while offline(&rollcall).is_empty() {
        let before = judgment();
        let running = rollcall.run();
        wait_for("the first judgment", || {
            (judgment() != before).then_some(())
        });
        running.kill();
        kills += 1;
        // The job waits until it can judge, so each start is two seconds long. The threshold and the grace are 3 s each.
        assert!(kills <= 9, "it is not noticed");
    }
}
