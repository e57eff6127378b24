//! `/mute` and `/unmute`, for responders and managers.

use crate::actions::silences::mute as mutes;
use crate::discord::Context;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::{access, complete, embed};

/// Hear nothing of something for a while; what is still down then is told then
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn mute(
    ctx: Context<'_>,
    #[description = "An endpoint, a device or a server, by name"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: String,
    #[description = "For how long, such as 30m, 2h or 3d; an hour where it is left out"]
    #[max_length = 16]
    duration: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let app = ctx.data();
        access::require_responder(&app.store.reader, requester, reply::member(ctx)).await?;
        let length = match duration {
            None => mutes::AN_HOUR,
            Some(text) => mutes::parse_length(&text).map_err(|error| {
                CommandError::from(crate::actions::Error::Invalid(format!(
                    "`duration`: {error}"
                )))
            })?,
        };
        let found = complete::named(&app.store.reader, requester.guild, None, &monitor).await?;
        let now = app.now();
        mutes::mute(&app.store, requester, found.id, length, now).await?;
        Ok(Message::sentence(format!(
            "Nothing is told of {} until {}.",
            embed::bold(&found.name),
            embed::relative(now.plus(length))
        )))
    };
    reply::answer(ctx, work).await
}

/// Hear of something again that was muted
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn unmute(
    ctx: Context<'_>,
    #[description = "An endpoint, a device or a server, by name"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: String,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let app = ctx.data();
        access::require_responder(&app.store.reader, requester, reply::member(ctx)).await?;
        let found = complete::named(&app.store.reader, requester.guild, None, &monitor).await?;
        mutes::unmute(&app.store, requester, found.id, app.now()).await?;
        Ok(Message::sentence(format!(
            "{} is told of again.",
            embed::bold(&found.name)
        )))
    };
    reply::answer(ctx, work).await
}
