//! `/devices list | show`: the status of devices, for every member.

use crate::actions::Requester;
use crate::discord::Context;
use crate::discord::devices::{device_card, texts};
use crate::discord::monitors::history::recent_uptime_field;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::{access, complete};
use crate::domain::monitor::MonitorKind;
use crate::store::devices::device::{self as rows, Device};
use crate::store::devices::device_log;

/// Show devices that send heartbeats
#[poise::command(slash_command, guild_only, subcommands("list", "show"))]
pub(in crate::discord) async fn devices(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// List all devices with their status
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let found = rows::list(&ctx.data().store.reader, requester.guild).await?;
        Ok(Message::embed(device_card::list(&found)))
    };
    reply::answer(ctx, work).await
}

/// Show the details of a device
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Name"]
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

/// Shows a device. Its UUID, its ping URL and its log appear only to members who may manage it.
pub(super) async fn card(ctx: Context<'_>, device: &Device) -> Result<Message, CommandError> {
    let inside = if access::may_manage(reply::permissions(ctx)) {
        let app = ctx.data();
        let lines = device_log::latest(&app.store.reader, device.id, device_card::LINES).await?;
        let ping_url = texts::ping_url(&app.public_url, &device.uuid);
        Some(device_card::Inside { lines, ping_url })
    } else {
        None
    };
    let card = device_card::one(device, inside.as_ref());
    let (guild, id) = (device.guild_id, device.id);
    let card = recent_uptime_field::added_to(card, ctx.data(), guild, id).await?;
    Ok(Message::embed(card))
}

/// Finds a device of the requester's guild by name.
pub(super) async fn find(
    ctx: Context<'_>,
    requester: Requester,
    text: &str,
) -> Result<Device, CommandError> {
    let reader = &ctx.data().store.reader;
    let found = complete::named(reader, requester.guild, Some(MonitorKind::Device), text).await?;
    let device = rows::by_id(reader, requester.guild, found.id).await?;
    device.ok_or_else(texts::already_removed)
}
