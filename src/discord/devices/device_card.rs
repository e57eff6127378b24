//! The cards of devices: status, last heartbeat and log.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{GREY, colour, mark, relative, relative_or};
use crate::domain::text;
use crate::store::devices::device::Device;
use crate::store::devices::device_log::Line;

/// Maximum devices on one card.
const LISTED: usize = 25;

pub(in crate::discord) fn list(devices: &[Device]) -> CreateEmbed {
    if devices.is_empty() {
        return CreateEmbed::new()
            .title("No devices yet")
            .description(
                "Devices register themselves with a fleet key. Create one with `/keys create`.",
            )
            .colour(GREY);
    }
    let line = |device: &Device| {
        format!(
            "{} **{}** · last heartbeat {}",
            mark(device.status),
            text::cut(&text::escape(&device.name), 80),
            relative_or(device.last_seen_at, "never")
        )
    };
    let mut lines: Vec<String> = devices.iter().take(LISTED).map(line).collect();
    if devices.len() > LISTED {
        lines.push(format!("… and {} more", devices.len() - LISTED));
    }
    CreateEmbed::new()
        .title(text::count(devices.len() as u64, "device"))
        .description(lines.join("\n"))
        .colour(GREY)
}

/// Details for managers only: the log, and with it the uuid, because anyone who knows the uuid can send heartbeats as the
/// device.
#[derive(Clone, Debug)]
pub(in crate::discord) struct Inside {
    /// The last lines of the device's log, newest first.
    pub lines: Vec<Line>,
}

/// Maximum log lines on a card.
pub(in crate::discord) const LINES: u32 = 5;

pub(in crate::discord) fn one(device: &Device, inside: Option<&Inside>) -> CreateEmbed {
    let kind = device.device_type.as_deref().unwrap_or("unknown");
    let card = CreateEmbed::new()
        .title(format!(
            "{} {}",
            mark(device.status),
            text::cut(&text::escape(&device.name), 200)
        ))
        .description(status_line(device))
        .colour(colour(device.status))
        .field(
            "Last heartbeat",
            relative_or(device.last_seen_at, "never"),
            true,
        )
        .field("Type", text::cut(&text::escape(kind), 200), true)
        .field("Added", relative(device.created_at), true);
    let card = match device.threshold {
        Some(threshold) => card.field("Offline after", text::duration(threshold), true),
        None => card,
    };
    let Some(inside) = inside else { return card };
    let card = card.field("uuid", text::code(device.uuid.as_str()), false);
    if inside.lines.is_empty() {
        return card;
    }
    let lines: Vec<String> = inside.lines.iter().map(line).collect();
    card.field("Log (newest first)", lines.join("\n"), false)
}

fn status_line(device: &Device) -> String {
    let since = format!(
        "{} since {}",
        device.status.as_str(),
        relative(device.since)
    );
    match &device.failure {
        Some(failure) => format!("{since}: {}", text::cut(&text::escape(failure), 500)),
        None => since,
    }
}

/// One log line in at most 200 characters, so that five fit into a field.
fn line(line: &Line) -> String {
    let took = line
        .run_time
        .map(|took| format!(" after {}", text::latency(took)))
        .unwrap_or_default();
    let kind = match line.kind.as_str() {
        "line" => "",
        ping => ping,
    };
    let message: String = line.message.lines().next().unwrap_or_default().to_owned();
    format!(
        "{} {kind}{took} {}",
        relative(line.at),
        text::cut(&text::escape(&message), 120)
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::discord::ui::embed_testing::fits;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::status::Status;
    use crate::store::devices::device::Device;
    use crate::store::devices::device_log::Line;

    #[test]
    fn cards_of_devices_fit_with_the_longest_texts() {
        let name = "*".repeat(64);
        let device = Device {
            id: MonitorId(i64::MAX),
            guild_id: GuildId(1),
            uuid: DeviceUuid::from_random([7; 16]),
            name: name.clone(),
            device_type: Some(name),
            status: Status::Online,
            since: NOW,
            is_active: true,
            last_seen_at: Some(NOW),
            failure: Some("\u{202e}exit status 3".repeat(14)),
            threshold: Some(Duration::from_secs(90)),
            created_at: NOW,
        };
        let line = Line {
            id: 1,
            at: NOW,
            kind: "success".into(),
            level: None,
            device_time: None,
            message: "*".repeat(10_000),
            run_time: Some(Duration::from_secs(9_999_999)),
        };
        let inside = Inside {
            lines: vec![line; LINES as usize],
        };
        fits(one(&device, Some(&inside)));
        fits(list(&vec![device; 1_000]));
    }
}
