//! The number of log lines in a request is limited, because all guilds share one writer.

use serde_json::json;

use crate::devices::http_devices_servers::{key, text};
use crate::harness::{Rollcall, Running};

fn register(running: &Running<'_>, fleet: &str) -> (String, String) {
    let made = running.call("POST", "/api/v1/device/register", fleet, "{}");
    assert_eq!(made.status, 201, "{made:?}");
    (text(&made.json["uuid"]), text(&made.json["device_key"]))
}

#[test]
fn a_body_has_at_most_200_log_lines() {
    let rollcall = Rollcall::new();
    let fleet = key(&rollcall, "fleet", "42");
    let running = rollcall.run();
    let (uuid, device) = register(&running, &fleet);
    let path = format!("/api/v1/device/{uuid}/logs");
    for (lines, status) in [(199, 200), (200, 200), (201, 422)] {
        let list = json!(vec![""; lines]).to_string();
        let answer = running.call("POST", &path, &device, &list);
        assert_eq!(answer.status, status, "{lines}: {answer:?}");
    }
    let each: String = (0..201).map(|_| "\"x\"\n").collect();
    let headers: &[(&str, &str)] = &[("Content-Type", "application/x-ndjson")];
    let answer = running.call_with("POST", &path, (&device, headers), &each);
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(answer.text.contains("at most 200 lines"), "{answer:?}");
}
