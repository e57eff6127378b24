//! The disk is full, another process holds the database, or any one write fails: nothing that was acknowledged is lost, no
//! monitor is blamed, and everything works as before afterward.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::devices::http_devices_servers::{key, quick, text};
use crate::harness::collector::Collector;
use crate::harness::heartbeats::{offline, uuid};
use crate::harness::own_timer::stopwatch;
use crate::harness::storage_faults::{ForeignLock, FullDisk, SmallDisk};
use crate::harness::{Rollcall, Running, Web, wait_for};

const DEVICES: u32 = 20;

/// How long storage fails.
const FAULT: Duration = Duration::from_secs(20);

/// Time between two requests of a device, which may send one a second.
const PAUSE: Duration = Duration::from_millis(1200);

/// Every response must arrive within this time (p99).
const ANSWERED_WITHIN: Duration = Duration::from_secs(6);

/// Everything must work this long after storage does.
const RECOVERED_WITHIN: Duration = Duration::from_secs(30);

/// A request and its response.
#[derive(Debug)]
struct Exchange {
    /// The log line that was sent; `None`: a heartbeat.
    line: Option<String>,
    device: u32,
    sent: Instant,
    took: Duration,
    status: u16,
    retry_after: Option<String>,
}

/// Devices that send heartbeats and log lines in turn.
struct Fleet<'a> {
    running: &'a Running<'a>,
    /// Address and key of each.
    devices: Vec<(String, String)>,
    exchanges: Mutex<Vec<Exchange>>,
    is_over: AtomicBool,
    /// Whether the device 0 has stopped.
    has_stopped: AtomicBool,
}

impl<'a> Fleet<'a> {
    fn register(running: &'a Running<'a>, fleet: &str) -> Self {
        let register = |_| {
            let made = running.call("POST", "/api/v1/device/register", fleet, "{}");
            assert_eq!(made.status, 201, "{made:?}");
            (text(&made.json["uuid"]), text(&made.json["device_key"]))
        };
        Self {
            running,
            devices: (0..DEVICES).map(register).collect(),
            exchanges: Mutex::default(),
            is_over: AtomicBool::new(false),
            has_stopped: AtomicBool::new(false),
        }
    }

    fn send_until_over(&self, device: u32) {
        for number in 0.. {
            let is_done = self.is_over.load(Ordering::SeqCst)
                || device == 0 && self.has_stopped.load(Ordering::SeqCst);
            if is_done {
                return;
            }
            self.send(device, None);
            std::thread::park_timeout(PAUSE);
            self.send(device, Some(format!("line {number} of {device}")));
            std::thread::park_timeout(PAUSE);
        }
    }

    fn send(&self, device: u32, line: Option<String>) {
        let (uuid, key) = &self.devices[device as usize];
        let (path, body) = match &line {
            Some(line) => ("logs", json!([line]).to_string()),
            None => ("heartbeat", String::new()),
        };
        let sent = stopwatch();
        let path = format!("/api/v1/device/{uuid}/{path}");
        let answer = self.running.call("POST", &path, key, &body);
        self.exchanges.lock().unwrap().push(Exchange {
            line,
            device,
            sent,
            took: sent.elapsed(),
            status: answer.status,
            retry_after: answer.header("retry-after"),
        });
    }

    /// The devices, except for the device 0, that got a 200 for something that they sent since then.
    fn acknowledged_since(&self, since: Instant) -> BTreeSet<u32> {
        let exchanges = self.exchanges.lock().unwrap();
        let acknowledged = exchanges
            .iter()
            .filter(|exchange| exchange.sent >= since && exchange.status == 200);
        let devices = acknowledged.map(|exchange| exchange.device);
        devices.filter(|device| *device > 0).collect()
    }

