//! `/server …`: manage servers whose agents report. Every subcommand requires Manage Server; members read with `/servers`.

use crate::actions::devices::manage_device;
use crate::actions::servers::manage_server::{self, ServerEdit};
use crate::actions::servers::suggest_thresholds;
use crate::discord::Context;
use crate::discord::keys::key_card;
use crate::discord::servers::{limit_command, limit_replies, server_card, texts};
use crate::discord::ui::complete;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::domain::key::KeyKind;
use crate::domain::monitor::{MonitorKind, parse_name};
use crate::domain::patch::Patch;
use crate::domain::servers::threshold::Thresholds;

/// Manage servers whose agents send reports
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands(
        "add",
        "edit",
        "thresholds",
        "limit_command::limit",
        "rotate_key",
        "remove"
    )
)]
pub(in crate::discord) async fn server(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Add a server; its key is shown once
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "Name"]
    #[max_length = 64]
    name: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let mut waiting = None;
    let work = async {
        let app = ctx.data();
        let name = parse_name(&name).map_err(|error| wrong("name", error))?;
        let (id, key) = manage_server::add(
            &app.store,
            requester,
            name.clone(),
            app.quota_servers,
            app.now(),
        )
        .await?;
        // Before the key is shown, so that no report can be earlier.
        waiting = Some(app.store.first_reports.wait_for(id));
        Ok(key_card::of_server(&name, &key, &app.public_url))
    };
    let sent = reply::answer_and_keep(ctx, work).await?;
    if let Some(waiting) = waiting {
        let reported = limit_replies::first_report(ctx.data(), requester, waiting).await;
        if let Some(message) = reported.transpose() {
            reply::edit(ctx, &sent, message).await;
        }
    }
    Ok(())
}

/// Rename, pause or resume a server, or adjust its thresholds automatically
#[poise::command(slash_command, guild_only)]
async fn edit(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
    #[description = "New name"]
    #[max_length = 64]
    name: Option<String>,
    #[description = "False: pause the server, so that no reports are expected"] active: Option<
        bool,
    >,
    #[description = "Adjust its thresholds to its report interval, once a week"]
    auto_thresholds: Option<bool>,
) -> Result<(), CommandError> {
    let name = name
        .map(|name| parse_name(&name).map_err(|error| wrong("name", error)))
        .transpose()?;
    let change = ServerEdit {
        name,
        is_active: active,
        auto_thresholds,
        ..ServerEdit::default()
    };
    apply(ctx, &server, change).await
}

/// Set the thresholds of a server (no options: the bot's settings)
#[poise::command(slash_command, guild_only)]
async fn thresholds(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
    #[description = "Online until this many minutes after a report, then in warning"]
    #[min = 1]
    online: Option<u32>,
    #[description = "In warning until this many minutes after a report, then offline"]
    #[min = 1]
    warning: Option<u32>,
    #[description = "Offline with threshold_used offline_grace until this many minutes"]
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
        _ => return Err(texts::all_or_no_thresholds()),
    };
    let change = ServerEdit {
        thresholds: Patch::from(own),
        ..ServerEdit::default()
    };
    apply(ctx, &server, change).await
}

async fn apply(ctx: Context<'_>, server: &str, change: ServerEdit) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let reader = &app.store.reader;
        let found =
            complete::named(reader, requester.guild, Some(MonitorKind::Server), server).await?;
        let (defaults, now) = (app.thresholds, app.now());
        let enables_auto = change.auto_thresholds == Some(true);
        manage_server::edit(&app.store, requester, found.id, change, now).await?;
        if enables_auto {
            suggest_thresholds::start(&app.store, requester, found.id, defaults, now).await?;
        }
        let standing = manage_server::standing(reader, requester, found.id, defaults, now).await?;
        Ok(Message::embed(server_card::one(&standing, &[])))
    };
    reply::answer(ctx, work).await
}

/// Create a new key for a server; the old key stays valid for 24 hours
#[poise::command(slash_command, guild_only)]
async fn rotate_key(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let reader = &app.store.reader;
        let found =
            complete::named(reader, requester.guild, Some(MonitorKind::Server), &server).await?;
        let key =
            manage_device::rotate_key(&app.store, requester, found.id, KeyKind::Server, app.now())
                .await?;
        Ok(key_card::rotated(&found.name, &key))
    };
    reply::answer(ctx, work).await
}

/// Remove a server
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let found = complete::named(
            &app.store.reader,
            requester.guild,
            Some(MonitorKind::Server),
            &server,
        )
        .await?;
        manage_server::remove(&app.store, requester, found.id, app.now()).await?;
        Ok(key_card::removed(&found.name))
    };
    reply::answer(ctx, work).await
}
