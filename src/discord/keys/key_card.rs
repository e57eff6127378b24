//! Messages about API keys: a new key, shown once to its creator; the list of keys without secrets; removal of a monitor.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{GREY, relative};
use crate::discord::ui::reply::Message;
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::text;
use crate::store::api_key::StoredKey;

const ONCE: &str = "Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.";

pub(in crate::discord) fn of_server(name: &str, key: &ApiKey) -> Message {
    Message::sentence(format!(
        "Added **{}**. Its agent sends reports to `POST /api/v1/server-stats` with this key:\n```\n{}\n```\n{ONCE}",
        text::escape(name),
        key.reveal()
    ))
}

pub(in crate::discord) fn made(key: &ApiKey) -> Message {
    let purpose = match key.kind {
        KeyKind::Read => "With this key, programs can read everything in this Discord server",
        KeyKind::Admin => {
            "With this key, programs can read and change everything in this Discord server"
        }
        KeyKind::Fleet | KeyKind::Device | KeyKind::Server => {
            "With this key, devices register at `POST /api/v1/device/register`. Each device receives its own key"
        }
    };
    Message::sentence(format!("{purpose}:\n```\n{}\n```\n{ONCE}", key.reveal()))
}

/// Maximum keys on one card.
const LISTED: usize = 25;

/// Valid keys without their secrets, newest first.
pub(in crate::discord) fn list(keys: &[StoredKey]) -> CreateEmbed {
    if keys.is_empty() {
        return CreateEmbed::new()
            .title("No API keys yet")
            .description("Create one with `/keys create`.")
            .colour(GREY);
    }
    let line = |key: &StoredKey| {
        let end = key
            .expires_at
            .map(|end| format!(", valid until {}", relative(end)))
            .unwrap_or_default();
        format!(
            "{} {}, created {}{end}",
            text::code(key.id.as_str()),
            key.kind.as_str(),
            relative(key.created_at)
        )
    };
    let mut lines: Vec<String> = keys.iter().take(LISTED).map(line).collect();
    if keys.len() > LISTED {
        lines.push(format!("… and {} more", keys.len() - LISTED));
    }
    CreateEmbed::new()
        .title(text::count(keys.len() as u64, "key"))
        .description(lines.join("\n"))
        .colour(GREY)
}

pub(in crate::discord) fn rotated(name: &str, key: &ApiKey) -> Message {
    Message::sentence(format!(
        "New key for **{}**. The old key stays valid for 24 hours.\n```\n{}\n```\n{ONCE}",
        text::escape(name),
        key.reveal()
    ))
}

pub(in crate::discord) fn removed(name: &str) -> Message {
    Message::sentence(format!(
        "Removed **{}** and revoked its keys.",
        text::escape(name)
    ))
}
