//! Devices with numbers that send heartbeats with a fleet key, and servers that report; which of them were ever offline.

use std::collections::BTreeSet;

use crate::harness::{Rollcall, Running};

pub fn uuid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// Sends a heartbeat of each of these devices.
pub fn send(running: &Running<'_>, fleet: &str, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let path = format!("/api/v1/device/{}/heartbeat", uuid(number));
        let answer = running.call("POST", &path, fleet, "");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// Two servers with their own keys; the first one may stop reporting.
pub struct Servers {
    keys: [String; 2],
}

impl Servers {
    pub fn add(running: &Running<'_>, admin: &str) -> Self {
        let keys = ["stops", "reports"].map(|name| {
            let body = format!(r#"{{"name":"{name}"}}"#);
            let added = running.call("POST", "/api/v1/servers", admin, &body);
            added.json["key"].as_str().unwrap().to_owned()
        });
        Self { keys }
    }

    /// Sends a report of the servers from this one on.
    pub fn report(&self, running: &Running<'_>, first: usize) {
        for key in &self.keys[first..] {
            let answer = running.call("POST", "/api/v1/server-stats", key, r#"{"cpu":1}"#);
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

/// The names of the servers that have ever been offline or overdue.
pub fn servers_offline(rollcall: &Rollcall) -> BTreeSet<String> {
    let sql = "SELECT m.name FROM events e JOIN monitors m ON m.id = e.monitor_id
               WHERE e.kind IN ('server_offline', 'server_overdue')";
    rollcall.sql(sql).into_iter().collect()
}

/// The devices that have ever been offline.
pub fn offline(rollcall: &Rollcall) -> BTreeSet<String> {
    let sql = "SELECT details ->> '$.device_uuid' FROM events WHERE kind = 'device_offline'";
    rollcall.sql(sql).into_iter().collect()
}
