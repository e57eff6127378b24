//! The statistics of inactive endpoints over a range: `/offline_endpoints stats range:30d`.

mod inactive_card;
mod texts;

use crate::actions::history::charts::inactive_endpoints;
use crate::discord::DiscordState;
use crate::discord::monitors::history::range_option;
use crate::discord::monitors::pictures::attach::{PictureRequest, with_picture};
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::Message;

/// The statistics of a range as a member typed it, with their picture.
pub(in crate::discord) async fn statistics(
    app: &DiscordState,
    request: PictureRequest,
    typed: &str,
) -> Result<Message, CommandError> {
    let guild = request.requester.guild;
    let wanted = range_option::wanted(app, guild, Some(typed)).await?;
    let range = wanted.until(app.now());
    let found = inactive_endpoints::of(&app.store.reader, guild, range).await;
    let found = found.map_err(|error| match error {
        crate::actions::Error::Invalid(sentence) => wrong("range", sentence),
        error => error.into(),
    })?;
    let heading = range_option::shown(app, guild, wanted).await?;
    let message = Message::embed(inactive_card::card(&found, heading));
    if found.figures.outages() == 0 {
        return Ok(message);
    }
    let name = range_option::name(Some(typed));
    let scene = async { Ok(found.scene(&name)) };
    Ok(with_picture(app, request, message, scene).await)
}
