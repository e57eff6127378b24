//! Reads the environment into typed settings. All mistakes are reported at once, each with the name of the setting and a
//! valid example. Secrets do not appear in errors or in debug output.

mod database;
mod dead_man;
mod discord;
mod dot_env;
mod heartbeat;
mod http;
mod log;
mod probe;
mod quota;
mod read;
mod recheck;
mod renamed;
mod retention;
mod secret;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use database::DatabaseSettings;
pub use dead_man::DeadManSettings;
pub use discord::DiscordSettings;
pub use heartbeat::HeartbeatSettings;
pub use http::HttpSettings;
pub use log::{LogFormat, LogSettings};
pub use probe::ProbeSettings;
pub use quota::QuotaSettings;
pub use recheck::RecheckSettings;
pub use retention::RetentionSettings;
pub use secret::Secret;

use read::{DAY, SECOND, Variables};

/// Every setting. `docs/settings.md` and `.env.example` explain each.
#[derive(Clone, Debug)]
pub struct Settings {
    pub discord: DiscordSettings,
    pub database: DatabaseSettings,
    pub http: HttpSettings,
    pub probe: ProbeSettings,
    pub recheck: RecheckSettings,
    pub heartbeat: HeartbeatSettings,
    pub log: LogSettings,
    pub dead_man: DeadManSettings,
    /// Minimum time between two edits of a board.
    pub board_interval: Duration,
    pub quota: QuotaSettings,
    pub retention: RetentionSettings,
    /// A file with milliseconds that are added to the wall clock.
    pub clock_offset_file: Option<PathBuf>,
    /// One sentence for each setting that was set under its old name.
    pub warnings: Vec<String>,
}

