//! Messages about API keys: a new key, shown once to its creator; the list of keys without secrets; removal of a monitor.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{GREY, relative};
use crate::discord::ui::reply::Message;
use crate::domain::key::{ApiKey, KeyKind};
use crate::domain::text;
use crate::store::api_key::StoredKey;

const ONCE: &str = "Keep it now: it is not stored, and nobody can show it again. This message is seen by you alone.";

pub(in crate::discord) fn of_server(name: &str, key: &ApiKey) -> Message {
    Message::sentence(format!(
        "**{}** is on the roll. Its agent reports to `POST /api/v1/server-stats` with this key:\n```\n{}\n```\n{ONCE}",
        text::escape(name),
        key.reveal()
    ))
}

pub(in crate::discord) fn made(key: &ApiKey) -> Message {
    let purpose = match key.kind {
        KeyKind::Read => "Programs read everything of this server with this key",
        KeyKind::Admin => "Programs read and change everything of this server with this key",
        KeyKind::Fleet | KeyKind::Device | KeyKind::Server => {
            "Devices register at `POST /api/v1/device/register` with this key, and get keys of their own"
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
            .title("There is no key")
            .description("`/keys create` makes one.")
            .colour(GREY);
    }
    let line = |key: &StoredKey| {
        let end = key
            .expires_at
            .map(|end| format!(", good until {}", relative(end)))
            .unwrap_or_default();
        format!(
            "{} {}, made {}{end}",
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
        "The new key of **{}**; the old one is good for another 24 hours:\n```\n{}\n```\n{ONCE}",
        text::escape(name),
        key.reveal()
    ))
}

pub(in crate::discord) fn removed(name: &str) -> Message {
    Message::sentence(format!(
        "Removed **{}**. Its keys are useless now.",
        text::escape(name)
    ))
}
