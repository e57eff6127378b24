//! The other guild: how long its heartbeats take, how late its checks are, and how soon its alert comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use discord_sandbox::{GuildId, Sandbox};

use super::connection::{Connection, Request};
use crate::devices::http_devices_servers::{key, text};
use crate::harness::alerting::the_message;
use crate::harness::client::Client;
use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, Running, Web};

/// Devices, each of which sends a heartbeat a second.
const DEVICES: u32 = 40;

/// The address that it sends from.
const SENDER: u8 = 200;

/// A guild that behaves well.
pub struct Neighbor {
    client: Client,
    /// Path of the heartbeats, and own key.
    devices: Arc<Vec<(String, String)>>,
}

/// Heartbeats that are being sent.
pub struct Heartbeats {
    is_over: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    sending: JoinHandle<Vec<Duration>>,
}

impl Neighbor {
    pub fn prepare(rollcall: &Rollcall, running: &Running<'_>, guild: GuildId) -> Self {
        let fleet = key(rollcall, "fleet", &guild.0.to_string());
        let devices = (0..DEVICES).map(|_| {
            let made = running.call("POST", "/api/v1/device/register", &fleet, "{}");
            let path = format!("/api/v1/device/{}/heartbeat", text(&made.json["uuid"]));
            (path, text(&made.json["device_key"]))
        });
        Self {
            client: Client::new(SENDER, running.address()),
            devices: Arc::new(devices.collect()),
        }
    }

    /// Sends a heartbeat of each device a second, until the end. Each must be accepted.
    pub fn start(&self) -> Heartbeats {
        let is_over = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicUsize::new(0));
        let (over, count) = (Arc::clone(&is_over), Arc::clone(&sent));
        let (devices, client) = (Arc::clone(&self.devices), self.client);
        let sending = std::thread::spawn(move || {
            let mut connection = Connection::new(client);
            let mut times = Vec::new();
            for (path, key) in devices.iter().cycle() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let request = Request {
                    method: "POST",
                    path,
                    key,
                    body: "",
                };
                let start = stopwatch();
                assert_eq!(
                    connection.send(&request),
                    200,
                    "a heartbeat of the neighbor"
                );
                let took = start.elapsed();
                times.push(took);
                count.store(times.len(), Ordering::SeqCst);
                std::thread::park_timeout((Duration::from_secs(1) / DEVICES).saturating_sub(took));
            }
            times
        });
        Heartbeats {
            is_over,
            sent,
            sending,
        }
    }
}

impl Heartbeats {
    /// Their number so far.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// Ends them; returns the 99th percentile of how long they took.
    pub fn end(self) -> Duration {
        self.is_over.store(true, Ordering::SeqCst);
        let mut times = self.sending.join().unwrap();
        times.sort_unstable();
        times[times.len() * 99 / 100]
    }
}

/// How long it takes from the end of the web server of this endpoint until its alert is in the channel; then it recovers.
pub async fn outage(sandbox: &Sandbox, web: &mut Web, name: &str) -> Duration {
    let start = stopwatch();
    web.goes_down();
    the_message(sandbox, &format!("🔴 {name} is offline")).await;
    let took = start.elapsed();
    web.recovers();
    the_message(sandbox, &format!("🟢 {name} was offline")).await;
    took
}

/// The latest row of the log of checks.
pub fn latest_check(rollcall: &Rollcall) -> i64 {
    number(rollcall, "COALESCE(MAX(id), 0) AS TEXT) FROM check_results")
}

/// The number of checks of the endpoint `steady` after this row of the log.
pub fn checks_since(rollcall: &Rollcall, row: i64) -> i64 {
    number(
        rollcall,
        &format!("COUNT(*) AS TEXT) FROM check_results WHERE id > {row} AND {STEADY}"),
    )
}

/// The longest time between two of them, in milliseconds.
pub fn longest_gap(rollcall: &Rollcall, row: i64) -> i64 {
    number(
        rollcall,
        &format!(
            "MAX(gap) AS TEXT) FROM (SELECT at - LAG(at) OVER (ORDER BY id) AS gap FROM check_results
             WHERE id > {row} AND {STEADY})"
        ),
    )
}

const STEADY: &str = "monitor_id = (SELECT id FROM monitors WHERE name = 'steady')";

fn number(rollcall: &Rollcall, statement: &str) -> i64 {
    rollcall.sql(&format!("SELECT CAST({statement}"))[0]
        .parse()
        .unwrap()
}
