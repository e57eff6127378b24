//! `/objectives list`: the objectives and what is left of their error budgets, for every member.

use super::handlers;
use crate::discord::Context;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply;

/// Show objectives and their error budgets
#[poise::command(slash_command, guild_only, subcommands("list"))]
pub(in crate::discord) async fn objectives(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// List objectives with the downtime that is left, the worst first
#[poise::command(slash_command, guild_only)]
async fn list(
    ctx: Context<'_>,
    #[description = "Page (default: 1)"]
    #[min = 1]
    page: Option<u32>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = handlers::list(ctx.data(), requester.guild, page.unwrap_or(1));
    reply::answer(ctx, work).await
}
