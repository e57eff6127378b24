//! Reads the environment into typed settings. All mistakes are reported at once, each with the name of the setting and a
//! valid example. Secrets do not appear in errors or in debug output.

mod database;
mod dead_man;
mod discord;
mod effective;
mod environment;
mod heartbeat;
mod http;
mod log;
mod probe;
mod quota;
mod read;
mod recheck;
mod retention;
mod secret;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use database::DatabaseSettings;
pub use dead_man::DeadManSettings;
pub use discord::DiscordSettings;
pub use effective::{EffectiveSetting, Origin};
pub use heartbeat::HeartbeatSettings;
pub use http::HttpSettings;
pub use log::{LogFormat, LogSettings};
pub use probe::ProbeSettings;
pub use quota::QuotaSettings;
pub use recheck::RecheckSettings;
pub use retention::RetentionSettings;
pub use secret::Secret;

use environment::{dot_env, renamed, unknown};
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
    /// One sentence for each name that is not a setting, each setting under its old name or without its value, and each file
    /// with secrets that others can read.
    pub warnings: Vec<String>,
}

/// All mistakes in the settings, one sentence each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

/// What can be set.
struct KnownSettings {
    names: BTreeSet<String>,
    /// A valid value for each name that has one to show.
    examples: HashMap<String, String>,
}

impl Settings {
    /// Reads `.env` from the working directory and the environment of the process, which wins.
    pub fn from_environment() -> Result<Self, SettingsError> {
        Self::read(Self::variables())
    }

