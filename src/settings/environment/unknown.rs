//! Names that look like settings of Rollcall, but are none. Other programs share the environment, so only names that are close
//! to a setting count there. The file `.env` is Rollcall's own, so every name in it counts.

use std::collections::BTreeSet;

use super::renamed::RENAMED;

/// Only Rollcall's settings begin like this.
const PREFIXES: [&str; 7] = [
    "CONNECTIVITY_",
    "HEARTBEAT_",
    "PROBE_",
    "QUOTA_",
    "RECHECK_",
    "RETENTION_",
    "ROLLCALL_",
];

/// Names that are close to a setting and that other programs use, Rollcall's own agents among them.
const OF_OTHERS: [&str; 9] = [
    "DATABASE_URI",
    "LOGDIR",
    "LOGLEVEL",
    "ROLLCALL_AGENT_FILE",
    "ROLLCALL_AGENT_SECONDS",
    "ROLLCALL_FLEET_KEY",
    "ROLLCALL_KEY",
    "ROLLCALL_SERVER_KEY",
    "ROLLCALL_URL",
];

/// Longer names are not compared.
const LONGEST: usize = 64;

/// Letters that may differ in a name that begins like a setting, or that stands in `.env`.
const MOST_OF_OWN: usize = 4;

/// The setting that a name was probably meant to be.
pub(in crate::settings) fn nearest<'a>(name: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    within(name, known, |_| MOST_OF_OWN)
}

fn within<'a>(
    name: &str,
    known: &'a BTreeSet<String>,
    most: impl Fn(&str) -> usize,
) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_ascii_uppercase();
    let distances = known
        .iter()
        .map(|known| (strsim::osa_distance(&name, known), known.as_str()));
    distances
        .filter(|(distance, known)| *distance <= most(known))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

pub(in crate::settings) fn is_known(name: &str, known: &BTreeSet<String>) -> bool {
    known.contains(name) || RENAMED.iter().any(|renamed| renamed.old == name)
}

/// What Kubernetes sets in every container for a service whose name begins like a setting.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let is_address = value.starts_with("tcp://") || value.starts_with("udp://");
    let of_service = ["_SERVICE_HOST", "_SERVICE_PORT", "_TCP_", "_UDP_"];
    is_address || of_service.iter().any(|part| name.contains(part))
}

/// The warning about a variable of the environment that is close to a setting; `None` for all others.
pub(in crate::settings) fn in_environment(
    name: &str,
    value: &str,
    known: &BTreeSet<String>,
) -> Option<String> {
    let is_plain = |name: &str| {
        let mut bytes = name.bytes();
        name.len() <= LONGEST && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !is_plain(name)
        || is_known(name, known)
        || OF_OTHERS.contains(&name)
        || is_of_kubernetes(name, value)
    {
        return None;
    }
    if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Some(sentence(name, nearest(name, known)));
    }
    let near = within(name, known, |known| if known.len() < 10 { 1 } else { 2 })?;
    Some(sentence(name, Some(near)))
}

