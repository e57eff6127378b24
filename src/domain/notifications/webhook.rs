//! Webhooks: destinations for a guild's notifications in addition to its channel, and their formats.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::endpoints::target::{Scheme, Target};
use crate::monitor::ValidationError;

/// The maximum number of webhooks per guild.
pub const MOST: u64 = 10;

/// A webhook's ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookId(pub i64);

/// The format of the messages to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum WebhookFormat {
    /// JSON with all fields, signed as <https://www.standardwebhooks.com> specifies.
    Standard,
    /// The format of Slack's incoming webhooks, which Mattermost and Rocket.Chat accept, too.
    Slack,
    /// The format of Discord's webhooks.
    Discord,
    /// JSON that the guild writes itself, with placeholders.
    Template,
}

impl WebhookFormat {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The form in storage.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Returns the format that a URL implies.
    pub fn of(url: &Target) -> Self {
        let host = url.host.to_string();
        let is_at = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        if is_at("slack.com") {
            Self::Slack
        } else if (is_at("discord.com") || is_at("discordapp.com"))
            && url.path.starts_with("/api/webhooks/")
        {
            Self::Discord
        } else {
            Self::Standard
        }
    }
}

/// The field `type` of a message to a webhook of format `standard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr, EnumString)]
#[strum(const_into_str)]
pub enum EventType {
    #[strum(serialize = "incident.opened")]
    IncidentOpened,
    #[strum(serialize = "incident.updated")]
    IncidentUpdated,
    #[strum(serialize = "incident.resolved")]
    IncidentResolved,
    #[strum(serialize = "bulk.offline")]
    BulkOffline,
    #[strum(serialize = "bulk.recovered")]
    BulkRecovered,
    #[strum(serialize = "connectivity.lost")]
    ConnectivityLost,
    #[strum(serialize = "connectivity.restored")]
    ConnectivityRestored,
    #[strum(serialize = "certificate.expiring")]
    CertificateExpiring,
    #[strum(serialize = "objective.at_risk")]
    ObjectiveAtRisk,
    #[strum(serialize = "objective.missed")]
    ObjectiveMissed,
    #[strum(serialize = "destination.broken")]
    DestinationBroken,
    #[strum(serialize = "test")]
    Test,
}

impl EventType {
    /// The value of `type`.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// Reads the URL of a webhook. The error does not repeat the input: it is a secret.
pub fn parse_url(text: &str) -> Result<Target, ValidationError> {
    let refusal = || {
        ValidationError::new(
            "the URL must be an http or https URL without a user name. Example: `https://example.org/hook`",
        )
    };
    let target: Target = text.parse().map_err(|_| refusal())?;
    match target.scheme {
        Scheme::Tcp => Err(refusal()),
        Scheme::Http | Scheme::Https => Ok(target),
    }
}

/// Returns the part of a URL that may be shown: scheme and host, but nothing that grants access.
pub fn masked(url: &Target) -> String {
    format!("{}://{}/…", url.scheme.as_str(), url.host_header())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_implies_its_format_and_is_masked() {
        for (url, format, shown) in [
            (
                "https://hooks.slack.com/services/T0/B0/canary",
                WebhookFormat::Slack,
                "https://hooks.slack.com/…",
            ),
            (
                "https://discord.com/api/webhooks/1/canary",
                WebhookFormat::Discord,
                "https://discord.com/…",
            ),
            (
                "https://discord.com/elsewhere",
                WebhookFormat::Standard,
                "https://discord.com/…",
            ),
            (
                "https://notslack.com/canary",
                WebhookFormat::Standard,
                "https://notslack.com/…",
            ),
            (
                "http://10.0.0.7:9000/canary?key=canary",
                WebhookFormat::Standard,
                "http://10.0.0.7:9000/…",
            ),
        ] {
            let target = parse_url(url).unwrap();
            assert_eq!(WebhookFormat::of(&target), format, "{url}");
            assert_eq!(masked(&target), shown);
        }
        for &format in WebhookFormat::ALL {
            assert_eq!(format.as_str().parse::<WebhookFormat>().ok(), Some(format));
        }
    }

    #[test]
    fn errors_do_not_repeat_the_url() {
        for url in [
            "tcp://example.org:1",
            "ftp://canary",
            "https://user:canary@example.org/",
            "canary",
            "",
        ] {
            let refusal = parse_url(url).unwrap_err().to_string();
            assert!(!refusal.contains("canary"), "{refusal}");
        }
    }

    #[test]
    fn stored_names_stay() {
        let formats = WebhookFormat::ALL.iter().map(|format| format.as_str());
        assert_eq!(
            formats.collect::<Vec<_>>(),
            ["standard", "slack", "discord", "template"]
        );
    }
}
