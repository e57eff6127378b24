//! `/device …`: manage devices that send heartbeats. Every subcommand requires Manage Server; members read with `/devices`.

use crate::actions::devices::manage_device::{self, DeviceEdit, NewDevice};
use crate::discord::Context;
use crate::discord::devices::devices_command::{card, find};
use crate::discord::devices::texts::{self, NewDeviceReply};
use crate::discord::keys::key_card;
use crate::discord::ui::complete;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::ui::reply::{self, Message};
use crate::domain::devices::device::parse_threshold;
use crate::domain::devices::heartbeat_schedule::HeartbeatSchedule;
use crate::domain::key::KeyKind;
use crate::domain::monitor::{MonitorKind, parse_name};
use crate::domain::patch::Patch;
use crate::store::devices::device as rows;

/// Manage devices that send heartbeats
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("add", "rename", "threshold", "rotate_key", "remove")
)]
pub(in crate::discord) async fn device(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Add a device; the reply has its ping URL and a crontab line
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "Name"]
    #[max_length = 64]
    name: String,
    #[description = "Time between two heartbeats, such as 5m or 1d (default: the bot's setting)"]
    #[max_length = 16]
    every: Option<String>,
    #[description = "Additional time before it is offline, such as 2h (default: 10% of every)"]
    #[max_length = 16]
    grace: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let name = parse_name(&name).map_err(|error| wrong("name", error))?;
    let schedule = schedule(every.as_deref(), grace.as_deref())?;
    let work = async {
        let app = ctx.data();
        let uuid = manage_device::random_uuid()?;
        let ping_url = app.public_url.ping_url(&uuid);
        let new = NewDevice {
            uuid,
            name: name.clone(),
            device_type: None,
            slug: None,
            push_token: None,
            threshold: schedule.map(|schedule| schedule.threshold()),
        };
        let (quota, now) = (app.quota_devices, app.now());
        manage_device::add_for_pings(&app.store, requester, new, quota, now).await?;
        let added = NewDeviceReply {
            name: &name,
            ping_url: &ping_url,
            address: &app.public_url,
            schedule,
            default_threshold: app.device_threshold,
        };
        Ok(Message::sentence(texts::added(&added)))
    };
    reply::answer(ctx, work).await
}

/// Reads the options `every` and `grace`; `None` if neither is set.
fn schedule(
    every: Option<&str>,
    grace: Option<&str>,
) -> Result<Option<HeartbeatSchedule>, CommandError> {
    HeartbeatSchedule::parse(every, grace).map_err(|error| wrong(error.option, error.reason))
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
    #[description = "Time between two heartbeats, such as 5m or 1d"]
    #[max_length = 16]
    every: Option<String>,
    #[description = "Additional time before it is offline, such as 2h (default: 10% of every)"]
    #[max_length = 16]
    grace: Option<String>,
    #[description = "In place of both, such as 26h; enter default for the bot's setting"]
    #[max_length = 16]
    threshold: Option<String>,
) -> Result<(), CommandError> {
    let schedule = schedule(every.as_deref(), grace.as_deref())?;
    let threshold = match (threshold.as_deref().map(str::trim), schedule) {
        (None, None) => return Err(texts::no_threshold()),
        (Some(_), Some(_)) => return Err(texts::threshold_and_schedule()),
        (None, Some(schedule)) => Patch::Set(schedule.threshold()),
        (Some(word), None) if word.eq_ignore_ascii_case("default") => Patch::Clear,
        (Some(text), None) => {
            Patch::Set(parse_threshold(text).map_err(|error| wrong("threshold", error))?)
        }
    };
    let change = DeviceEdit {
        threshold,
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
