//! The texts of devices in Discord: errors and the sentences of cards.

use std::time::Duration;

use crate::discord::ui::embed;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::texts::status_since;
use crate::domain::monitor::MonitorKind;
use crate::domain::text;
use crate::store::devices::device::Device;
use crate::store::devices::device_log::Line;

pub(super) const NO_DEVICES: &str = "No devices yet";
pub(super) const HOW_TO_ADD: &str =
    "Devices register themselves with a fleet key. Create one with `/keys create`.";

/// The label of a device's slug, which is a part of the URL of pings.
pub(super) const SLUG: &str = "Slug";

/// The label of a device's log.
pub(super) const LOG: &str = "Log (newest first)";

/// The error if a device is removed between the search for its name and the command.
pub(super) fn already_removed() -> CommandError {
    CommandError::Refused("This device has been removed.".into())
}

pub(super) fn list_title(count: usize) -> String {
    text::count(count as u64, "device")
}

/// A device in the list, in at most 160 characters.
pub(super) fn listed(device: &Device) -> String {
    let mark = embed::mark(device.status);
    let name = text::cut(&text::escape(&device.name), 80);
    match device.last_seen_at {
        Some(at) => format!("{mark} **{name}** · last heartbeat {}", embed::relative(at)),
        None => format!("{mark} **{name}** · no heartbeat yet"),
    }
}

/// The last line of a list that does not show all devices.
pub(super) fn more(count: usize) -> String {
    format!("… and {}", text::count(count as u64, "more device"))
}

/// The status of a device, and why its last run failed.
pub(super) fn status(device: &Device) -> String {
    let status = status_since(MonitorKind::Device, device.status, device.since);
    match &device.failure {
        Some(failure) => {
            let reason = text::cut(&text::escape(failure), 500);
            format!("{status}: {reason}")
        }
        None => status,
    }
}

/// One log line in at most 200 characters, so that five fit into a field.
pub(super) fn log_line(line: &Line) -> String {
    // The output of a job says at its end how it went.
    let mut lines = line.message.lines().map(str::trim);
    let message = match &*line.kind {
        "line" => lines.next(),
        _ => lines.rev().find(|line| !line.is_empty()),
    };
    let message = message.unwrap_or_default();
    let mut parts = vec![embed::relative(line.at)];
    parts.extend(ping(&line.kind, line.run_time));
    if !message.is_empty() {
        parts.push(text::cut(&text::escape(message), 120));
    }
    parts.join(" · ")
}

/// The ping that a log line records; `None` if it records a message only.
fn ping(kind: &str, run_time: Option<Duration>) -> Option<String> {
    match (kind, run_time.map(length)) {
        ("line", _) => None,
        ("fail", Some(length)) => Some(format!("failure after {length}")),
        ("fail", None) => Some("failure".to_owned()),
        (kind, Some(length)) => Some(format!("{kind} after {length}")),
        (kind, None) => Some(kind.to_owned()),
    }
}

/// The length of a run. It may be a few milliseconds or several hours.
fn length(run_time: Duration) -> String {
    if run_time < Duration::from_secs(60) {
        text::latency(run_time)
    } else {
        text::duration(run_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::devices::slug::Slug;
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::status::Status;

    fn pump() -> Device {
        Device {
            id: MonitorId(7),
            guild_id: GuildId(1),
            uuid: DeviceUuid::from_random([7; 16]),
            name: "pump".into(),
            device_type: None,
            status: Status::Online,
            since: NOW,
            is_active: true,
            last_seen_at: Some(NOW),
            failure: None,
            threshold: None,
            created_at: NOW,
            slug: Slug::parse("pump").ok(),
            group: None,
        }
    }

    #[test]
    fn texts_of_devices() {
        let new = Device {
            status: Status::Unknown,
            last_seen_at: None,
            ..pump()
        };
        let failed = Device {
            status: Status::Offline,
            failure: Some("exit status 3: disk full".into()),
            ..pump()
        };
        let texts = [
            NO_DEVICES.to_owned(),
            HOW_TO_ADD.to_owned(),
            LOG.to_owned(),
            SLUG.to_owned(),
            already_removed().to_string(),
            list_title(1),
            list_title(40),
            listed(&pump()),
            listed(&new),
            more(1),
            more(15),
            status(&pump()),
            status(&failed),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        No devices yet
        Devices register themselves with a fleet key. Create one with `/keys create`.
        Log (newest first)
        Slug
        This device has been removed.
        1 device
        40 devices
        🟢 **pump** · last heartbeat <t:1769860800:R>
        ⚪ **pump** · no heartbeat yet
        … and 1 more device
        … and 15 more devices
        online, changed <t:1769860800:R>
        went offline <t:1769860800:R>: exit status 3: disk full
        ");
    }

    #[test]
    fn texts_of_a_device_log() {
        let line = |kind: &str, run_time: Option<u64>, message: &str| {
            log_line(&Line {
                id: 1,
                at: NOW,
                kind: kind.into(),
                level: None,
                device_time: None,
                message: message.into(),
                run_time: run_time.map(Duration::from_millis),
            })
        };
        let texts = [
            line("line", None, "pump started\nsecond line"),
            line("line", None, ""),
            line("start", None, ""),
            line("success", None, "backup complete"),
            line("success", Some(12), ""),
            line("success", Some(7_500_000), "backup complete"),
            line("fail", None, "copying\ndisk full\n\n"),
            line("fail", Some(4_200), "disk full"),
            line("log", None, "half of the files are copied"),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        <t:1769860800:R> · pump started
        <t:1769860800:R>
        <t:1769860800:R> · start
        <t:1769860800:R> · success · backup complete
        <t:1769860800:R> · success after 12 ms
        <t:1769860800:R> · success after 2 h 5 min · backup complete
        <t:1769860800:R> · failure · disk full
        <t:1769860800:R> · failure after 4.2 s · disk full
        <t:1769860800:R> · log · half of the files are copied
        ");
    }
}
