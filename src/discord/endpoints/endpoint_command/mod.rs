//! `/endpoint …`: manage endpoints. Every subcommand requires Manage Server, which each checks itself as well; members
//! read with `/endpoints`.

mod files;
mod http;

use crate::actions::Requester;
use crate::actions::endpoints::manage_endpoint::{self, EndpointEdit};
use crate::actions::endpoints::recheck;
use crate::discord::Context;
use crate::discord::endpoints::{endpoint_card, handlers, not_found, texts};
use crate::discord::ui::complete;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::domain::endpoints::typed_target;
use crate::domain::monitor::{MonitorId, MonitorKind, parse_interval, parse_name};
use crate::domain::patch::Patch;
use crate::store::endpoints::endpoint::{Description, Endpoint};

/// Manage endpoints that Rollcall checks
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands(
        "add",
        "edit",
        "http::http",
        "remove",
        "pause",
        "resume",
        "files::import",
        "files::export"
    )
)]
pub(in crate::discord) async fn endpoint(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Finds an endpoint of the requester's guild by address or name.
async fn find(
    ctx: Context<'_>,
    requester: Requester,
    text: &str,
) -> Result<Endpoint, CommandError> {
    Ok(recheck::find(&ctx.data().store.reader, requester, text, None).await?)
}

/// The id of an endpoint, which is found even if its target or its options cannot be read.
async fn find_id(
    ctx: Context<'_>,
    requester: Requester,
    text: &str,
) -> Result<MonitorId, CommandError> {
    let problem = match find(ctx, requester, text).await {
        Ok(endpoint) => return Ok(endpoint.id),
        Err(problem) => problem,
    };
    let (reader, kind) = (&ctx.data().store.reader, Some(MonitorKind::Endpoint));
    let named = complete::named(reader, requester.guild, kind, text).await;
    named.map(|monitor| monitor.id).map_err(|_| problem)
}

/// Add an endpoint
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "Address, such as example.org or tcp://203.0.113.7:25565"]
    #[max_length = 512]
    target: String,
    #[description = "Name (default: the host, with an unusual port)"]
    #[max_length = 64]
    name: Option<String>,
    #[description = "Check interval, such as 30s or 5m"]
    #[max_length = 16]
    interval: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let target = match typed_target::read(&target) {
        Ok(target) => target,
        Err(error) => {
            let message = not_found::mistyped_target(&error, name.is_some() || interval.is_some());
            return reply::answer(ctx, async { Ok(message) }).await;
        }
    };
    let name = match name {
        Some(name) => parse_name(&name).map_err(|error| wrong("name", error))?,
        None => target.default_name(),
    };
    let interval = interval
        .map(|text| parse_interval(&text))
        .transpose()
        .map_err(|error| wrong("interval", error))?;
    let description = Description {
        name,
        target,
        http_check: None,
        interval,
    };
    add_and_show(ctx, requester, description).await
}

/// Replies at once, and edits the reply after the first check.
async fn add_and_show(
    ctx: Context<'_>,
    requester: Requester,
    description: Description,
) -> Result<(), CommandError> {
    let app = ctx.data();
    let mut awaited = None;
    let work = async {
        let added = handlers::add(app, requester, description).await?;
        awaited = added.awaited;
        Ok(added.message)
    };
    let sent = reply::answer_and_keep(ctx, work).await?;
    if let Some(awaited) = awaited {
        reply::edit(ctx, &sent, awaited.edited(app).await).await;
    }
    Ok(())
}

/// Change the name, target or interval of an endpoint
#[poise::command(slash_command, guild_only)]
async fn edit(
    ctx: Context<'_>,
    #[description = "Address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
    #[description = "New name"]
    #[max_length = 64]
    name: Option<String>,
    #[description = "New target"]
    #[max_length = 512]
    target: Option<String>,
    #[description = "New interval, such as 30s; enter default for the bot's setting"]
    #[max_length = 16]
    interval: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let interval = match interval.as_deref() {
        Some("default") => Patch::Clear,
        Some(text) => Patch::Set(parse_interval(text).map_err(|error| wrong("interval", error))?),
        None => Patch::Keep,
    };
    let change = EndpointEdit {
        name: name
            .map(|name| parse_name(&name))
            .transpose()
            .map_err(|error| wrong("name", error))?,
        target: target
            .map(|target| typed_target::read(&target))
            .transpose()
            .map_err(|error| wrong("target", error))?,
        interval,
        http: Patch::Keep,
    };
    if change.is_empty() {
        return Err(texts::nothing_to_change());
    }
    if let Some(target) = &change.target {
        handlers::require_allowed(ctx.data(), target)?;
    }
    apply(ctx, requester, endpoint, change).await
}

async fn apply(
    ctx: Context<'_>,
    requester: Requester,
    endpoint: String,
    change: EndpointEdit,
) -> Result<(), CommandError> {
    let app = ctx.data();
    let work = async {
        let endpoint = find(ctx, requester, &endpoint).await?;
        let now = app.now();
        manage_endpoint::edit(
            app.checks.limited(&app.store),
            requester,
            endpoint.id,
            change,
            now,
        )
        .await?;
        let changed =
            crate::store::endpoints::endpoint::get(&app.store.reader, requester.guild, endpoint.id)
                .await?;
        let changed = changed.unwrap_or(endpoint);
        let card = Message::embed(endpoint_card::current(app, &changed));
        Ok(Message {
            content: texts::changed(&changed.description.name),
            ..card
        })
    };
    reply::answer(ctx, work).await
}

/// Remove an endpoint
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let app = ctx.data();
    let work = async {
        let id = find_id(ctx, requester, &endpoint).await?;
        let now = app.now();
        let removed = manage_endpoint::remove(&app.store, requester, id, now).await?;
        Ok(Message::sentence(texts::removed(&removed)))
    };
    reply::answer(ctx, work).await
}

/// Pause the checks of an endpoint
#[poise::command(slash_command, guild_only)]
async fn pause(
    ctx: Context<'_>,
    #[description = "Address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let app = ctx.data();
    let work = async {
        let id = find_id(ctx, requester, &endpoint).await?;
        let now = app.now();
        let paused = manage_endpoint::pause(&app.store, requester, id, now).await?;
        Ok(Message::sentence(texts::paused(&paused)))
    };
    reply::answer(ctx, work).await
}

/// Resume the checks of a paused endpoint
#[poise::command(slash_command, guild_only)]
async fn resume(
    ctx: Context<'_>,
    #[description = "Address or name"]
    #[autocomplete = "complete::endpoint"]
    #[max_length = 512]
    endpoint: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let app = ctx.data();
    let work = async {
        let id = find_id(ctx, requester, &endpoint).await?;
        let now = app.now();
        let resumed = manage_endpoint::resume(&app.store, requester, id, now).await?;
        Ok(Message::sentence(texts::resumed(&resumed)))
    };
    reply::answer(ctx, work).await
}
