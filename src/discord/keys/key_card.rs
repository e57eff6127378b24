//! Messages about API keys: a new key, shown once to its creator; the list of keys without secrets; removal of a monitor.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::keys::texts;
use crate::discord::ui::embed::GREY;
use crate::discord::ui::reply::Message;
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::key::{ApiKey, KeyId};
use crate::store::api_key::StoredKey;

/// Maximum keys on one card.
const LISTED: usize = 25;

pub(in crate::discord) fn of_server(name: &str, key: &ApiKey, address: &PublicUrl) -> Message {
    Message::sentence(texts::server_added(name, key, address))
}

pub(in crate::discord) fn made(key: &ApiKey) -> Message {
    Message::sentence(texts::created(key))
}

/// The new key of a device or a server.
pub(in crate::discord) fn rotated(name: &str, key: &ApiKey) -> Message {
    Message::sentence(texts::new_key_of_monitor(name, key))
}

/// The key that replaces another one of the guild.
pub(in crate::discord) fn replaced(old: &KeyId, key: &ApiKey) -> Message {
    Message::sentence(texts::replaced(old, key))
}

pub(in crate::discord) fn removed(name: &str) -> Message {
    Message::sentence(texts::monitor_removed(name))
}

/// Valid keys without their secrets, newest first.
pub(in crate::discord) fn list(keys: &[StoredKey]) -> CreateEmbed {
    if keys.is_empty() {
        return CreateEmbed::new()
            .title(texts::NO_KEYS_TITLE)
            .description(texts::NO_KEYS)
            .colour(GREY);
    }
    let mut lines: Vec<String> = keys.iter().take(LISTED).map(texts::listed).collect();
    if keys.len() > LISTED {
        lines.push(texts::more_keys(keys.len() - LISTED));
    }
    CreateEmbed::new()
        .title(texts::list_title(keys.len()))
        .description(lines.join("\n"))
        .colour(GREY)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::{NOW, card_text, fits};
    use crate::domain::discord_id::GuildId;
    use crate::domain::key::KeyKind;

    fn stored(id: &str, kind: KeyKind, expires_in: Option<Duration>) -> StoredKey {
        StoredKey {
            id: KeyId::parse(id).unwrap(),
            guild_id: GuildId(1),
            kind,
            monitor_id: None,
            secret_sha256: Vec::new(),
            created_at: NOW.minus(Duration::from_secs(86_400)),
            expires_at: expires_in.map(|length| NOW.plus(length)),
            revoked_at: None,
        }
    }

    #[test]
    fn the_list_shows_each_key_without_its_secret() {
        let keys = [
            stored("2fY8kQ0aZ3Lm", KeyKind::Fleet, None),
            stored(
                "9hT1cW7bX5Rn",
                KeyKind::Read,
                Some(Duration::from_secs(3_600)),
            ),
            stored("4dS6pV2eY8Kj", KeyKind::Admin, None),
        ];
        insta::assert_snapshot!(card_text(list(&keys)), @"
        [grey] 3 keys
        `2fY8kQ0aZ3Lm` fleet, created <t:1769774400:R>
        `9hT1cW7bX5Rn` read, created <t:1769774400:R>, valid until <t:1769864400:f>
        `4dS6pV2eY8Kj` admin, created <t:1769774400:R>
        ");
    }

    #[test]
    fn the_empty_list_says_how_to_create_a_key() {
        insta::assert_snapshot!(card_text(list(&[])), @"
        [grey] No API keys yet
        Create one with `/keys create`.
        ");
    }

    #[test]
    fn a_long_list_ends_with_the_number_of_the_other_keys() {
        let day = Some(Duration::from_secs(86_400));
        let keys = vec![stored("2fY8kQ0aZ3Lm", KeyKind::Fleet, day); LISTED + 2];
        fits(list(&keys));
        let shown = card_text(list(&keys));
        let lines: Vec<&str> = shown.lines().collect();
        // The title and the description.
        assert_eq!(lines.len(), 1 + LISTED + 1);
        insta::assert_snapshot!(lines[LISTED..].join("\n"), @"
        `2fY8kQ0aZ3Lm` fleet, created <t:1769774400:R>, valid until <t:1769947200:f>
        … and 2 more keys
        ");
    }
}
