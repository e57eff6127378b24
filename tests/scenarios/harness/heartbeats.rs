//! Devices with numbers that send heartbeats with a fleet key, and which of them were ever offline.

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

/// The devices that have ever been offline.
pub fn offline(rollcall: &Rollcall) -> BTreeSet<String> {
    let sql = "SELECT details ->> '$.device_uuid' FROM events WHERE kind = 'device_offline'";
    rollcall.sql(sql).into_iter().collect()
}
