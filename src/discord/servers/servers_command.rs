//! `/servers list | show | suggest`: the status of servers, for every member.

use crate::actions::servers::manage_server;
use crate::discord::Context;
use crate::discord::monitors::history::recent_uptime_field;
use crate::discord::monitors::pictures;
use crate::discord::monitors::pictures::attach::{PictureRequest, with_picture};
use crate::discord::monitors::pictures::latency::NamedRange;
use crate::discord::servers::{handlers, limit_replies, server_card};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::{access, complete};
use crate::domain::monitor::MonitorKind;
use crate::store::servers::server;

/// Show servers whose agents send reports
#[poise::command(slash_command, guild_only, subcommands("list", "show", "suggest"))]
pub(in crate::discord) async fn servers(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// List all servers with their status
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let app = ctx.data();
        let (reader, now) = (&app.store.reader, app.now());
        let mut standings = Vec::new();
        for server in server::list(reader, Some(requester.guild)).await? {
            standings.push(manage_server::judged(reader, server, app.thresholds, now).await?);
        }
        Ok(Message::embed(server_card::list(&standings)))
    };
    reply::answer(ctx, work).await
}

/// Show the details of a server
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let request = PictureRequest::of_command(ctx)?;
    let (requester, guild) = (request.requester, request.requester.guild);
    let may_manage = access::may_manage(reply::permissions(ctx));
    let work = async {
        let app = ctx.data();
        let reader = &app.store.reader;
        let found = complete::named(reader, guild, Some(MonitorKind::Server), &server).await?;
        let standing =
            manage_server::standing(reader, requester, found.id, app.thresholds, app.now()).await?;
        let samples = server::latest_samples(reader, found.id, server_card::SAMPLES).await?;
        let card = server_card::one(&standing, &samples);
        let card = recent_uptime_field::added_to(card, app, guild, found.id).await?;
        let mut message = Message::embed(card);
        if may_manage {
            message.rows = limit_replies::offer(&standing, &samples);
        }
        // A server that has not reported yet has nothing to draw.
        if samples.is_empty() {
            return Ok(message);
        }
        let scene = pictures::server::scene(app, guild, found.id, NamedRange::last_day(app.now()));
        Ok(with_picture(app, request, message, scene).await)
    };
    reply::answer(ctx, work).await
}

/// Suggest thresholds from the report interval of a server
#[poise::command(slash_command, guild_only)]
async fn suggest(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let may_manage = access::may_manage(reply::permissions(ctx));
    let work = async {
        let app = ctx.data();
        let found = complete::named(
            &app.store.reader,
            requester.guild,
            Some(MonitorKind::Server),
            &server,
        )
        .await?;
        handlers::suggestion(app, requester, found.id, may_manage).await
    };
    reply::answer(ctx, work).await
}
