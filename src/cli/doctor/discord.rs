//! Discord: the token, the Discord server of the settings, the alert channels, and the clock.

use super::{Finding, Report};
use crate::app::{self, Diagnosis, NoAnswer};
use crate::clock::Clock;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::text;
use crate::settings::Settings;

/// Discord refuses tokens of OAuth2 and signed requests by its own clock; people wonder about times before that.
const MOST_SECONDS: i64 = 5;

/// Discord servers whose alert channels are examined.
const MOST_CHANNELS: usize = 25;

/// Asks Discord about everything that the settings and the database name.
pub(super) async fn examine(
    settings: &Settings,
    channels: &[(GuildId, ChannelId)],
    report: &mut Report,
) {
    const PART: &str = "token";
    let diagnosis = match app::diagnosis(settings) {
        Ok(Some(diagnosis)) => diagnosis,
        Ok(None) => {
            let sentence = "neither DISCORD_TOKEN nor DISCORD_TOKEN_FILE is set, so Rollcall runs without Discord. docs/quick-start.md explains how to get a token";
            return report.add(vec![Finding::warning(PART, sentence)]);
        }
        Err(error) => return report.add(vec![Finding::problem(PART, error.to_string())]),
    };
    match diagnosis.bot().await {
        Ok(name) => report.add(vec![Finding::ok(
            PART,
            format!("Discord accepts it: {name}"),
        )]),
        Err(NoAnswer::Token) => {
            return report.add(vec![Finding::problem(PART, NoAnswer::Token.to_string())]);
        }
        Err(error) => {
            let sentence = format!(
                "Discord does not answer: {error}. Check the network, its firewall and DISCORD_API_URL"
            );
            return report.add(vec![Finding::problem(PART, sentence)]);
        }
    }
    report.add(vec![guild(&diagnosis, settings.discord.guild).await]);
    for (guild, channel) in channels.iter().take(MOST_CHANNELS) {
        report.add(vec![alerts(&diagnosis, *guild, *channel).await]);
    }
    let others = channels.len().saturating_sub(MOST_CHANNELS);
    if others > 0 {
        let count = text::count(others as u64, "more alert channel");
        report.add(vec![Finding::skipped(
            "alerts",
            format!("{count} not examined"),
        )]);
    }
    if channels.is_empty() {
        let sentence = "no Discord server has an alert channel. `/setup` in Discord sets one";
        report.add(vec![Finding::warning("alerts", sentence)]);
    }
    report.add(vec![clock(&diagnosis).await]);
}

async fn guild(diagnosis: &Diagnosis, guild: Option<GuildId>) -> Finding {
    const PART: &str = "discord server";
    let Some(guild) = guild else {
        let sentence = "DISCORD_GUILD_ID is not set, so Rollcall serves every Discord server that the bot is in";
        return Finding::ok(PART, sentence);
    };
    match diagnosis.is_in(guild).await {
        Ok(true) => Finding::ok(PART, format!("the bot is in {guild}")),
        Ok(false) => Finding::problem(
            PART,
            format!(
                "the bot is not in the Discord server {guild} of DISCORD_GUILD_ID. Invite it (docs/quick-start.md), or set another id"
            ),
        ),
        Err(error) => Finding::warning(PART, format!("Discord did not say: {error}")),
    }
}

async fn alerts(diagnosis: &Diagnosis, guild: GuildId, channel: ChannelId) -> Finding {
    const PART: &str = "alerts";
    match diagnosis.missing_permissions(guild, channel).await {
        Ok(missing) if missing.for_alerts.is_empty() && missing.for_pictures => Finding::warning(
            PART,
            format!(
                "Rollcall may post in the channel {channel} of {guild}, but without pictures: it lacks Attach Files there"
            ),
        ),
        Ok(missing) if missing.for_alerts.is_empty() => Finding::ok(
            PART,
            format!("Rollcall may post in the channel {channel} of {guild}"),
        ),
        Ok(missing) => Finding::problem(
            PART,
            format!(
                "in the alert channel {channel} of {guild}, Rollcall lacks {}. Give them to its role in the settings of the channel",
                missing.for_alerts.join(", ")
            ),
        ),
        Err(NoAnswer::Missing) => Finding::problem(
            PART,
            format!(
                "the bot cannot see the alert channel {channel} of {guild}, or it was deleted. Choose another one with `/setup`"
            ),
        ),
        Err(error) => Finding::warning(PART, format!("Discord did not say: {error}")),
    }
}

async fn clock(diagnosis: &Diagnosis) -> Finding {
    const PART: &str = "clock";
    match diagnosis.clock_ahead(Clock::SYSTEM.now()).await {
        Ok(Some(ahead)) if ahead.num_seconds().abs() <= MOST_SECONDS => {
            Finding::ok(PART, "it agrees with that of Discord")
        }
        Ok(Some(ahead)) => {
            let direction = if ahead.num_seconds() > 0 {
                "ahead of"
            } else {
                "behind"
            };
            let sentence = format!(
                "this machine is {} s {direction} Discord. Times in messages are wrong by that; turn on time synchronization (NTP)",
                ahead.num_seconds().abs()
            );
            Finding::warning(PART, sentence)
        }
        Ok(None) => Finding::skipped(PART, "Discord sent no time"),
        Err(error) => Finding::skipped(PART, format!("Discord did not answer: {error}")),
    }
}
