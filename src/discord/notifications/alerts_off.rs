//! The hint that a guild gets no alerts, for the replies that show its monitors.

use crate::discord::DiscordState;
use crate::discord::notifications::texts;
use crate::discord::ui::error::CommandError;
use crate::domain::discord_id::GuildId;
use crate::store::notifications::destination;

/// The hint; `None` if the guild has an alert channel or a webhook.
pub(in crate::discord) async fn hint(
    app: &DiscordState,
    guild: GuildId,
) -> Result<Option<String>, CommandError> {
    let has_destination = destination::has_any(&app.store.reader, guild).await?;
    Ok((!has_destination).then(texts::alerts_off))
}
