//! `/endpoints list | show`: the endpoints and their status, for every member.

use crate::discord::Context;
use crate::discord::endpoints::{endpoint_card, handlers};
use crate::discord::monitors::history::recent_uptime_field;
use crate::discord::monitors::pictures::attach::{PictureRequest, with_picture};
use crate::discord::monitors::pictures::latency::{self, NamedRange};
use crate::discord::ui::complete;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::view::EndpointsView;

/// Show endpoints that Rollcall checks
#[poise::command(slash_command, guild_only, subcommands("list", "show"))]
pub(in crate::discord) async fn endpoints(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// List active endpoints, or all endpoints with their status
#[poise::command(slash_command, guild_only)]
async fn list(
    ctx: Context<'_>,
    #[description = "Include offline and paused endpoints"] all: Option<bool>,
    #[description = "Page (default: 1)"]
    #[min = 1]
    page: Option<u32>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let view = EndpointsView {
        page: page.unwrap_or(1),
        all: all.unwrap_or(false),
    };
    reply::answer(ctx, handlers::endpoints(ctx.data(), requester.guild, view)).await
}

/// Show the details of an endpoint
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
) -> Result<(), CommandError> {
    let app = ctx.data();
    let request = PictureRequest::of_command(ctx)?;
    let (requester, guild) = (request.requester, request.requester.guild);
    let work = async {
        let endpoint =
            crate::actions::endpoints::recheck::find(&app.store.reader, requester, &endpoint, None)
                .await?;
        let card = endpoint_card::current(app, &endpoint);
        let card = recent_uptime_field::added_to(card, app, guild, endpoint.id).await?;
        let scene = latency::scene(app, guild, endpoint.id, NamedRange::last_day(app.now()));
        Ok(with_picture(app, request, Message::embed(card), scene).await)
    };
    reply::answer(ctx, work).await
}