/// Says that a name is not a setting, and what was probably meant.
pub(in crate::settings) fn sentence(name: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{name} is not a setting of Rollcall. Did you mean {near}?"),
        None => {
            format!("{name} is not a setting of Rollcall. docs/settings.md lists all settings")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn names_close_to_a_setting_are_reported_with_it() {
        let known = Settings::known().names;
        for (name, near) in [
            ("DISCORD_TOKN", Some("DISCORD_TOKEN")),
            ("DISCORD_TOKENS", Some("DISCORD_TOKEN")),
            ("DISCROD_TOKEN", Some("DISCORD_TOKEN")),
            ("discord_token", Some("DISCORD_TOKEN")),
            ("DISCORD_GUILDID", Some("DISCORD_GUILD_ID")),
            ("HTTP_BIN", Some("HTTP_BIND")),
            ("LOG_LEVELS", Some("LOG_LEVEL")),
            ("DATABASEURL", Some("DATABASE_URL")),
            ("PROBE_INTERVALL", Some("PROBE_INTERVAL")),
            ("PROBE_TIME", Some("PROBE_TIMEOUT")),
            ("PROBE_USER_AGENT", None),
            ("ROLLCALL_TOKEN", None),
            ("HEARTBEAT_ENABLE", Some("HEARTBEAT_ENABLED")),
        ] {
            let found = in_environment(name, "x", &known);
            assert_eq!(found, Some(sentence(name, near)), "{name}");
        }
        assert_eq!(
            sentence("PROBE_TIME", Some("PROBE_TIMEOUT")),
            "PROBE_TIME is not a setting of Rollcall. Did you mean PROBE_TIMEOUT?"
        );
        assert_eq!(
            sentence("ROLLCALL_TOKEN", None),
            "ROLLCALL_TOKEN is not a setting of Rollcall. docs/settings.md lists all settings"
        );
    }

    #[test]
    fn names_of_other_programs_are_not_reported() {
        let known = Settings::known().names;
        let of_others = "HOME PATH USER SHELL LANG LC_ALL TERM TZ PWD TMPDIR HOSTNAME LOGNAME MAIL EDITOR \
            HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy HTTP_HOST HTTP_PORT HTTP_USER PORT HOST BIND \
            LOG LOG_FILE LOG_PATH LOG_COLOR LOGLEVEL LOGDIR RUST_LOG RUST_BACKTRACE CARGO_HOME MALLOC_ARENA_MAX \
            DISCORD_WEBHOOK DISCORD_WEBHOOK_URL DISCORD_BOT_TOKEN DISCORD_CLIENT_ID DISCORD_CHANNEL_ID DISCORD_PUBLIC_KEY \
            DATABASE_URI DATABASE_HOST DATABASE_NAME DATABASE_USER DATABASE_PASSWORD DATABASE_PORT DB_URL \
            NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID INVOCATION_ID JOURNAL_STREAM CREDENTIALS_DIRECTORY STATE_DIRECTORY \
            KUBERNETES_SERVICE_HOST ROLLCALL_SERVICE_HOST ROLLCALL_SERVICE_PORT ROLLCALL_PORT_8080_TCP_ADDR \
            ROLLCALL_URL ROLLCALL_KEY ROLLCALL_SERVER_KEY ROLLCALL_FLEET_KEY ROLLCALL_AGENT_FILE \
            HEALTHCHECK_URL HEALTHCHECKS_URL TRUSTED_HOSTS OFFLINE ONLINE BOARD SSL_CERT_FILE GITHUB_TOKEN";
        for name in of_others.split_whitespace() {
            assert_eq!(in_environment(name, "x", &known), None, "{name}");
        }
        let service = in_environment("ROLLCALL_PORT", "tcp://10.0.0.1:8080", &known);
        assert_eq!(service, None);
        let strange = ["PROBE_\n", "PROBE_é", "PROBE_%1B", "DISCORD-TOKEN"];
        for name in strange {
            assert_eq!(in_environment(name, "x", &known), None, "{name:?}");
        }
        let prefixed = |length: usize| format!("PROBE_{}", "X".repeat(length - 6));
        assert!(in_environment(&prefixed(63), "x", &known).is_some());
        assert!(in_environment(&prefixed(64), "x", &known).is_some());
        assert!(in_environment(&prefixed(65), "x", &known).is_none());
    }

    #[test]
    fn every_setting_and_every_old_name_is_known() {
        let known = Settings::known().names;
        assert!(known.len() > 50, "{known:?}");
        let old = RENAMED.iter().map(|renamed| renamed.old);
        for name in known.iter().map(String::as_str).chain(old) {
            assert!(is_known(name, &known), "{name}");
            assert_eq!(in_environment(name, "x", &known), None, "{name}");
        }
    }
}
