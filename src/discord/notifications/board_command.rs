//! `/board …`: one message that always shows all monitors of a guild. Every subcommand requires Manage Server.

use poise::serenity_prelude as serenity;

use crate::actions::Requester;
use crate::actions::notifications::manage_board;
use crate::discord::Context;
use crate::discord::notifications::texts;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::domain::discord_id::{ChannelId, MessageRef};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::notify::transport::{Address, Content, Outgoing, Place};
use crate::store::notifications::board;

/// Manage the status board, one message that shows all monitors
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    rename = "board",
    subcommands("create", "move_to", "remove")
)]
pub(in crate::discord) async fn boards(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Create the status board in a channel
#[poise::command(slash_command, guild_only)]
async fn create(
    ctx: Context<'_>,
    #[description = "Channel for the board"]
    #[channel_types("Text", "News")]
    channel: serenity::PartialChannel,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    reply::answer(ctx, async {
        if board::exists(&ctx.data().store.reader, requester.guild).await? {
            return Err(texts::has_board());
        }
        put(ctx, requester, ChannelId(channel.id.get())).await
    })
    .await
}

/// Move the status board to another channel
#[poise::command(slash_command, guild_only, rename = "move")]
async fn move_to(
    ctx: Context<'_>,
    #[description = "Channel for the board"]
    #[channel_types("Text", "News")]
    channel: serenity::PartialChannel,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    reply::answer(ctx, async {
        if !board::exists(&ctx.data().store.reader, requester.guild).await? {
            return Err(texts::no_board());
        }
        put(ctx, requester, ChannelId(channel.id.get())).await
    })
    .await
}

/// Remove the status board
#[poise::command(slash_command, guild_only)]
async fn remove(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    reply::answer(ctx, async {
        let app = ctx.data();
        let before = manage_board::remove(&app.store, requester, app.now()).await?;
        delete_message(ctx, before);
        Ok(Message::sentence(texts::BOARD_REMOVED))
    })
    .await
}

/// Posts the board and stores its message, so that the board job keeps it up to date.
async fn put(
    ctx: Context<'_>,
    requester: Requester,
    channel: ChannelId,
) -> Result<Message, CommandError> {
    let app = ctx.data();
    let messenger = app.senders.messenger.clone().ok_or_else(|| {
        CommandError::Internal("received a command, but there is no messenger".into())
    })?;
    let lines = board::lines(&app.store.reader, requester.guild).await?;
    let outgoing = Outgoing {
        to: Address::Channel(channel),
        place: Place::New {
            mention: None,
            reply_to: None,
        },
        content: Content::Board(lines),
        picture: None,
        nonce: format!("c{}", ctx.id() % 1_000_000_000_000),
        now: app.now(),
    };
    let shown = app
        .bot
        .main_runtime
        .spawn(async move { messenger.deliver(&outgoing).await })
        .await
        .map_err(|error| CommandError::Internal(error.to_string()))?;
    match shown {
        Ok(Some(posted)) => {
            let before = manage_board::set(&app.store, requester, posted, app.now()).await?;
            delete_message(ctx, before);
            Ok(Message::sentence(texts::board_posted_in(channel)))
        }
        Ok(None) => Err(CommandError::Internal(
            "posted a board without a message".into(),
        )),
        Err(DeliveryError::DestinationBroken(reason)) => {
            Err(texts::cannot_post_in(channel, &reason))
        }
        Err(failure) => Err(texts::could_not_post_board_in(channel, &failure)),
    }
}

/// Deletes the old message in the background: the reply does not wait for it. If the deletion fails, the message stays.
fn delete_message(ctx: Context<'_>, message: Option<MessageRef>) {
    let app = ctx.data();
    let (Some(message), Some(messenger)) = (message, app.senders.messenger.clone()) else {
        return;
    };
    app.bot.main_runtime.spawn(async move {
        if let Err(error) = messenger.delete_message(message).await {
            tracing::debug!(%error, "cannot delete the old board");
        }
    });
}
