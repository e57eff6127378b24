//! `/mute` and `/unmute`, for responders and managers.

use crate::actions::silences::{end, start};
use crate::discord::Context;
use crate::discord::silences::texts;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::{access, complete};

/// Mute a monitor for a while
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn mute(
    ctx: Context<'_>,
    #[description = "Name of an endpoint, a device or a server"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: String,
    #[description = "Duration, such as 30m, 2h or 3d (default: 1h)"]
    #[max_length = 16]
    duration: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let app = ctx.data();
        access::require_responder(&app.store.reader, requester, reply::member(ctx)).await?;
        let length = match duration {
            None => start::AN_HOUR,
            Some(text) => {
                start::parse_mute_length(&text).map_err(|error| wrong("duration", error))?
            }
        };
        let found = complete::named(&app.store.reader, requester.guild, None, &monitor).await?;
        let now = app.now();
        start::mute(&app.store, requester, found.id, length, now).await?;
        Ok(Message::sentence(texts::muted(
            &found.name,
            now.plus(length),
        )))
    };
    reply::answer(ctx, work).await
}

/// Unmute a monitor
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn unmute(
    ctx: Context<'_>,
    #[description = "Name of an endpoint, a device or a server"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: String,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let app = ctx.data();
        access::require_responder(&app.store.reader, requester, reply::member(ctx)).await?;
        let found = complete::named(&app.store.reader, requester.guild, None, &monitor).await?;
        end::unmute(&app.store, requester, found.id, app.now()).await?;
        Ok(Message::sentence(texts::unmuted(&found.name)))
    };
    reply::answer(ctx, work).await
}
