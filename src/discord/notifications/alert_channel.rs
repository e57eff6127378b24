//! Sets the alert channel of a guild, after a test message has arrived there, and shows the alert settings. Commands, the
//! setup and the menu of channels share it.

use poise::serenity_prelude as serenity;
use serenity::{ComponentInteraction, ComponentInteractionDataKind};

use crate::actions::Requester;
use crate::actions::incidents::alerts::{self, AlertEdit};
use crate::discord::DiscordState;
use crate::discord::notifications::{alerts_card, texts};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::discord::ui::roles::RoleLookup;
use crate::discord::ui::{buttons, texts as shared_texts};
use crate::domain::discord_id::{ChannelId, GuildId, RoleId};
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::destination_health::DeliveryError;
use crate::domain::patch::Patch;
use crate::notify::messenger::{ChannelAccess, SetupMessage};
use crate::store::Effect;
use crate::store::endpoints::endpoint::{self, EndpointFilter, Start};
use crate::store::notifications::{alert_override, alert_settings, destination};
use crate::store::silences::silence;

/// Sends a test message to a channel and sets the channel if it arrives; otherwise the error names the permissions that the
/// channel needs. `Nothing` if the channel and the role were set already.
pub(in crate::discord) async fn test_and_set(
    app: &DiscordState,
    requester: Requester,
    channel: ChannelId,
    role: Patch<RoleId>,
) -> Result<Effect, CommandError> {
    post(app, channel, SetupMessage::AlertsStart).await?;
    let edit = AlertEdit {
        channel: Some(channel),
        role,
    };
    Ok(alerts::edit(&app.store, requester, edit, app.now()).await?)
}

/// Posts a message of the setup. The error says what a member can do.
pub(in crate::discord) async fn post(
    app: &DiscordState,
    channel: ChannelId,
    message: SetupMessage,
) -> Result<(), CommandError> {
    let messenger = app.senders.messenger.clone();
    let messenger = messenger.ok_or_else(no_messenger)?;
    // On the main runtime, to which the connections of the messenger belong.
    let posted = app
        .bot
        .main_runtime
        .spawn(async move { messenger.send_setup_message(channel, message).await })
        .await
        .map_err(|error| CommandError::Internal(error.to_string()))?;
    match posted {
        Ok(_) => Ok(()),
        Err(DeliveryError::DestinationBroken(reason)) => {
            Err(texts::cannot_post_in(channel, &reason))
        }
        Err(failure) => Err(texts::could_not_post_in(channel, &failure)),
    }
}

fn no_messenger() -> CommandError {
    CommandError::Internal("received a command, but there is no messenger".into())
}

/// The channel that was chosen in a menu, if it is one of this guild: the values of a menu are untrusted input. The error says
/// what a member can do.
pub(in crate::discord) async fn chosen(
    app: &DiscordState,
    guild: GuildId,
    press: &ComponentInteraction,
) -> Result<ChannelId, CommandError> {
    let ComponentInteractionDataKind::ChannelSelect { values } = &press.data.kind else {
        return Err(CommandError::Refused(shared_texts::UNKNOWN_BUTTON.into()));
    };
    let channel = values.first().map(|id| ChannelId(id.get()));
    let channel =
        channel.ok_or_else(|| CommandError::Refused(shared_texts::UNKNOWN_BUTTON.into()))?;
    check_guild(app, guild, channel).await?;
    Ok(channel)
}

/// Refuses a channel that is not one of this guild, or that Rollcall does not see. The error says what a member can do.
pub(in crate::discord) async fn check_guild(
    app: &DiscordState,
    guild: GuildId,
    channel: ChannelId,
) -> Result<(), CommandError> {
    let messenger = app.senders.messenger.clone();
    let messenger = messenger.ok_or_else(no_messenger)?;
    let asked = app
        .bot
        .main_runtime
        .spawn(async move { messenger.has_channel(guild, channel).await })
        .await
        .map_err(|error| CommandError::Internal(error.to_string()))?;
    match asked {
        Ok(ChannelAccess::Visible) => Ok(()),
        Ok(ChannelAccess::Hidden) => Err(texts::cannot_post_in(channel, texts::NO_VIEW_PERMISSION)),
        Ok(ChannelAccess::Missing) => Err(texts::channel_missing()),
        Err(failure) => Err(texts::could_not_post_in(channel, &failure)),
    }
}

/// Sends alerts to the channel that was chosen in the menu under an endpoint, and shows the settings.
pub(in crate::discord) async fn choose(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
) -> Result<(), CommandError> {
    // Discord's answer to the test message may take longer than Discord waits for a response.
    press.defer_ephemeral(&ctx.http).await?;
    let channel = chosen(app, requester.guild, press).await?;
    let _ = test_and_set(app, requester, channel, Patch::Keep).await?;
    let lookup = RoleLookup::of_press(ctx, press);
    let message = settings(app, requester.guild, lookup).await?;
    press.edit_response(&ctx.http, message.into_edit()).await?;
    Ok(())
}

/// The card of the alert settings, with the roles that a mention would not notify.
pub(in crate::discord) async fn settings(
    app: &DiscordState,
    guild: GuildId,
    lookup: RoleLookup<'_>,
) -> Result<Message, CommandError> {
    let (reader, now) = (&app.store.reader, app.now());
    let known = alert_settings::get(reader, guild).await?;
    let muted = silence::mutes(reader, guild, now, alerts_card::LISTED).await?;
    let own = alert_override::list(reader, guild, alerts_card::LISTED).await?;
    let responders = alerts::responders(reader, guild).await?;
    let role = |responder: &Responder| match responder {
        Responder::Role(role) => Some(*role),
        Responder::User(_) => None,
    };
    let roles: Vec<RoleId> = responders.iter().filter_map(role).collect();
    let unreachable = lookup.unreachable(&roles).await;
    let card = alerts_card::settings(known.as_ref(), &muted, &own);
    Ok(Message::embed(alerts_card::with_unreachable(
        card,
        &unreachable,
    )))
}

/// The menu *Send alerts to …* for a guild that has its first endpoint and sends its alerts nowhere; otherwise nothing.
pub(in crate::discord) async fn first_menu(
    app: &DiscordState,
    guild: GuildId,
) -> Result<Option<serenity::CreateActionRow>, CommandError> {
    let reader = &app.store.reader;
    let filter = EndpointFilter {
        guild: Some(guild),
        ..EndpointFilter::default()
    };
    let is_first = endpoint::list(reader, filter, Start::Skip(0), 1)
        .await?
        .total
        == 1;
    let is_needed = is_first && !destination::has_any(reader, guild).await?;
    Ok(is_needed.then(buttons::alert_channel_menu))
}
