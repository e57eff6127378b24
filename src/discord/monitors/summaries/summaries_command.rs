//! `/summaries show | list`: the summary of a range, and what is scheduled, for every member.

use super::handlers;
use crate::discord::Context;
use crate::discord::monitors::history::range_option;
use crate::discord::monitors::pictures::attach::PictureRequest;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply;

/// Show summaries: what happened to the monitors in a range
#[poise::command(slash_command, guild_only, subcommands("show", "list"))]
pub(in crate::discord) async fn summaries(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Summarize a range: the worst monitors, what expires soon, objectives, incidents
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Such as yesterday, last week, 2026-10 or 2026-10-03..2026-10-17 (default: 7d)"]
    #[autocomplete = "range_option::suggest"]
    #[max_length = 40]
    range: Option<String>,
) -> Result<(), CommandError> {
    let request = PictureRequest::of_command(ctx)?;
    let work = handlers::show(ctx.data(), request, range.as_deref());
    reply::answer(ctx, work).await
}

/// List the channels that get summaries, and when
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    reply::answer(ctx, handlers::list(ctx.data(), requester.guild)).await
}
