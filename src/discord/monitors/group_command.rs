//! `/group …`: user-defined groups of monitors. Outages in one group become one incident, and boards list monitors by group.

use crate::actions::manage_group;
use crate::discord::Context;
use crate::discord::monitors::{groups_card, texts};
use crate::discord::ui::complete;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::store::monitors::group as groups;

/// Manage groups of monitors
#[poise::command(
    slash_command,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    subcommands("set", "list")
)]
pub(in crate::discord) async fn group(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Set the group of a monitor, or remove it from its group
#[poise::command(slash_command, guild_only)]
async fn set(
    ctx: Context<'_>,
    #[description = "Name of an endpoint, a device or a server"]
    #[autocomplete = "complete::monitor"]
    #[max_length = 100]
    monitor: String,
    #[description = "Group (default: no group)"]
    #[autocomplete = "complete::group"]
    #[max_length = 64]
    group: Option<String>,
) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let app = ctx.data();
        let found = complete::named(&app.store.reader, requester.guild, None, &monitor).await?;
        let group = manage_group::set(&app.store, requester, found.id, group, app.now()).await?;
        Ok(Message::sentence(texts::group_set(
            &found.name,
            group.as_deref(),
        )))
    };
    reply::answer(ctx, work).await
}

/// List all groups
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let requester = reply::manager(ctx)?;
    let work = async {
        let known = groups::list(&ctx.data().store.reader, requester.guild).await?;
        Ok(Message::embed(groups_card::list(&known)))
    };
    reply::answer(ctx, work).await
}
