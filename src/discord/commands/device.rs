//! `/device …`: devices that call us. Members read; whoever changes something needs Manage Server.

use crate::actions::Requester;
use crate::actions::manage_device::{self, Edit};
use crate::discord::error::{CommandError, wrong};
use crate::discord::reply::{self, Message};
use crate::discord::{Context, access, cards, complete};
use crate::domain::device::parse_threshold;
use crate::domain::key::KeyKind;
use crate::domain::monitor::parse_name;
use crate::store::device::{self as devices, Device};
use crate::store::device_log;

/// Devices that report by themselves
#[poise::command(
    slash_command,
    guild_only,
    subcommands("list", "show", "rename", "threshold", "rotate_key", "remove")
)]
pub(super) async fn device(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// How the devices stand
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let found = devices::list(&ctx.data().store.reader, requester.guild).await?;
        Ok(Message::embed(cards::devices::list(&found)))
    };
    reply::answer(ctx, work).await
}

/// Everything that is known of one device
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let device = find(ctx, requester, &device).await?;
        card(ctx, &device).await
    };
    reply::answer(ctx, work).await
}

async fn card(ctx: Context<'_>, device: &Device) -> Result<Message, CommandError> {
    let inside = if access::may_manage(reply::permissions(ctx)) {
        let reader = &ctx.data().store.reader;
        let lines = device_log::latest(reader, device.id, cards::devices::LINES).await?;
        Some(cards::devices::Inside { lines })
    } else {
        None
    };
    Ok(Message::embed(cards::devices::one(device, inside.as_ref())))
}

async fn find(ctx: Context<'_>, requester: Requester, text: &str) -> Result<Device, CommandError> {
    let reader = &ctx.data().store.reader;
    let found = complete::named(reader, requester.guild, ("device", text)).await?;
    let device = devices::by_id(reader, requester.guild, found.id).await?;
    device.ok_or_else(|| CommandError::Refused("That device is not on the roll any more.".into()))
}

/// Give a device another name (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn rename(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
    #[description = "Its new name"]
    #[max_length = 64]
    name: String,
) -> Result<(), CommandError> {
    let name = parse_name(&name).map_err(|error| wrong("name", error))?;
    let change = Edit {
        name: Some(name),
        ..Edit::default()
    };
    apply(ctx, &device, change).await
}

/// Say after how long a silence a device is offline (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn threshold(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
    #[description = "Such as 90s, 10m or 26h; leave it out for the bot's own"]
    #[max_length = 16]
    after: Option<String>,
) -> Result<(), CommandError> {
    let threshold = after
        .map(|text| parse_threshold(&text).map_err(|error| wrong("after", error)))
        .transpose()?;
    let change = Edit {
        threshold: Some(threshold),
        ..Edit::default()
    };
    apply(ctx, &device, change).await
}

async fn apply(ctx: Context<'_>, device: &str, change: Edit) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let found = find(ctx, requester, device).await?;
        let uuid = found.uuid.clone();
        manage_device::edit(&app.store, requester, found.clone(), change, app.now()).await?;
        let changed = devices::get(&app.store.reader, requester.guild, &uuid).await?;
        card(ctx, &changed.unwrap_or(found)).await
    };
    reply::answer(ctx, work).await
}

/// Make a new key for a device; the old one is good for another day (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn rotate_key(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let found = find(ctx, requester, &device).await?;
        let place = (found.id, KeyKind::Device);
        let key = manage_device::rotate_key(&app.store, requester, place, app.now()).await?;
        Ok(cards::keys::rotated(&found.name, &key))
    };
    reply::answer(ctx, work).await
}

/// Take a device off the roll (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let found = find(ctx, requester, &device).await?;
        let name = found.name.clone();
        manage_device::remove(&app.store, requester, found, app.now()).await?;
        Ok(cards::keys::removed(&name))
    };
    reply::answer(ctx, work).await
}
