//! Shows one monitor, whatever its kind is.

use crate::discord::DiscordState;
use crate::discord::endpoints::endpoint_card;
use crate::discord::monitors::history::recent_uptime_field;
use crate::discord::monitors::pictures::attach::{PictureRequest, with_picture};
use crate::discord::monitors::pictures::latency::{self, NamedRange};
use crate::discord::monitors::status_card;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::discord::ui::{buttons, complete};
use crate::domain::monitor::MonitorId;
use crate::store::endpoints::endpoint;

/// Shows one monitor of any kind.
pub(in crate::discord) async fn monitor(
    app: &DiscordState,
    request: PictureRequest,
    id: MonitorId,
) -> Result<Message, CommandError> {
    let (reader, guild) = (&app.store.reader, request.requester.guild);
    if let Some(found) = endpoint::get(reader, guild, id).await? {
        let card = endpoint_card::current(app, &found);
        let card = recent_uptime_field::added_to(card, app, guild, id).await?;
        let mut message = Message::embed(card);
        message.rows = buttons::recheck_row(id);
        let scene = latency::scene(app, guild, id, NamedRange::last_day(app.now()));
        return Ok(with_picture(app, request, message, scene).await);
    }
    let named = complete::named(reader, guild, None, &format!("#{id}")).await?;
    let card = status_card::one(&named);
    let card = recent_uptime_field::added_to(card, app, guild, id).await?;
    Ok(Message::embed(card))
}
