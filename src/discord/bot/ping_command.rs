//! `/ping`: shows that the bot responds, and the latency of its connection to Discord.

use crate::discord::Context;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::domain::text;

/// Check that the bot responds, and show its latency
#[poise::command(slash_command, guild_only)]
pub(in crate::discord) async fn ping(ctx: Context<'_>) -> Result<(), CommandError> {
    let work = async {
        let uptime = text::duration(ctx.data().health.uptime());
        let latency = match ctx.data().health.latency() {
            Some(latency) => text::latency(latency),
            None => "not measured yet".to_owned(),
        };
        Ok(Message::sentence(format!(
            "Pong. Gateway latency: {latency} · up for {uptime}"
        )))
    };
    reply::answer(ctx, work).await
}
