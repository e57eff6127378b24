//! `/device list | show` and `/fleet key`: devices that call us.

use crate::actions::manage_key;
use crate::discord::error::CommandError;
use crate::discord::reply::{self, Card};
use crate::discord::{Context, access, cards, complete};
use crate::domain::key::KeyKind;
use crate::store::device as devices;

/// Devices that report by themselves
#[poise::command(slash_command, guild_only, subcommands("list", "show"))]
pub(super) async fn device(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// How the devices stand
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let asker = reply::asker(ctx)?;
    let work = async {
        let found = devices::list(&ctx.data().store.reader, asker.guild).await?;
        Ok(Card::embed(cards::devices::list(&found)))
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
    let asker = reply::asker(ctx)?;
    let work = async {
        let reader = &ctx.data().store.reader;
        let found = complete::named(reader, asker.guild, ("device", &device)).await?;
        let all = devices::list(reader, asker.guild).await?;
        let device = all.into_iter().find(|device| device.id == found.id);
        let device = device.ok_or_else(|| {
            CommandError::Refused("That device is not on the roll any more.".into())
        })?;
        Ok(Card::embed(cards::devices::one(&device)))
    };
    reply::answer(ctx, work).await
}

/// Keys with which devices register
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("key")
)]
pub(super) async fn fleet(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Make a key with which devices register and beat; it is shown to you once
#[poise::command(slash_command, guild_only)]
async fn key(ctx: Context<'_>) -> Result<(), CommandError> {
    access::require_manage(reply::permissions(ctx))?;
    let asker = reply::asker(ctx)?;
    let work = async {
        let desk = ctx.data();
        let made = manage_key::create(&desk.store, asker, KeyKind::Fleet, None, desk.now()).await?;
        Ok(cards::keys::of_fleet(&made))
    };
    reply::answer(ctx, work).await
}
