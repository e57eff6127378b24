//! The statistics of inactive endpoints over a range: `/offline_endpoints stats range:30d`.

mod inactive_card;
mod texts;

use crate::actions::history::charts::inactive_endpoints;
use crate::discord::DiscordState;
use crate::discord::monitors::history::range_option;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::Message;
use crate::domain::discord_id::GuildId;

/// The statistics of a range as a member typed it.
pub(in crate::discord) async fn statistics(
    app: &DiscordState,
    guild: GuildId,
    typed: &str,
) -> Result<Message, CommandError> {
    let wanted = range_option::wanted(app, guild, Some(typed)).await?;
    let range = wanted.until(app.now());
    let found = inactive_endpoints::of(&app.store.reader, guild, range).await;
    let found = found.map_err(|error| match error {
        crate::actions::Error::Invalid(sentence) => wrong("range", sentence),
        error => error.into(),
    })?;
    let heading = range_option::shown(app, guild, wanted).await?;
    Ok(Message::embed(inactive_card::card(&found, heading)))
}
