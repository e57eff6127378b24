//! The cards of devices: status, last heartbeat and log.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::devices::texts;
use crate::discord::ui::embed::{GREY, colour, mark, relative, relative_or};
use crate::domain::text;
use crate::store::devices::device::Device;
use crate::store::devices::device_log::Line;

/// Maximum devices on one card.
const LISTED: usize = 25;

pub(in crate::discord) fn list(devices: &[Device]) -> CreateEmbed {
    if devices.is_empty() {
        return CreateEmbed::new()
            .title(texts::NO_DEVICES)
            .description(texts::HOW_TO_ADD)
            .colour(GREY);
    }
    let mut lines: Vec<String> = devices.iter().take(LISTED).map(texts::listed).collect();
    if devices.len() > LISTED {
        lines.push(texts::more(devices.len() - LISTED));
    }
    CreateEmbed::new()
        .title(texts::list_title(devices.len()))
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
        .description(texts::status(device))
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
    let card = match &device.slug {
        Some(slug) => card.field(texts::SLUG, text::code(slug.as_str()), true),
        None => card,
    };
    if inside.lines.is_empty() {
        return card;
    }
    let lines: Vec<String> = inside.lines.iter().map(texts::log_line).collect();
    card.field(texts::LOG, lines.join("\n"), false)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::devices::slug::Slug;
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::status::Status;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn cards_of_devices_fit_with_the_longest_texts() {
        let name = "*".repeat(64);
        let device = Device {
            id: MonitorId(i64::MAX),
            name: name.clone(),
            device_type: Some(name),
            failure: Some("\u{202e}exit status 3".repeat(14)),
            threshold: Some(Duration::from_secs(90)),
            ..online()
        };
        let line = Line {
            message: "*".repeat(10_000),
            run_time: Some(Duration::from_secs(9_999_999)),
            ..logged("success", "")
        };
        let inside = Inside {
            lines: vec![line; LINES as usize],
        };
        fits(one(&device, Some(&inside)));
        fits(list(&vec![device; 1_000]));
    }

    fn online() -> Device {
        Device {
            id: MonitorId(7),
            guild_id: GuildId(1),
            uuid: DeviceUuid::from_random([7; 16]),
            name: "pump".into(),
            device_type: Some("esp32".into()),
            status: Status::Online,
            since: NOW.minus(MINUTE * 600),
            is_active: true,
            last_seen_at: Some(NOW.minus(MINUTE)),
            failure: None,
            threshold: None,
            created_at: NOW.minus(MINUTE * 6_000),
            slug: Slug::parse("pump").ok(),
            group: None,
        }
    }

    /// A device whose job has failed.
    fn failed() -> Device {
        Device {
            name: "backup".into(),
            device_type: None,
            status: Status::Offline,
            since: NOW.minus(MINUTE),
            failure: Some("exit status 3: disk full".into()),
            threshold: Some(MINUTE * 60 * 26),
            ..online()
        }
    }

    fn never_seen() -> Device {
        Device {
            name: "boiler".into(),
            status: Status::Unknown,
            last_seen_at: None,
            ..online()
        }
    }

    fn logged(kind: &str, message: &str) -> Line {
        Line {
            id: 1,
            at: NOW.minus(MINUTE),
            kind: kind.into(),
            level: None,
            device_time: None,
            message: message.into(),
            run_time: None,
        }
    }

    #[test]
    fn lists_of_devices() {
        insta::assert_snapshot!(card_text(list(&[])), @"
        [grey] No devices yet
        Devices register themselves with a fleet key. Create one with `/keys create`.
        ");
        let devices = [online(), failed(), never_seen()];
        insta::assert_snapshot!(card_text(list(&devices)), @"
        [grey] 3 devices
        🟢 **pump** · last heartbeat <t:1769860740:R>
        🔴 **backup** · last heartbeat <t:1769860740:R>
        ⚪ **boiler** · no heartbeat yet
        ");
        let long = card_text(list(&vec![online(); LISTED + 2]));
        insta::assert_snapshot!(long.lines().next_back().unwrap(), @"… and 2 more devices");
    }

    #[test]
    fn cards_of_devices() {
        insta::assert_snapshot!(card_text(one(&online(), None)), @"
        [green] 🟢 pump
        online, changed <t:1769824800:R>
        Last heartbeat: <t:1769860740:R>
        Type: esp32
        Added: <t:1769500800:R>
        ");
        let lines = vec![
            Line {
                run_time: Some(MINUTE * 7),
                ..logged("fail", "disk full")
            },
            logged("start", ""),
            logged("line", "backup of /home"),
        ];
        let inside = Inside { lines };
        insta::assert_snapshot!(card_text(one(&failed(), Some(&inside))), @"
        [red] 🔴 backup
        went offline <t:1769860740:R>: exit status 3: disk full
        Last heartbeat: <t:1769860740:R>
        Type: unknown
        Added: <t:1769500800:R>
        Offline after: 1 d 2 h
        uuid: `07070707-0707-4707-8707-070707070707`
        Slug: `pump`
        Log (newest first): <t:1769860740:R> · failure after 7 min · disk full
        <t:1769860740:R> · start
        <t:1769860740:R> · backup of /home
        ");
        let inside = Inside { lines: Vec::new() };
        insta::assert_snapshot!(card_text(one(&never_seen(), Some(&inside))), @"
        [grey] ⚪ boiler
        not set up yet
        Last heartbeat: never
        Type: esp32
        Added: <t:1769500800:R>
        uuid: `07070707-0707-4707-8707-070707070707`
        Slug: `pump`
        ");
    }
}
