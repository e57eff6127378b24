//! Every setting that belongs to a group: its name, default, unit and range.

use std::path::PathBuf;
use std::time::Duration;

use super::read::Variables;
use super::{
    DiscordSettings, HeartbeatSettings, LogFormat, LogSettings, ProbeSettings, RecheckSettings,
    Secret,
};
use crate::domain::connectivity::ReferenceHost;
use crate::domain::discord::intent::PrivilegedIntent;
use crate::domain::discord::presence;
use crate::domain::endpoints::address::AddressPolicy;
use crate::domain::monitor::GuildId;
use crate::domain::servers::threshold::Thresholds;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

impl Variables {
    pub(super) fn discord(&mut self) -> DiscordSettings {
        DiscordSettings {
            token: self.optional("DISCORD_TOKEN").map(Secret),
            guild: self.optional_value(
                "DISCORD_GUILD_ID",
                "a server's id",
                "123456789012345678",
                |text| text.parse().ok().filter(|id| *id > 0).map(GuildId),
            ),
            api_url: self.value(
                "DISCORD_API_URL",
                "https://discord.com",
                "an origin without a path",
                |text| {
                    let text = text.trim_end_matches('/');
                    let (scheme, host) = text.split_once("://")?;
                    let is_origin = matches!(scheme, "http" | "https")
                        && !host.is_empty()
                        && !host.contains(['/', '?', '#', '@']);
                    is_origin.then(|| text.to_owned())
                },
            ),
            heartbeat_timeout: self.length(
                "DISCORD_HEARTBEAT_TIMEOUT",
                "60s",
                SECOND,
                SECOND..=HOUR,
            ),
            keepalive_interval: self.length(
                "DISCORD_KEEPALIVE_INTERVAL",
                "300s",
                SECOND,
                SECOND..=DAY,
            ),
            health_interval: self.length("DISCORD_HEALTH_INTERVAL", "600s", SECOND, SECOND..=DAY),
            inactivity_warning: self.length(
                "DISCORD_INACTIVITY_WARNING",
                "30m",
                MINUTE,
                SECOND..=DAY * 7,
            ),
            offline_warning: self.length(
                "DISCORD_OFFLINE_WARNING",
                "30m",
                MINUTE,
                SECOND..=DAY * 7,
            ),
            max_reconnects: self.small("DISCORD_MAX_RECONNECTS", "10", 1000),
            privileged_intents: self
                .optional_value(
                    "DISCORD_PRIVILEGED_INTENTS",
                    "a list of members, presences, message_content",
                    "members,message_content",
                    PrivilegedIntent::parse_list,
                )
                .unwrap_or_default(),
            presence: self.text("DISCORD_PRESENCE", presence::DEFAULT_TEMPLATE),
        }
    }

    pub(super) fn probe(&mut self) -> ProbeSettings {
        ProbeSettings {
            interval: self.length("PROBE_INTERVAL", "60s", SECOND, SECOND..=DAY),
            retry_interval: self.length("PROBE_RETRY_INTERVAL", "10s", SECOND, SECOND..=DAY),
            timeout: self.length(
                "PROBE_TIMEOUT",
                "10s",
                SECOND,
                Duration::from_millis(100)..=Duration::from_secs(120),
            ),
            concurrency: self.size("PROBE_CONCURRENCY", "512", 100_000),
            failures_to_offline: self.small("PROBE_FAILURES_TO_OFFLINE", "3", 100),
            allow: self.allow(),
            resolver: self.optional_value(
                "PROBE_RESOLVER",
                "an address and a port",
                "9.9.9.9:53",
                |text| text.parse().ok(),
            ),
            reference_hosts: self.reference_hosts(),
            ca_file: self.optional("PROBE_CA_FILE").map(PathBuf::from),
        }
    }

    /// Reads the reference hosts. Set but empty means none.
    fn reference_hosts(&mut self) -> Vec<ReferenceHost> {
        if self.is_empty("CONNECTIVITY_HOSTS") {
            return Vec::new();
        }
        self.value(
            "CONNECTIVITY_HOSTS",
            "1.1.1.1:443,8.8.8.8:443,9.9.9.9:443",
            "a list of host:port",
            ReferenceHost::parse_list,
        )
    }

    fn allow(&mut self) -> AddressPolicy {
        let text = self.optional("PROBE_ALLOW").unwrap_or_default();
        match text.parse() {
            Ok(policy) => policy,
            Err(error) => {
                self.mistakes.push(format!("PROBE_ALLOW: {error}"));
                AddressPolicy::default()
            }
        }
    }

    pub(super) fn recheck(&mut self) -> RecheckSettings {
        RecheckSettings {
            interval: self.length("RECHECK_INTERVAL", "3600s", SECOND, SECOND..=DAY * 7),
            min_age: self.length("RECHECK_MIN_AGE", "3600s", SECOND, Duration::ZERO..=DAY * 7),
            batch: self.small("RECHECK_BATCH", "100", 10_000),
            concurrency: self.size("RECHECK_CONCURRENCY", "10", 1000),
        }
    }

    pub(super) fn heartbeat(&mut self) -> HeartbeatSettings {
        let millisecond = Duration::from_millis(1);
        HeartbeatSettings {
            is_enabled: self.value("HEARTBEAT_ENABLED", "true", "`true` or `false`", |text| {
                text.parse().ok()
            }),
            check_interval: self.length(
                "HEARTBEAT_CHECK_INTERVAL",
                "60s",
                millisecond,
                SECOND..=DAY,
            ),
            offline_threshold: self.length(
                "HEARTBEAT_OFFLINE_THRESHOLD",
                "5m",
                MINUTE,
                SECOND..=DAY * 31,
            ),
            thresholds: self.thresholds(),
        }
    }

    fn thresholds(&mut self) -> Thresholds {
        let mut length = |name, default| self.length(name, default, MINUTE, SECOND..=DAY * 31);
        let lengths = (
            length("ONLINE_THRESHOLD_MINUTES", "5m"),
            length("WARNING_THRESHOLD_MINUTES", "60m"),
            length("OFFLINE_THRESHOLD_MINUTES", "120m"),
        );
        Thresholds::new(lengths.0, lengths.1, lengths.2).unwrap_or_else(|error| {
            self.mistakes.push(format!(
                "ONLINE_THRESHOLD_MINUTES, WARNING_THRESHOLD_MINUTES, OFFLINE_THRESHOLD_MINUTES: {error}"
            ));
            Thresholds::DEFAULT
        })
    }

    pub(super) fn log(&mut self) -> LogSettings {
        LogSettings {
            dir: PathBuf::from(self.text("LOG_DIR", "logs")),
            format: self.value(
                "LOG_FORMAT",
                "text",
                "`text` or `json`",
                |text| match text {
                    "text" => Some(LogFormat::Text),
                    "json" => Some(LogFormat::Json),
                    _ => None,
                },
            ),
            level: self.value(
                "LOG_LEVEL",
                "info",
                "one of error, warn, info, debug, trace",
                |text| text.parse().ok(),
            ),
            keep_days: self.size("LOG_KEEP_DAYS", "14", 3650),
        }
    }
}
