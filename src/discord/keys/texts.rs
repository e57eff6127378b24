//! The texts of API keys in Discord: the messages that show a new key, the list of keys, and errors.

use crate::discord::ui::embed::{block, bold, date_and_time, relative};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::texts::local_address;
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::key::{ApiKey, KeyId, KeyKind};
use crate::domain::servers::shell_lines;
use crate::domain::text;
use crate::store::api_key::StoredKey;

/// Stands below every new key.
const SHOWN_ONCE: &str = "Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.";

// New keys

pub(super) fn created(key: &ApiKey) -> String {
    let purpose = match key.kind {
        KeyKind::Read => {
            "With this key, programs can read everything that Rollcall knows about this Discord server:"
        }
        KeyKind::Admin => {
            "With this key, programs can read and change everything that Rollcall manages for this Discord server:"
        }
        KeyKind::Ping => {
            "With this key, jobs can send pings to `/ping/<key>/<slug>`, and add devices with `?create=1`. It permits nothing else:"
        }
        KeyKind::Fleet | KeyKind::Device | KeyKind::Server => {
            "Devices register at `POST /api/v1/device/register` with this fleet key, and each receives a key of its own:"
        }
    };
    with_key(purpose, key)
}

/// The reply that shows the key of a new server and what to copy, in at most 2,000 characters.
pub(super) fn server_added(name: &str, key: &ApiKey, address: &PublicUrl) -> String {
    let purpose = format!(
        "Added {}. Its agent sends reports with this key:",
        bold(name)
    );
    let mut parts = vec![
        with_key(&purpose, key),
        SAVE_KEY.to_owned(),
        block(&shell_lines::key_file_line()),
        SEND_REPORTS.to_owned(),
        block(&shell_lines::report_line(address)),
        RUN_AGENT.to_owned(),
        block(&shell_lines::agent_line(address)),
    ];
    parts.extend(local_address(address));
    parts.join("\n")
}

const SAVE_KEY: &str = "**1.** On the server, save the key to a file that only you can read. Run this line, paste the key and press Enter:";
const SEND_REPORTS: &str = "**2.** Send a report, for example every minute with cron (`* * * * *`). This line reports the load of a Linux machine:";
const RUN_AGENT: &str = "**Or**, if the program `rollcall` is installed there, let its agent report processors, memory, disks and network:";

/// The key of a device or a server was rotated.
pub(super) fn new_key_of_monitor(name: &str, key: &ApiKey) -> String {
    let purpose = format!(
        "New key for {}. The old key stays valid for 24 hours.",
        bold(name)
    );
    with_key(&purpose, key)
}

/// A key of the Discord server was rotated.
pub(super) fn replaced(old: &KeyId, key: &ApiKey) -> String {
    let purpose = format!(
        "This key replaces {}, which stays valid for 24 hours:",
        text::code(old.as_str())
    );
    with_key(&purpose, key)
}

fn with_key(purpose: &str, key: &ApiKey) -> String {
    let key = block(&key.reveal());
    format!("{purpose}\n{key}\n{SHOWN_ONCE}")
}

// Other replies, and errors

pub(super) fn revoked(id: &KeyId) -> String {
    format!("Revoked {}.", text::code(id.as_str()))
}

/// A device or a server was removed.
pub(super) fn monitor_removed(name: &str) -> String {
    format!("Removed {} and revoked its keys.", bold(name))
}

pub(super) fn invalid_key_id() -> CommandError {
    CommandError::Refused(
        "Invalid key id. A key id has 12 letters and digits. Choose a key from the list.".into(),
    )
}

pub(super) fn unknown_key() -> CommandError {
    CommandError::Refused(
        "This key does not exist or was revoked. `/keys list` shows valid keys.".into(),
    )
}

// The list

pub(super) const NO_KEYS_TITLE: &str = "No API keys yet";
pub(super) const NO_KEYS: &str = "Create one with `/keys create`.";

pub(super) fn list_title(count: usize) -> String {
    text::count(count as u64, "key")
}

/// One line of the list.
pub(super) fn listed(key: &StoredKey) -> String {
    let (id, kind) = (text::code(key.id.as_str()), key.kind.as_str());
    let created = relative(key.created_at);
    match key.expires_at {
        None => format!("{id} {kind}, created {created}"),
        Some(end) => format!(
            "{id} {kind}, created {created}, valid until {}",
            date_and_time(end)
        ),
    }
}

/// The last line of a list that is too long.
pub(super) fn more_keys(count: usize) -> String {
    format!("… and {}", text::count(count as u64, "more key"))
}

