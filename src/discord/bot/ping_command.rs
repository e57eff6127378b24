//! `/ping`: shows that the bot responds, and the latency of its connection to Discord.

use crate::discord::Context;
use crate::discord::bot::texts;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};

/// Check that the bot responds, and show its latency
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn ping(ctx: Context<'_>) -> Result<(), CommandError> {
    let work = async {
        let health = &ctx.data().health;
        Ok(Message::sentence(texts::pong(
            health.latency(),
            health.uptime(),
        )))
    };
    reply::answer(ctx, work).await
}
