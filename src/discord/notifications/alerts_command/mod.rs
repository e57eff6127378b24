//! `/alerts …`: where and how a guild is notified of incidents. Every subcommand requires Manage Server.

mod choose;

use poise::serenity_prelude as serenity;

use crate::actions::incidents::alerts::{self, AlertEdit};
use crate::discord::Context;
use crate::discord::notifications::{alert_channel, texts, webhook_command};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::roles::RoleLookup;
use crate::discord::ui::{access, roles};
use crate::domain::discord_id::{ChannelId, RoleId};
use crate::domain::patch::Patch;
use crate::store::Effect;
use crate::store::notifications::alert_settings;

/// Manage alerts: channel, role, webhooks and preferences
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands(
        "setup",
        "show",
        "channel",
        "role",
        "choose::escalation",
        "choose::notifications",
        "choose::summary",
        "choose::override_monitor",
        "webhook_command::webhook",
        "off"
    )
)]
pub(in crate::discord) async fn alerts(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Set the alert channel and on-call role, and send a test message
#[poise::command(slash_command, guild_only)]
async fn setup(
    ctx: Context<'_>,
    #[description = "Channel for alerts"]
    #[channel_types("Text", "News")]
    channel: serenity::PartialChannel,
    #[description = "Role to mention when an incident opens (default: keep the role)"] role: Option<
        serenity::RoleId,
    >,
) -> Result<(), CommandError> {
    access::require_manage(reply::permissions(ctx))?;
    let role = roles::chosen(ctx, role)?;
    let role = role.map_or(Patch::Keep, Patch::Set);
    reply::answer(ctx, test_and_set(ctx, ChannelId(channel.id.get()), role)).await
}

/// Change the alert channel and send a test message
#[poise::command(slash_command, guild_only)]
async fn channel(
    ctx: Context<'_>,
    #[description = "Channel for alerts"]
    #[channel_types("Text", "News")]
    channel: serenity::PartialChannel,
) -> Result<(), CommandError> {
    access::require_manage(reply::permissions(ctx))?;
    let channel = ChannelId(channel.id.get());
    reply::answer(ctx, test_and_set(ctx, channel, Patch::Keep)).await
}

/// Change the role to mention when an incident opens
#[poise::command(slash_command, guild_only)]
async fn role(
    ctx: Context<'_>,
    #[description = "Role (default: none)"] role: Option<serenity::RoleId>,
) -> Result<(), CommandError> {
    access::require_manage(reply::permissions(ctx))?;
    let role = roles::chosen(ctx, role)?;
    let work = async {
        if settings(ctx).await?.is_none() {
            return Err(texts::no_channel_set());
        }
        let edit = AlertEdit {
            role: Patch::from(role),
            ..AlertEdit::default()
        };
        set(ctx, edit).await
    };
    reply::answer(ctx, work).await
}

/// Show the alert settings and whether the channel works
#[poise::command(slash_command, guild_only)]
async fn show(ctx: Context<'_>) -> Result<(), CommandError> {
    access::require_manage(reply::permissions(ctx))?;
    let work = async { show_settings(ctx).await };
    reply::answer(ctx, work).await
}

/// Stop alerts in Discord; webhooks continue
#[poise::command(slash_command, guild_only)]
async fn off(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        alerts::remove(&app.store, requester, app.now()).await?;
        Ok(Message::sentence(texts::ALERTS_OFF))
    };
    reply::answer(ctx, work).await
}

async fn settings(ctx: Context<'_>) -> Result<Option<alert_settings::AlertSettings>, CommandError> {
    let requester = reply::requester(ctx)?;
    Ok(alert_settings::get(&ctx.data().store.reader, requester.guild).await?)
}

/// Sets the channel if a test message arrives there, and shows all alert settings.
async fn test_and_set(
    ctx: Context<'_>,
    channel: ChannelId,
    role: Patch<RoleId>,
) -> Result<Message, CommandError> {
    let requester = reply::requester(ctx)?;
    let effect = alert_channel::test_and_set(ctx.data(), requester, channel, role).await?;
    show_effect(ctx, effect, texts::NOTHING_CHANGED_BUT_TESTED).await
}

async fn set(ctx: Context<'_>, edit: AlertEdit) -> Result<Message, CommandError> {
    let requester = reply::requester(ctx)?;
    let app = ctx.data();
    let effect = alerts::edit(&app.store, requester, edit, app.now()).await?;
    show_effect(ctx, effect, texts::NOTHING_CHANGED).await
}

/// The alert settings after a command; below `unchanged` if it changed nothing.
async fn show_effect(
    ctx: Context<'_>,
    effect: Effect,
    unchanged: &str,
) -> Result<Message, CommandError> {
    let mut message = show_settings(ctx).await?;
    if effect == Effect::Nothing {
        message.content = unchanged.to_owned();
    }
    Ok(message)
}

async fn show_settings(ctx: Context<'_>) -> Result<Message, CommandError> {
    let guild = reply::requester(ctx)?.guild;
    alert_channel::settings(ctx.data(), guild, RoleLookup::of_command(ctx)).await
}
