//! Keys that have just been made: shown to the one who made them, this once; and the word that something is gone.

use crate::discord::reply::Card;
use crate::domain::key::ApiKey;
use crate::domain::text;

const ONCE: &str = "Keep it now: it is not stored, and nobody can show it again. This message is seen by you alone.";

pub(in crate::discord) fn of_server(name: &str, key: &ApiKey) -> Card {
    Card::sentence(format!(
        "**{}** is on the roll. Its agent reports to `POST /api/v1/server-stats` with this key:\n```\n{}\n```\n{ONCE}",
        text::escape(name),
        key.reveal()
    ))
}

pub(in crate::discord) fn of_fleet(key: &ApiKey) -> Card {
    Card::sentence(format!(
        "Devices register at `POST /api/v1/device/register` with this key, and get keys of their own:\n```\n{}\n```\n{ONCE}",
        key.reveal()
    ))
}

pub(in crate::discord) fn rotated(name: &str, key: &ApiKey) -> Card {
    Card::sentence(format!(
        "The new key of **{}**; the old one is good for another 24 hours:\n```\n{}\n```\n{ONCE}",
        text::escape(name),
        key.reveal()
    ))
}

pub(in crate::discord) fn removed(name: &str) -> Card {
    Card::sentence(format!(
        "Removed **{}**. Its keys are useless now.",
        text::escape(name)
    ))
}
