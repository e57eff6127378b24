//! How to reach Discord.

mod token;

use std::time::Duration;

use crate::settings::read::{DAY, HOUR, MINUTE, SECOND, Variables};
use crate::settings::secret::Secret;
use discord_gateway_relay::PrivilegedIntent;

use crate::domain::discord_id::GuildId;
use crate::domain::notifications::presence;

/// How to reach Discord.
#[derive(Clone, Debug)]
pub struct DiscordSettings {
    /// Without it, everything except Discord runs.
    pub token: Option<Secret>,
    /// The guild in which commands appear at once; also the default guild of the command line.
    pub guild: Option<GuildId>,
    /// The origin of Discord's REST API, without a slash at the end.
    pub api_url: String,
    pub heartbeat_timeout: Duration,
    pub keepalive_interval: Duration,
    pub health_interval: Duration,
    pub inactivity_warning: Duration,
    pub offline_warning: Duration,
    pub max_reconnects: u32,
    /// Requested in addition to the ordinary ones.
    pub privileged_intents: Vec<PrivilegedIntent>,
    /// Template of the presence, with placeholders.
    pub presence: String,
}

impl Variables {
    pub(super) fn discord(&mut self) -> DiscordSettings {
        DiscordSettings {
            token: self.token(),
            guild: self.optional_value(
                "DISCORD_GUILD_ID",
                "the id of a Discord server",
                "123456789012345678",
                |text| text.parse().ok().filter(|id| *id > 0).map(GuildId),
            ),
            api_url: self.value(
                "DISCORD_API_URL",
                "https://discord.com",
                "a URL without a path",
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
                    "a comma-separated list of the intents members, presences and message_content",
                    "members,message_content",
                    PrivilegedIntent::parse_list,
                )
                .unwrap_or_default(),
            presence: self.presence(),
        }
    }

    fn presence(&mut self) -> String {
        let template = self.text("DISCORD_PRESENCE", presence::DEFAULT_TEMPLATE);
        if let Err(error) = presence::check_template(&template) {
            self.mistakes.push(format!(
                "DISCORD_PRESENCE: {error}. Example: DISCORD_PRESENCE=\"{}\"",
                presence::DEFAULT_TEMPLATE
            ));
        }
        template
    }
}
