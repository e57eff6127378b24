//! The uptime of the last day, week and month on the card of a monitor, whatever its kind is.

use poise::serenity_prelude::CreateEmbed;

use super::texts;
use crate::actions::history::recent_uptime;
use crate::discord::DiscordState;
use crate::discord::ui::error::CommandError;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;

/// Adds the recent uptime of a monitor of a guild to its card.
pub(in crate::discord) async fn added_to(
    card: CreateEmbed,
    app: &DiscordState,
    guild: GuildId,
    id: MonitorId,
) -> Result<CreateEmbed, CommandError> {
    let recent = recent_uptime::of(&app.store.reader, guild, id, app.now()).await?;
    Ok(card.field(texts::UPTIME, texts::recent_uptime(&recent), false))
}
