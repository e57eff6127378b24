//! Webhooks: where a guild has incidents told beside its channel, and in which form.

use strum::VariantArray;

use super::monitor::Refusal;
use super::target::{Scheme, Target};

/// Most of them that a guild may have.
pub const MOST: u64 = 10;

/// A webhook's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookId(pub i64);

/// The form of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum Format {
    /// JSON with everything, signed as <https://www.standardwebhooks.com> says.
    Standard,
    /// What Slack's incoming webhooks take, and Mattermost's and Rocket.Chat's with them.
    Slack,
    /// What Discord's webhooks take.
    Discord,
}

impl Format {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The form in storage.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Slack => "slack",
            Self::Discord => "discord",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|format| format.word() == word)
    }

    /// The one that an address asks for by itself.
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

/// Reads the address of a webhook. What was typed is not repeated in the refusal: it is a secret.
pub fn parse_url(text: &str) -> Result<Target, Refusal> {
    let refusal = || {
        Refusal::new(
            "the address must be a http or https URL without a user name; a right one is `https://example.org/hook`",
        )
    };
    let target: Target = text.parse().map_err(|_| refusal())?;
    match target.scheme {
        Scheme::Tcp => Err(refusal()),
        Scheme::Http | Scheme::Https => Ok(target),
    }
}

/// What may be shown of an address: who it belongs to, and nothing that opens it.
pub fn masked(url: &Target) -> String {
    format!("{}://{}/…", url.scheme.word(), url.host_header())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_its_form_and_is_never_shown_whole() {
        for (url, format, shown) in [
            (
                "https://hooks.slack.com/services/T0/B0/canary",
                Format::Slack,
                "https://hooks.slack.com/…",
            ),
            (
                "https://discord.com/api/webhooks/1/canary",
                Format::Discord,
                "https://discord.com/…",
            ),
            (
                "https://discord.com/elsewhere",
                Format::Standard,
                "https://discord.com/…",
            ),
            (
                "https://notslack.com/canary",
                Format::Standard,
                "https://notslack.com/…",
            ),
            (
                "http://10.0.0.7:9000/canary?key=canary",
                Format::Standard,
                "http://10.0.0.7:9000/…",
            ),
        ] {
            let target = parse_url(url).unwrap();
            assert_eq!(Format::of(&target), format, "{url}");
            assert_eq!(masked(&target), shown);
        }
        for &format in Format::ALL {
            assert_eq!(Format::from_word(format.word()), Some(format));
        }
    }

    #[test]
    fn a_refused_address_is_not_repeated() {
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
}
