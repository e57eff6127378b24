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

/// Details for managers only: the log, and with it the uuid and the ping URL, because anyone who knows these can send
/// heartbeats as the device.
#[derive(Clone, Debug)]
pub(in crate::discord) struct Inside {
    /// The ping URL as a text for people.
    pub ping_url: String,
    /// The last lines of the device's log, newest first.
    pub lines: Vec<Line>,
}

/// Maximum log lines on a card.
pub(in crate::discord) const LINES: u32 = 5;

pub(in crate::discord) fn one(device: &Device, inside: Option<&Inside>) -> CreateEmbed {
    let card = CreateEmbed::new()
        .title(format!(
            "{} {}",
            mark(device.status),
            text::cut(&text::escape(&device.name), 200)
        ))
        .description(texts::status(device, inside.is_some()))
        .colour(colour(device.status))
        .field(
            "Last heartbeat",
            relative_or(device.last_seen_at, "never"),
            true,
        );
    let card = match &device.device_type {
        Some(kind) => card.field("Type", text::cut(&text::escape(kind), 200), true),
        None => card,
    };
    let card = card.field("Added", relative(device.created_at), true);
    let card = match device.threshold {
        Some(threshold) => card.field("Offline after", text::duration(threshold), true),
        None => card,
    };
    let Some(inside) = inside else { return card };
    let card = card.field(texts::PING_URL, &inside.ping_url, false).field(
        "uuid",
        text::code(device.uuid.as_str()),
        false,
    );
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
    use crate::domain::devices::public_url::PublicUrl;
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
        let address = format!("http://{}a", "a.".repeat(96));
        let address = PublicUrl::parse(&address).unwrap();
        let inside = Inside {
            ping_url: texts::ping_url(&address, &device.uuid),
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

    fn inside(lines: Vec<Line>) -> Inside {
        let address = PublicUrl::parse("https://rollcall.example.org").unwrap();
        Inside {
            ping_url: texts::ping_url(&address, &online().uuid),
            lines,
        }
    }

    #[test]
    fn lists_of_devices() {
        insta::assert_snapshot!(card_text(list(&[])), @"
        [grey] No devices yet
        Add one with `/device add`, which shows its ping URL. Devices can also register themselves with a fleet key, which `/keys create` creates.
        ");
        let devices = [online(), failed(), never_seen()];
        insta::assert_snapshot!(card_text(list(&devices)), @"
        [grey] 3 devices
        🟢 **pump** · `#7` · `07070707` · last heartbeat <t:1769860740:R>
        🔴 **backup** · `#7` · `07070707` · last heartbeat <t:1769860740:R>
        ⚪ **boiler** · `#7` · `07070707` · no heartbeat yet
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
        let details = inside(lines);
        insta::assert_snapshot!(card_text(one(&failed(), Some(&details))), @"
        [red] 🔴 backup
        went offline <t:1769860740:R>: exit status 3: disk full
        Last heartbeat: <t:1769860740:R>
        Added: <t:1769500800:R>
        Offline after: 1 d 2 h
        Ping URL: `https://rollcall.example.org/ping/07070707-0707-4707-8707-070707070707`
        uuid: `07070707-0707-4707-8707-070707070707`
        Slug: `pump`
        Log (newest first): <t:1769860740:R> · failure after 7 min · disk full
        <t:1769860740:R> · start
        <t:1769860740:R> · backup of /home
        ");
        insta::assert_snapshot!(card_text(one(&never_seen(), None)), @"
        [grey] ⚪ boiler
        No heartbeat yet. Members with Manage Server see its ping URL in `/devices show`.
        Last heartbeat: never
        Type: esp32
        Added: <t:1769500800:R>
        ");
        let details = inside(Vec::new());
        insta::assert_snapshot!(card_text(one(&never_seen(), Some(&details))), @"
        [grey] ⚪ boiler
        No heartbeat yet. Run its job, or send a request to its ping URL.
        Last heartbeat: never
        Type: esp32
        Added: <t:1769500800:R>
        Ping URL: `https://rollcall.example.org/ping/07070707-0707-4707-8707-070707070707`
        uuid: `07070707-0707-4707-8707-070707070707`
        Slug: `pump`
        ");
    }
}
