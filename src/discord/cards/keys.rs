//! A key that has just been made: shown to the one who made it, this once.

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