/// All mistakes in the settings, one sentence each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    /// Reads the environment of the process after adding `.env` from the working directory.
    pub fn from_environment() -> Result<Self, SettingsError> {
        dot_env::load().map_err(|mistake| SettingsError(vec![mistake]))?;
        Self::from_variables(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// Reads settings from names and values; an empty value counts as absent.
    pub fn from_variables(mut variables: HashMap<String, String>) -> Result<Self, SettingsError> {
        let warnings = renamed::adopt(&mut variables);
        let mut read = Variables {
            variables,
            mistakes: Vec::new(),
        };
        let settings = Self {
            discord: read.discord(),
            database: read.database(),
            http: read.http(),
            probe: read.probe(),
            recheck: read.recheck(),
            heartbeat: read.heartbeat(),
            log: read.log(),
            dead_man: read.dead_man(),
            board_interval: read.length("BOARD_INTERVAL", "60s", SECOND, SECOND..=DAY),
            quota: read.quota(),
            retention: read.retention(),
            clock_offset_file: read
                .optional("ROLLCALL_CLOCK_OFFSET_FILE")
                .map(PathBuf::from),
            warnings,
        };
        if read.mistakes.is_empty() {
            Ok(settings)
        } else {
            // The mistakes use the new names; only these warnings show which old name was set.
            read.mistakes.extend(settings.warnings);
            Err(SettingsError(read.mistakes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_variables(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn settings_are_optional_and_have_defaults() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.probe.interval, Duration::from_secs(60));
        assert_eq!(settings.recheck.interval, Duration::from_secs(3600));
        assert_eq!(settings.discord.token, None);
    }

    #[test]
    fn all_mistakes_are_reported_at_once_with_name_and_example() {
        let SettingsError(mistakes) = read(&[
            ("PROBE_INTERVAL", "soon"),
            ("HTTP_BIND", "localhost"),
            ("DISCORD_GUILD_ID", "-1"),
            ("PROBE_ALLOW", "everything"),
            ("LOG_FORMAT", "xml"),
            ("RECHECK_BATCH", "0"),
        ])
        .unwrap_err();
        assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
        for name in [
            "PROBE_INTERVAL",
            "HTTP_BIND",
            "DISCORD_GUILD_ID",
            "PROBE_ALLOW",
            "LOG_FORMAT",
            "RECHECK_BATCH",
        ] {
            let message = mistakes
                .iter()
                .find(|mistake| mistake.starts_with(name))
                .unwrap_or_else(|| panic!("{name}"));
            assert!(message.contains("Example:"), "{message}");
        }
    }

    #[test]
    fn mistakes_name_what_is_wrong_and_give_an_example() {
        let names = include_str!("../../.env.example")
            .lines()
            .filter_map(|line| {
                let (name, _) = line.trim_start_matches(['#', ' ']).split_once('=')?;
                name.bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
                    .then_some(name)
            });
        let mistakes = names.filter_map(|name| read(&[(name, "wrong")]).err());
        let lines: Vec<String> = mistakes.map(|error| error.to_string()).collect();
        insta::assert_snapshot!("mistakes_in_settings", lines.join("\n"));
    }

    #[test]
    fn durations_accept_units_and_a_bare_number_uses_the_default_unit() {
        let settings = read(&[
            ("PROBE_INTERVAL", "1"),
            ("PROBE_TIMEOUT", "250ms"),
            ("RETENTION_CHECK_RESULTS", "2"),
        ])
        .unwrap();
        assert_eq!(settings.probe.interval, Duration::from_secs(1));
        assert_eq!(settings.probe.timeout, Duration::from_millis(250));
        assert_eq!(settings.retention.check_results, Duration::from_secs(7200));
    }

    #[test]
    fn the_shortest_interval_never_exceeds_that_of_the_operator() {
        for (interval, least, expected) in [
            ("60s", "", Some(10)),
            ("10s", "", Some(10)),
            ("9s", "", Some(9)),
            ("60s", "1s", Some(1)),
            ("60s", "60s", Some(60)),
            ("60s", "61s", None),
            ("60s", "0s", None),
        ] {
            let settings = read(&[("PROBE_INTERVAL", interval), ("PROBE_MIN_INTERVAL", least)]);
            let found = settings.map(|settings| settings.probe.min_interval.as_secs());
            assert_eq!(found.ok(), expected, "{interval} {least}");
        }
    }

    #[test]
    fn the_rate_of_connections_is_between_1_and_1000() {
        for (text, rate) in [
            ("0", None),
            ("1", Some(1)),
            ("1000", Some(1000)),
            ("1001", None),
        ] {
            let settings = read(&[("PROBE_ADDRESS_RATE", text)]).ok();
            assert_eq!(
                settings.map(|settings| settings.probe.address_rate),
                rate,
                "{text}"
            );
        }
        let settings = read(&[]).unwrap();
        assert_eq!(
            (settings.probe.address_rate, settings.probe.limits_allowed),
            (10, false)
        );
    }

    #[test]
    fn an_empty_value_counts_as_absent() {
        assert_eq!(
            read(&[("DISCORD_TOKEN", " "), ("PROBE_INTERVAL", "")])
                .unwrap()
                .discord
                .token,
            None
        );
    }

    #[test]
    fn empty_connectivity_hosts_mean_no_reference_hosts() {
        let reference_hosts =
            |variables: &[(&str, &str)]| read(variables).unwrap().probe.reference_hosts;
        assert_eq!(reference_hosts(&[]).len(), 3);
        assert_eq!(reference_hosts(&[("CONNECTIVITY_HOSTS", "")]), []);
        let own = reference_hosts(&[("CONNECTIVITY_HOSTS", "192.168.1.1:53")]);
        assert_eq!(own[0].to_string(), "192.168.1.1:53");
        let SettingsError(wrong) = read(&[("CONNECTIVITY_HOSTS", "the router")]).unwrap_err();
        assert!(
            wrong[0].contains("Example: CONNECTIVITY_HOSTS=1.1.1.1:443"),
            "{wrong:?}"
        );
    }

    #[test]
    fn secrets_do_not_appear_in_debug_output_or_errors() {
        let settings = read(&[
            ("DISCORD_TOKEN", "canary-token"),
            ("HEALTHCHECK_PING_URL", "https://example.org/canary"),
        ])
        .unwrap();
        assert!(!format!("{settings:?}").contains("canary"));
        assert_eq!(settings.discord.token.unwrap().reveal(), "canary-token");
        for wrong in ["canary", "ftp://canary/", "https://", "https://a b/canary"] {
            let error = read(&[("HEALTHCHECK_PING_URL", wrong)]).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains("HEALTHCHECK_PING_URL") && !message.contains("canary"),
                "{message}"
            );
        }
    }
}
