//! `/bot health`: the health of the bot itself. It shows no guild's monitors.

use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::{Context, cards, handlers};

/// The bot itself
#[poise::command(slash_command, guild_only, subcommands("health"))]
pub(super) async fn bot(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// How the bot is: its connection, its background work, its database
#[poise::command(slash_command, guild_only)]
async fn health(ctx: Context<'_>) -> Result<(), CommandError> {
    let work = async {
        let health = handlers::bot_health(ctx.data()).await?;
        Ok(Message::embed(cards::health::health(&health)))
    };
    reply::answer(ctx, work).await
}
