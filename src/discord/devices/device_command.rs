//! `/device …`: manage devices that send heartbeats. Every subcommand requires Manage Server; members read with `/devices`.

use crate::actions::devices::manage_device::{self, DeviceEdit};
use crate::discord::Context;
use crate::discord::devices::devices_command::{card, find};
use crate::discord::keys::key_card;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::{complete, reply};
use crate::domain::devices::device::parse_threshold;
use crate::domain::key::KeyKind;
use crate::domain::monitor::{MonitorKind, parse_name};
use crate::domain::patch::Patch;
use crate::store::devices::device as rows;

/// Manage devices that send heartbeats
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("rename", "threshold", "rotate_key", "remove")
)]
pub(in crate::discord) async fn device(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Rename a device
#[poise::command(slash_command, guild_only)]
async fn rename(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
    #[description = "New name"]
    #[max_length = 64]
    name: String,
) -> Result<(), CommandError> {
    let name = parse_name(&name).map_err(|error| wrong("name", error))?;
    let change = DeviceEdit {
        name: Some(name),
        ..DeviceEdit::default()
    };
    apply(ctx, &device, change).await
}

/// Set how long a device may miss heartbeats before it is offline
#[poise::command(slash_command, guild_only)]
async fn threshold(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
    #[description = "Time without a heartbeat, such as 90s or 26h (default: the bot's setting)"]
    #[max_length = 16]
    after: Option<String>,
) -> Result<(), CommandError> {
    let threshold = after
        .map(|text| parse_threshold(&text).map_err(|error| wrong("after", error)))
        .transpose()?;
    let change = DeviceEdit {
        threshold: Patch::from(threshold),
        ..DeviceEdit::default()
    };
    apply(ctx, &device, change).await
}

async fn apply(ctx: Context<'_>, device: &str, change: DeviceEdit) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let found = find(ctx, requester, device).await?;
        let uuid = found.uuid.clone();
        manage_device::edit(&app.store, requester, found.id, change, app.now()).await?;
        let changed = rows::get(&app.store.reader, requester.guild, &uuid).await?;
        card(ctx, &changed.unwrap_or(found)).await
    };
    reply::answer(ctx, work).await
}

/// Create a new key for a device; the old key stays valid for 24 hours
#[poise::command(slash_command, guild_only)]
async fn rotate_key(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let found = find(ctx, requester, &device).await?;
        let key =
            manage_device::rotate_key(&app.store, requester, found.id, KeyKind::Device, app.now())
                .await?;
        Ok(key_card::rotated(&found.name, &key))
    };
    reply::answer(ctx, work).await
}

/// Remove a device
#[poise::command(slash_command, guild_only)]
async fn remove(
    ctx: Context<'_>,
    #[description = "Name"]
    #[autocomplete = "complete::device"]
    #[max_length = 100]
    device: String,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let (reader, kind) = (&app.store.reader, Some(MonitorKind::Device));
        let found = complete::named(reader, requester.guild, kind, &device).await?;
        manage_device::remove(&app.store, requester, found.id, app.now()).await?;
        Ok(key_card::removed(&found.name))
    };
    reply::answer(ctx, work).await
}
