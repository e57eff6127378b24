//! Devices: which are online, and when each called last.

use poise::serenity_prelude::CreateEmbed;

use super::{GREY, colour, mark, relative, relative_or};
use crate::domain::text;
use crate::store::device::Device;

/// Devices on one card.
const LISTED: usize = 25;

pub(in crate::discord) fn list(devices: &[Device]) -> CreateEmbed {
    if devices.is_empty() {
        return CreateEmbed::new()
            .title("No device is on the roll")
            .description("`/fleet key` makes the key with which devices register by themselves.")
            .colour(GREY);
    }
    let line = |device: &Device| {
        format!(
            "{} **{}** · called {}",
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

pub(in crate::discord) fn one(device: &Device) -> CreateEmbed {
    let kind = device.device_type.as_deref().unwrap_or("not said");
    let card = CreateEmbed::new()
        .title(format!(
            "{} {}",
            mark(device.status),
            text::cut(&text::escape(&device.name), 200)
        ))
        .description(format!(
            "{} since {}",
            device.status.word(),
            relative(device.since)
        ))
        .colour(colour(device.status))
        .field("Last call", relative_or(device.last_seen_at, "never"), true)
        .field("Type", text::cut(&text::escape(kind), 200), true)
        .field("uuid", text::code(device.uuid.as_str()), false)
        .field("On the roll since", relative(device.created_at), true);
    match device.threshold {
        Some(threshold) => card.field("Offline after", text::duration(threshold), true),
        None => card,
    }
}
