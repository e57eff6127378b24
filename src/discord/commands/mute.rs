//! `/mute` and `/unmute`: for those who are called, and for those who manage the server.

use crate::actions::mute as mutes;
use crate::discord::error::CommandError;
use crate::discord::reply::{self, Card};
use crate::discord::{Context, access, cards, complete};

/// Hear nothing of something for a while; what is still down then is told then
#[poise::command(slash_command, guild_only)]
pub(super) async fn mute(
    ctx: Context<'_>,
    #[description = "An endpoint, a device or a server, by name"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    target: String,
    #[description = "For how long, such as 30m, 2h or 3d; an hour where it is left out"]
    #[rename = "for"]
    #[max_length = 16]
    length: Option<String>,
) -> Result<(), CommandError> {
    let asker = reply::asker(ctx)?;
    let work = async {
        let desk = ctx.data();
        access::require_care(&desk.store.reader, asker, reply::member(ctx)).await?;
        let length = match length {
            None => mutes::AN_HOUR,
            Some(text) => mutes::parse_length(&text).map_err(|error| {
                CommandError::from(crate::actions::Error::Invalid(format!("`for`: {error}")))
            })?,
        };
        let found = complete::named(&desk.store.reader, asker.guild, ("%", &target)).await?;
        let now = desk.now();
        mutes::mute(&desk.store, asker, (found.id, length), now).await?;
        Ok(Card::sentence(format!(
            "Nothing is told of {} until {}.",
            cards::bold(&found.name),
            cards::relative(now.plus(length))
        )))
    };
    reply::answer(ctx, work).await
}

/// Hear of something again that was muted
#[poise::command(slash_command, guild_only)]
pub(super) async fn unmute(
    ctx: Context<'_>,
    #[description = "An endpoint, a device or a server, by name"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    target: String,
) -> Result<(), CommandError> {
    let asker = reply::asker(ctx)?;
    let work = async {
        let desk = ctx.data();
        access::require_care(&desk.store.reader, asker, reply::member(ctx)).await?;
        let found = complete::named(&desk.store.reader, asker.guild, ("%", &target)).await?;
        mutes::unmute(&desk.store, asker, found.id, desk.now()).await?;
        Ok(Card::sentence(format!(
            "{} is told of again.",
            cards::bold(&found.name)
        )))
    };
    reply::answer(ctx, work).await
}
