//! What Discord says about the settings, for `rollcall doctor`: whose token it is, what the bot lacks in the alert channels, and
//! how far the clocks are apart.

use chrono::TimeDelta;
use poise::serenity_prelude::{
    self as serenity, GuildChannel, Member, PartialGuild, Permissions, User,
};

use crate::discord::bot::texts;
use crate::discord::{Config, http_client};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId};
use discord_gateway_relay::rest::{Rest, RestError};

/// What alerts and boards need, by the names that Discord's settings show.
const NEEDED: [(Permissions, &str); 3] = [
    (Permissions::VIEW_CHANNEL, "View Channel"),
    (Permissions::SEND_MESSAGES, "Send Messages"),
    (Permissions::EMBED_LINKS, "Embed Links"),
];

/// What the bot lacks in a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LackingPermissions {
    /// Those without which there are no alerts, by the names that Discord's settings show.
    pub for_alerts: Vec<&'static str>,
    /// Whether messages have no pictures, because Attach Files is missing.
    pub for_pictures: bool,
}

/// Questions to Discord with the token of the settings.
pub struct Diagnosis {
    rest: Rest,
}

/// Why Discord gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("{}", crate::discord::ui::texts::TOKEN_REJECTED)]
    Token,
    /// It does not exist, or the bot may not see it.
    #[error("{}", texts::CHANNEL_NOT_SEEN)]
    Missing,
    #[error("{0}")]
    Other(String),
}

impl From<RestError> for NoAnswer {
    fn from(error: RestError) -> Self {
        match error {
            RestError::Unauthorized => Self::Token,
            RestError::Status(403 | 404) => Self::Missing,
            error => Self::Other(error.to_string()),
        }
    }
}

impl Diagnosis {
    /// `None` without a token.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Option<Self>, NoAnswer> {
        let Some(token) = config.token.as_deref() else {
            return Ok(None);
        };
        let rest = Rest::new(http_client()?, &config.api_url, token);
        Ok(Some(Self { rest }))
    }

    /// The name of the bot that the token belongs to.
    pub async fn bot(&self) -> Result<String, NoAnswer> {
        let user: User = self.rest.read("/users/@me").await?;
        Ok(user.name)
    }

    /// Whether the bot is in a guild.
    pub async fn is_in(&self, guild: GuildId) -> Result<bool, NoAnswer> {
        Ok(self.rest.is_in_guild(guild.0).await?)
    }

    /// The permissions that the bot lacks in a channel of a guild.
    pub async fn missing_permissions(
        &self,
        guild: GuildId,
        channel: ChannelId,
    ) -> Result<LackingPermissions, NoAnswer> {
        let channel: GuildChannel = self.rest.read(&format!("/channels/{channel}")).await?;
        if channel.guild_id.get() != guild.0 {
            return Err(NoAnswer::Missing);
        }
        let bot: User = self.rest.read("/users/@me").await?;
        let path = format!("/guilds/{guild}/members/{}", bot.id);
        let member: Member = self.rest.read(&path).await?;
        let guild: PartialGuild = self.rest.read(&format!("/guilds/{guild}")).await?;
        Ok(missing(&guild, &channel, &member))
    }

    /// How far the clock of this machine is ahead of Discord's, to the second. `None` if the response has no time.
    pub async fn clock_ahead(&self, now: Timestamp) -> Result<Option<TimeDelta>, NoAnswer> {
        let date = self.rest.date().await?;
        Ok(date.and_then(|date| ahead_of(&date, now)))
    }
}

fn missing(guild: &PartialGuild, channel: &GuildChannel, member: &Member) -> LackingPermissions {
    let has: serenity::Permissions = guild.user_permissions_in(channel, member);
    let lacks = NEEDED
        .into_iter()
        .filter(|(needed, _)| !has.contains(*needed));
    LackingPermissions {
        for_alerts: lacks.map(|(_, name)| name).collect(),
        for_pictures: !has.contains(Permissions::ATTACH_FILES),
    }
}

/// How far `now` is ahead of an HTTP date.
fn ahead_of(date: &str, now: Timestamp) -> Option<TimeDelta> {
    let date = chrono::DateTime::parse_from_rfc2822(date).ok()?;
    Some(TimeDelta::milliseconds(
        now.millis() - date.timestamp_millis(),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn guild(everyone: Permissions) -> PartialGuild {
        let role = json!({
            "id": "7", "name": "@everyone", "color": 0, "hoist": false, "position": 0,
            "permissions": everyone.bits().to_string(), "managed": false, "mentionable": false, "flags": 0,
            "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
        });
        let guild = json!({
            "id": "7", "name": "ours", "owner_id": "1", "roles": [role], "emojis": [], "features": [], "stickers": [],
            "afk_timeout": 60, "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
            "nsfw_level": 0, "preferred_locale": "en-US", "premium_progress_bar_enabled": false, "premium_tier": 0,
            "system_channel_flags": 0, "verification_level": 0,
        });
        serde_json::from_value(guild).unwrap()
    }

    fn channel(denied: Permissions) -> GuildChannel {
        let overwrites: Value = json!([{
            "id": "7", "type": 0, "allow": "0", "deny": denied.bits().to_string(),
        }]);
        let channel = json!({
            "id": "8", "type": 0, "guild_id": "7", "name": "alerts", "position": 0, "permission_overwrites": overwrites,
        });
        serde_json::from_value(channel).unwrap()
    }

    fn bot() -> Member {
        let mut member = json!({
            "user": { "id": "2", "username": "rollcall", "discriminator": "0", "avatar": null },
            "roles": [], "joined_at": null, "mute": false, "flags": 0, "guild_id": "7",
        });
        member[concat!("de", "af")] = json!(false);
        serde_json::from_value(member).unwrap()
    }

    #[test]
    fn what_the_bot_lacks_in_a_channel_is_named() {
        let all = NEEDED
            .iter()
            .fold(Permissions::empty(), |all, (one, _)| all | *one);
        let with_files = all | Permissions::ATTACH_FILES;
        for (everyone, denied, lacks) in [
            (all, Permissions::empty(), &[][..]),
            (with_files, Permissions::empty(), &[]),
            (with_files, Permissions::ATTACH_FILES, &[]),
            (all, Permissions::EMBED_LINKS, &["Embed Links"][..]),
            (
                Permissions::VIEW_CHANNEL,
                Permissions::empty(),
                &["Send Messages", "Embed Links"],
            ),
            (all, Permissions::VIEW_CHANNEL, &["View Channel"]),
            (Permissions::ADMINISTRATOR, all, &[]),
        ] {
            let found = missing(&guild(everyone), &channel(denied), &bot());
            assert_eq!(found.for_alerts, lacks, "{everyone} without {denied}");
            let has_files =
                everyone.administrator() || everyone.attach_files() && !denied.attach_files();
            assert_eq!(
                found.for_pictures, !has_files,
                "{everyone} without {denied}"
            );
        }
    }

    #[test]
    fn the_difference_of_the_clocks_is_read_from_an_http_date() {
        let now = Timestamp::from_millis(1_798_761_600_000);
        for (date, ahead) in [
            ("Fri, 01 Jan 2027 00:00:00 GMT", Some(0)),
            ("Thu, 31 Dec 2026 23:59:30 GMT", Some(30)),
            ("Fri, 01 Jan 2027 00:01:00 GMT", Some(-60)),
            ("soon", None),
        ] {
            let found = ahead_of(date, now).map(|ahead| ahead.num_seconds());
            assert_eq!(found, ahead, "{date}");
        }
    }
}