    /// Checks every response, and returns the lines that were acknowledged. `began`: when storage began to fail.
    fn judge(self, began: Instant) -> BTreeSet<String> {
        let exchanges = self.exchanges.into_inner().unwrap();
        for exchange in &exchanges {
            match exchange.status {
                200 => {}
                503 => assert!(exchange.retry_after.is_some(), "{exchange:?}"),
                _ => panic!("{exchange:?}"),
            }
        }
        let refused = exchanges.iter().filter(|one| one.status == 503).count();
        assert!(refused >= 20, "only {refused} requests met the fault");
        let met = exchanges.iter().filter(|one| one.sent >= began);
        let mut took: Vec<Duration> = met.map(|one| one.took).collect();
        took.sort_unstable();
        let p99 = took[took.len() * 99 / 100];
        println!(
            "{refused} of {} refused, p99 {p99:?}, {:?}",
            took.len(),
            took.last()
        );
        assert!(p99 < ANSWERED_WITHIN, "p99 {p99:?}");
        let acknowledged = exchanges.into_iter().filter(|one| one.status == 200);
        acknowledged.filter_map(|one| one.line).collect()
    }
}

/// All checks of the scheduler so far.
fn checks(running: &Running<'_>) -> f64 {
    let (_, page) = running.get("/metrics");
    let lines = page
        .lines()
        .filter(|line| line.starts_with("rollcall_checks_total"));
    let counts = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    counts.sum()
}

fn wait(length: Duration) {
    let start = stopwatch();
    wait_for("the time to pass", || {
        (start.elapsed() >= length).then_some(())
    });
}

/// The texts of everything that a webhook was sent.
fn notified(hooks: &Collector) -> String {
    let posted = hooks.posted().into_iter();
    posted
        .map(|posted| posted.text)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Runs the bot through a fault of its storage, which lasts as long as what `begin` returns. A device and an endpoint really
/// fail meanwhile.
fn survives<F>(rollcall: &Rollcall, begin: impl FnOnce(&Running<'_>) -> F) {
    let (mut failing, healthy, hooks) = (Web::up(), Web::up(), Collector::start());
    let (failing_id, _) = (
        rollcall.add(&failing.target()),
        rollcall.add(&healthy.target()),
    );
    let (fleet, admin) = (key(rollcall, "fleet", "42"), key(rollcall, "admin", "42"));
    let running = rollcall.run();
    let hook = json!({ "name": "hook", "url": hooks.url("hook") }).to_string();
    let added = running.call("POST", "/api/v1/webhooks", &admin, &hook);
    assert_eq!(added.status, 201, "{added:?}");
    let devices = Fleet::register(&running, &fleet);
    let began = std::thread::scope(|scope| {
        let _end = EndsOnDrop(&devices.is_over);
        for device in 0..DEVICES {
            let devices = &devices;
            scope.spawn(move || devices.send_until_over(device));
        }
        wait_for("checks", || (checks(&running) >= 4.0).then_some(()));
        wait(Duration::from_secs(3));
        let before = checks(&running);
        let began = stopwatch();
        let fault = begin(&running);
        wait(FAULT / 2);
        assert_ne!(running.get("/readyz").0, 200);
        devices.has_stopped.store(true, Ordering::SeqCst);
        failing.goes_down();
        wait(FAULT / 2);
        let during = checks(&running) - before;
        assert!(during >= 30.0, "{during} checks of about 40");
        drop(fault);
        let room = stopwatch();
        wait_for("heartbeats of all devices", || {
            let all = devices.acknowledged_since(room).len() == DEVICES as usize - 1;
            (all && running.get("/readyz").0 == 200).then_some(())
        });
        assert!(room.elapsed() < RECOVERED_WITHIN);
        wait_for("the notifications of the real outages", || {
            let notified = notified(&hooks);
            (offline(rollcall).len() == 1
                && notified.contains(&failing.target())
                && notified.matches("incident.opened").count() >= 2)
                .then_some(())
        });
        began
    });
    let first = devices.devices[0].0.clone();
    let acknowledged = devices.judge(began);
    assert_eq!(offline(rollcall), BTreeSet::from([first]));
    let endpoints = "SELECT CAST(monitor_id AS TEXT) FROM events WHERE kind = 'endpoint_offline'";
    assert_eq!(rollcall.sql(endpoints), [failing_id.to_string()]);
    assert_eq!(running.stop().0, 0);
    assert_stored(rollcall, &acknowledged);
}

fn assert_stored(rollcall: &Rollcall, acknowledged: &BTreeSet<String>) {
    let stored = rollcall.sql("SELECT message FROM device_logs");
    let stored: BTreeSet<String> = stored.into_iter().collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(rollcall.sql("PRAGMA integrity_check"), ["ok"]);
}

struct EndsOnDrop<'a>(&'a AtomicBool);

impl Drop for EndsOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn bot() -> Rollcall {
    quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "8s")
}

