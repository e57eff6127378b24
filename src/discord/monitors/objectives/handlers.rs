//! The pages of the list of objectives, for its command and its buttons.

use super::objectives_card::{self, PER_PAGE};
use super::texts;
use crate::actions::history::objectives::figures;
use crate::discord::DiscordState;
use crate::discord::notifications::alerts_off;
use crate::discord::ui::buttons;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::discord::ui::view::Pages;
use crate::domain::discord_id::GuildId;

/// A page of the objectives of a guild, counted from 1.
pub(in crate::discord) async fn list(
    app: &DiscordState,
    guild: GuildId,
    page: u32,
) -> Result<Message, CommandError> {
    let all = figures::list(&app.store.reader, guild, app.now()).await?;
    if all.is_empty() {
        return Ok(Message::sentence(texts::NO_OBJECTIVES));
    }
    let pages = Pages::new(page, all.len() as u64, PER_PAGE);
    let first = (pages.page - 1) * PER_PAGE;
    let shown = all.iter().skip(first as usize).take(PER_PAGE as usize);
    let shown: Vec<_> = shown.cloned().collect();
    let mut message = Message::embed(objectives_card::list(&shown, pages));
    message.content = alerts_off::hint(app, guild).await?.unwrap_or_default();
    message.rows = buttons::objectives_rows(pages);
    Ok(message)
}
