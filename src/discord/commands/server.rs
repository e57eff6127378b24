//! `/server …`: servers whose agents report. Members read; whoever changes something needs Manage Server.

use crate::actions::manage_device;
use crate::actions::manage_server::{self, Edit};
use crate::actions::suggest_thresholds;
use crate::discord::error::{CommandError, wrong};
use crate::discord::reply::{self, Message};
use crate::discord::{Context, access, cards, complete, handlers};
use crate::domain::key::KeyKind;
use crate::domain::monitor::parse_name;
use crate::domain::threshold::Thresholds;
use crate::store::server;

/// Servers whose agents report
#[poise::command(
    slash_command,
    guild_only,
    subcommands(
        "add",
        "list",
        "show",
        "edit",
        "thresholds",
        "suggest",
        "rotate_key",
        "remove"
    )
)]
pub(super) async fn server(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Put a server on the roll; its key is shown to you once (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "What to call it"]
    #[max_length = 64]
    name: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let name = parse_name(&name).map_err(|error| wrong("name", error))?;
        let (_, key) = manage_server::add(&app.store, requester, name.clone(), app.now()).await?;
        Ok(cards::keys::of_server(&name, &key))
    };
    reply::answer(ctx, work).await
}

/// How the servers stand
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let app = ctx.data();
        let (reader, at) = (&app.store.reader, (app.thresholds, app.now()));
        let mut standings = Vec::new();
        for server in server::list(reader, Some(requester.guild)).await? {
            standings.push(manage_server::judged(reader, server, at).await?);
        }
        Ok(Message::embed(cards::servers::list(&standings)))
    };
    reply::answer(ctx, work).await
}

/// Everything that is known of one server
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let app = ctx.data();
        let reader = &app.store.reader;
        let found = complete::named(reader, requester.guild, ("server", &server)).await?;
        let at = (app.thresholds, app.now());
        let standing = manage_server::standing(reader, requester, found.id, at).await?;
        let samples = server::latest_samples(reader, found.id, cards::servers::SAMPLES).await?;
        Ok(Message::embed(cards::servers::one(&standing, &samples)))
    };
    reply::answer(ctx, work).await
}

/// Rename a server, or switch it off and on (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn edit(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
    #[description = "A new name"]
    #[max_length = 64]
    name: Option<String>,
    #[description = "Whether reports are expected of it"] active: Option<bool>,
    #[description = "Whether its thresholds follow its own rhythm, a step a week"]
    auto_thresholds: Option<bool>,
) -> Result<(), CommandError> {
    let name = name
        .map(|name| parse_name(&name).map_err(|error| wrong("name", error)))
        .transpose()?;
    let change = Edit {
        name,
        is_active: active,
        auto_thresholds,
        ..Edit::default()
    };
    apply(ctx, &server, change).await
}

/// Give a server thresholds of its own, or the bot's (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn thresholds(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
    #[description = "Online up to so many minutes after a report; leave all three out for the bot's own"]
    #[min = 1]
    online: Option<u32>,
    #[description = "In warning up to so many minutes, offline beyond"]
    #[min = 1]
    warning: Option<u32>,
    #[description = "Called a grace up to so many minutes"]
    #[min = 1]
    offline: Option<u32>,
) -> Result<(), CommandError> {
    let minutes = |minutes: u32| std::time::Duration::from_secs(u64::from(minutes) * 60);
    let own = match (online, warning, offline) {
        (None, None, None) => None,
        (Some(online), Some(warning), Some(offline)) => {
            let lengths = Thresholds::new(minutes(online), minutes(warning), minutes(offline));
            Some(lengths.map_err(|error| wrong("online", error))?)
        }
        _ => {
            return Err(CommandError::Refused(
                "Give all three thresholds, or none of them for the bot's own.".into(),
            ));
        }
    };
    let change = Edit {
        thresholds: Some(own),
        ..Edit::default()
    };
    apply(ctx, &server, change).await
}

async fn apply(ctx: Context<'_>, server: &str, change: Edit) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let reader = &app.store.reader;
        let found = complete::named(reader, requester.guild, ("server", server)).await?;
        let at = (app.thresholds, app.now());
        suggest_thresholds::edit(&app.store, requester, found.id, change, at).await?;
        let standing = manage_server::standing(reader, requester, found.id, at).await?;
        Ok(Message::embed(cards::servers::one(&standing, &[])))
    };
    reply::answer(ctx, work).await
}

/// Thresholds that a server's own rhythm would give it
#[poise::command(slash_command, guild_only)]
async fn suggest(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let may_manage = access::may_manage(reply::permissions(ctx));
    let work = async {
        let app = ctx.data();
        let found =
            complete::named(&app.store.reader, requester.guild, ("server", &server)).await?;
        handlers::suggestion(app, requester, found.id, may_manage).await
    };
    reply::answer(ctx, work).await
}

/// Make a new key for a server's agent; the old one is good for another day (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn rotate_key(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let reader = &app.store.reader;
        let found = complete::named(reader, requester.guild, ("server", &server)).await?;
        let place = (found.id, KeyKind::Server);
        let key = manage_device::rotate_key(&app.store, requester, place, app.now()).await?;
        Ok(cards::keys::rotated(&found.name, &key))
    };
    reply::answer(ctx, work).await
}

/// Take a server off the roll (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let found =
            complete::named(&app.store.reader, requester.guild, ("server", &server)).await?;
        manage_server::remove(&app.store, requester, found.id, app.now()).await?;
        Ok(cards::keys::removed(&found.name))
    };
    reply::answer(ctx, work).await
}