pub(super) fn key_choice(key: &StoredKey) -> String {
    let created = text::timestamp(key.created_at);
    format!("{} · {} · created {created}", key.id, key.kind.as_str())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::devices::public_url::MAX_PUBLIC_URL_BYTES;
    use crate::domain::discord_id::GuildId;

    fn id() -> KeyId {
        KeyId::parse("2fY8kQ0aZ3Lm").unwrap()
    }

    fn key(kind: KeyKind) -> ApiKey {
        ApiKey::from_random(kind, [7; 16], [7; 32])
    }

    #[test]
    fn texts_of_new_keys() {
        let read = key(KeyKind::Read);
        let mut texts: Vec<String> = [KeyKind::Fleet, KeyKind::Read, KeyKind::Admin, KeyKind::Ping]
            .map(|kind| created(&key(kind)).replace(&key(kind).reveal(), "⟨key⟩"))
            .into();
        let others = [new_key_of_monitor("db-1", &read), replaced(&id(), &read)];
        texts.extend(others.map(|text| text.replace(&read.reveal(), "⟨key⟩")));
        insta::assert_snapshot!(texts.join("\n---\n"), @"
        Devices register at `POST /api/v1/device/register` with this fleet key, and each receives a key of its own:
        ```
        ⟨key⟩
        ```
        Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.
        ---
        With this key, programs can read everything that Rollcall knows about this Discord server:
        ```
        ⟨key⟩
        ```
        Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.
        ---
        With this key, programs can read and change everything that Rollcall manages for this Discord server:
        ```
        ⟨key⟩
        ```
        Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.
        ---
        With this key, jobs can send pings to `/ping/<key>/<slug>`, and add devices with `?create=1`. It permits nothing else:
        ```
        ⟨key⟩
        ```
        Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.
        ---
        New key for **db-1**. The old key stays valid for 24 hours.
        ```
        ⟨key⟩
        ```
        Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.
        ---
        This key replaces `2fY8kQ0aZ3Lm`, which stays valid for 24 hours:
        ```
        ⟨key⟩
        ```
        Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.
        ");
    }

    fn address(text: &str) -> PublicUrl {
        PublicUrl::parse(text).unwrap()
    }

    #[test]
    fn texts_of_added_servers() {
        let key = key(KeyKind::Server);
        let text = server_added("db-1", &key, &address("https://example.org"));
        insta::assert_snapshot!(text.replace(&key.reveal(), "⟨key⟩"), @r#"
        Added **db-1**. Its agent sends reports with this key:
        ```
        ⟨key⟩
        ```
        Copy the key now. Rollcall does not store it and cannot show it again. Only you can see this message.
        **1.** On the server, save the key to a file that only you can read. Run this line, paste the key and press Enter:
        ```
        (umask 077; read -r key && echo "Authorization: Bearer $key" > "$HOME/rollcall.header")
        ```
        **2.** Send a report, for example every minute with cron (`* * * * *`). This line reports the load of a Linux machine:
        ```
        curl -fsS -m 10 --retry 5 -o /dev/null -H "@$HOME/rollcall.header" -d "{\"load\": [$(cut -d' ' -f1-3 /proc/loadavg | tr ' ' ,)]}" https://example.org/api/v1/server-stats
        ```
        **Or**, if the program `rollcall` is installed there, let its agent report processors, memory, disks and network:
        ```
        rollcall agent --url https://example.org --key-file "$HOME/rollcall.header"
        ```
        "#);
    }

    #[test]
    fn the_page_about_servers_shows_the_lines_of_the_reply() {
        let report = shell_lines::report_line(&address("http://127.0.0.1:8080"));
        let page = include_str!("../../../docs/servers.md");
        let agent = shell_lines::agent_line(&address("https://rollcall.example.org"));
        for line in [shell_lines::key_file_line(), report, agent] {
            assert!(page.contains(&format!("\n{line}\n")), "{line}");
        }
    }

    #[test]
    fn the_reply_for_an_added_server_fits_with_the_longest_texts() {
        let address = address(&format!("http://{}a", "a.".repeat(96)));
        assert_eq!(address.as_str().len(), MAX_PUBLIC_URL_BYTES);
        let shown = server_added(&"*".repeat(64), &key(KeyKind::Server), &address);
        assert!(shown.chars().count() < 2_000, "{shown}");
    }

    #[test]
    fn the_reply_for_an_added_server_says_if_its_address_is_local() {
        let local = PublicUrl::bound(([127, 0, 0, 1], 8080).into());
        let shown = server_added("db-1", &key(KeyKind::Server), &local);
        assert!(shown.contains("Set `PUBLIC_URL`"), "{shown}");
    }

    fn stored(expires_in: Option<Duration>) -> StoredKey {
        StoredKey {
            id: id(),
            guild_id: GuildId(1),
            kind: KeyKind::Read,
            monitor_id: None,
            secret_sha256: Vec::new(),
            created_at: NOW,
            expires_at: expires_in.map(|length| NOW.plus(length)),
            revoked_at: None,
        }
    }

    #[test]
    fn texts_of_keys() {
        let texts = [
            listed(&stored(None)),
            listed(&stored(Some(Duration::from_secs(86_400)))),
            key_choice(&stored(None)),
            revoked(&id()),
            monitor_removed("db-1"),
            invalid_key_id().to_string(),
            unknown_key().to_string(),
            NO_KEYS_TITLE.to_owned(),
            NO_KEYS.to_owned(),
            list_title(1),
            list_title(3),
            more_keys(1),
            more_keys(2),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        `2fY8kQ0aZ3Lm` read, created <t:1769860800:R>
        `2fY8kQ0aZ3Lm` read, created <t:1769860800:R>, valid until <t:1769947200:f>
        2fY8kQ0aZ3Lm · read · created 2026-01-31T12:00:00Z
        Revoked `2fY8kQ0aZ3Lm`.
        Removed **db-1** and revoked its keys.
        Invalid key id. A key id has 12 letters and digits. Choose a key from the list.
        This key does not exist or was revoked. `/keys list` shows valid keys.
        No API keys yet
        Create one with `/keys create`.
        1 key
        3 keys
        … and 1 more key
        … and 2 more keys
        ");
    }
}