#[test]
fn a_full_disk_loses_nothing_and_takes_nobody_offline() {
    let rollcall = bot();
    let disk = SmallDisk::mount(&rollcall);
    survives(&rollcall, |running| FullDisk::fill(running, disk.as_ref()));
}

#[test]
fn files_that_cannot_grow_lose_nothing_and_take_nobody_offline() {
    let rollcall = bot();
    survives(&rollcall, |running| FullDisk::fill(running, None));
}

#[test]
fn a_foreign_lock_loses_nothing_and_takes_nobody_offline() {
    let rollcall = bot();
    survives(&rollcall, |_| ForeignLock::take(&rollcall));
}

/// The size of a page in the write-ahead log, with its header.
const FRAME: u64 = 4096 + 24;

#[test]
fn whichever_write_fails_no_acknowledged_heartbeat_is_lost() {
    let rollcall = bot();
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let mut acknowledged = BTreeSet::new();
    // Three new devices in each run, and the device 0, which must not be offline.
    let is_acknowledged = |running: &Running<'_>, device: u32| {
        let path = format!("/api/v1/device/{}/heartbeat", uuid(device));
        let answer = running.call("POST", &path, &fleet, "");
        match answer.status {
            200 => {}
            503 => assert!(answer.header("retry-after").is_some(), "{answer:?}"),
            _ => panic!("{answer:?}"),
        }
        answer.status == 200
    };
    for number in 0.. {
        let running = rollcall.run();
        // A start that cannot write ends the process; this is about what comes after it.
        wait_for("the first job", || {
            let runs = running.metric(r#"rollcall_job_runs_total{job="heartbeat_monitor"}"#)?;
            (runs >= 1.0).then_some(())
        });
        let writes = u64::from(number);
        let limit = running.log_size() + writes * FRAME;
        running.file_size_limit().set(limit);
        let devices = [0, 3 * number + 1, 3 * number + 2, 3 * number + 3];
        let stored = devices.map(|device| is_acknowledged(&running, device));
        let all = devices.into_iter().zip(stored);
        acknowledged.extend(all.filter(|(_, stored)| *stored).map(|(one, _)| uuid(one)));
        // The other half of the runs ends as a crash does.
        if number % 2 == 0 {
            running.stop();
        } else {
            running.kill();
        }
        if stored == [true; 4] {
            println!(
                "{writes} writes, {} devices acknowledged",
                acknowledged.len()
            );
            assert!(writes > 4, "no write has failed");
            break;
        }
    }
    let running = rollcall.run();
    assert!(is_acknowledged(&running, 0));
    wait_for("the heartbeat monitor", || {
        let runs = running.metric(r#"rollcall_job_runs_total{job="heartbeat_monitor"}"#)?;
        (runs >= 2.0).then_some(())
    });
    assert!(!offline(&rollcall).contains(&uuid(0)));
    let shown = running.call("GET", "/api/v1/devices", &read, "").json;
    let devices = shown["devices"].as_array().unwrap().iter();
    let stored: BTreeSet<String> = devices.map(|one: &Value| text(&one["uuid"])).collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(running.stop().0, 0);
    assert_eq!(rollcall.sql("PRAGMA integrity_check"), ["ok"]);
}