    /// What `.env` and the environment set.
    fn variables() -> Variables {
        let known = Self::known();
        let file = dot_env::read(&known);
        let names = known.names;
        let mut read = Variables {
            of_dot_env: file.values.keys().cloned().collect(),
            variables: file.values,
            mistakes: file.mistakes,
            warnings: file.warnings,
            ..Variables::default()
        };
        let environment: BTreeMap<_, _> = std::env::vars_os().collect();
        for (name, value) in environment {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    let unknown = unknown::in_environment(&name, &value, &names);
                    read.warnings.extend(unknown);
                    read.of_dot_env.remove(&name);
                    read.variables.insert(name, value);
                }
                Err(_) if names.contains(&name) => {
                    read.mistakes.push(format!("{name} is not UTF-8 text"));
                    read.variables.remove(&name);
                }
                Err(_) => {}
            }
        }
        read
    }

    /// Reads settings from names and values; an empty value counts as absent.
    #[cfg(any(test, fuzzing))]
    pub fn from_variables(variables: HashMap<String, String>) -> Result<Self, SettingsError> {
        Self::read(Variables {
            variables,
            ..Variables::default()
        })
    }

    /// The names of all settings, and examples of their values.
    fn known() -> KnownSettings {
        let mut read = Variables::default();
        Self::all(&mut read);
        KnownSettings {
            names: read.names,
            examples: read.examples,
        }
    }

    fn read(mut read: Variables) -> Result<Self, SettingsError> {
        let renamed = renamed::adopt(&mut read.variables);
        read.warnings.extend(renamed.clone());
        let mut settings = Self::all(&mut read);
        settings.warnings = read.warnings;
        if read.mistakes.is_empty() {
            Ok(settings)
        } else {
            // The mistakes use the new names; only these warnings show which old name was set.
            read.mistakes.extend(renamed);
            Err(SettingsError(read.mistakes))
        }
    }

    fn all(read: &mut Variables) -> Self {
        Self {
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
            warnings: Vec::new(),
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
            ("HTTP_BIND", "localhost:http"),
            ("DISCORD_GUILD_ID", "-1"),
            ("PROBE_ALLOW", "everything,lan,10.0.0.1/8"),
            ("LOG_FORMAT", "xml"),
            ("RECHECK_BATCH", "0"),
            ("DATABASE_URL", "postgres://user:canary@localhost/rollcall"),
        ])
        .unwrap_err();
        assert_eq!(mistakes.len(), 8, "{mistakes:#?}");
        let of_allow = mistakes
            .iter()
            .filter(|line| line.starts_with("PROBE_ALLOW"));
        assert_eq!(of_allow.count(), 2, "{mistakes:#?}");
        assert!(!mistakes.concat().contains("canary"), "{mistakes:#?}");
        for name in [
            "PROBE_INTERVAL",
            "HTTP_BIND",
            "DISCORD_GUILD_ID",
            "PROBE_ALLOW",
            "LOG_FORMAT",
            "RECHECK_BATCH",
            "DATABASE_URL",
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
    fn an_empty_value_is_a_warning_if_there_is_a_default() {
        let example = include_str!("../../.env.example");
        let names = Settings::known().names;
        let mut with_default = 0;
        for name in &names {
            let warnings = read(&[(name, " ")]).unwrap().warnings;
            let start = format!("\n# {name}=");
            let (_, default) = example.split_once(&start).unwrap();
            let has_default = !default.starts_with('\n') && !name.starts_with("CONNECTIVITY_");
            let expected = format!("{name} is empty, so Rollcall uses the default: ");
            match warnings.as_slice() {
                [] => assert!(!has_default, "{name}"),
                [warning] => assert!(warning.starts_with(&expected) && has_default, "{warning}"),
                more => panic!("{name}: {more:?}"),
            }
            with_default += usize::from(has_default);
        }
        assert!(with_default > 30, "{with_default}");
    }

    #[test]
    fn an_invalid_presence_is_an_error() {
        let SettingsError(mistakes) = read(&[("DISCORD_PRESENCE", "{foo} up")]).unwrap_err();
        assert_eq!(
            mistakes,
            [
                "DISCORD_PRESENCE: `{foo}` is not a placeholder; the placeholders are {online}, {total}, {offline}, {warning}. Example: DISCORD_PRESENCE=\"{online} of {total} monitors online · {offline} offline\""
            ]
        );
    }

    #[test]
    fn a_port_alone_is_refused_with_both_addresses() {
        let SettingsError(mistakes) = read(&[("HTTP_BIND", "8081")]).unwrap_err();
        assert_eq!(
            mistakes,
            [
                "HTTP_BIND must have an address before the port, but is `8081`. Example: HTTP_BIND=127.0.0.1:8081 for this machine only, or HTTP_BIND=:8081 for every network"
            ]
        );
    }

    #[test]
    fn the_address_of_the_metrics_is_read_like_the_other_one() {
        let bind = |text: &str| read(&[("METRICS_BIND", text), ("HTTP_BIND", ":8080")]);
        for (text, expected) in [
            ("", None),
            (":9090", Some("0.0.0.0:9090")),
            ("localhost:9090", Some("127.0.0.1:9090")),
            ("[::1]:0", Some("[::1]:0")),
        ] {
            let bound = bind(text).unwrap().http.metrics_bind;
            let bound = bound.map(|address| address.to_string());
            assert_eq!(bound.as_deref(), expected, "{text}");
        }
        let mistakes = ["9090", "example.org:9090", "127.0.0.1:8080"].map(|text| {
            let SettingsError(mistakes) = bind(text).unwrap_err();
            mistakes.join("\n")
        });
        assert_eq!(
            mistakes,
            [
                "METRICS_BIND must have an address before the port, but is `9090`. Example: METRICS_BIND=127.0.0.1:9090 for this machine only, or METRICS_BIND=:9090 for every network",
                "METRICS_BIND must be an IP address and a port, but is `example.org:9090`. Example: METRICS_BIND=127.0.0.1:9090",
                "METRICS_BIND must have another port than HTTP_BIND, which is 0.0.0.0:8080, but is `127.0.0.1:8080`. Example: METRICS_BIND=127.0.0.1:9090",
            ]
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
            ("DISCORD_TOKEN", "canary.token.x"),
            ("HEALTHCHECK_PING_URL", "https://example.org/canary"),
        ])
        .unwrap();
        assert!(!format!("{settings:?}").contains("canary"));
        assert_eq!(settings.discord.token.unwrap().reveal(), "canary.token.x");
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
