//! `/server add | list | show`: servers whose agents report.

use crate::actions::manage_server;
use crate::discord::error::CommandError;
use crate::discord::reply::{self, Card};
use crate::discord::{Context, access, cards, complete};
use crate::domain::monitor::parse_name;
use crate::store::server;

/// Servers whose agents report
#[poise::command(slash_command, guild_only, subcommands("add", "list", "show"))]
pub(super) async fn server(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Put a server on the roll; its key is shown to you once (needs Manage Server)
#[poise::command(slash_command, guild_only)]
async fn add(
    ctx: Context<'_>,
    #[description = "What to call it"]
    #[max_length = 64]
    name: String,
) -> Result<(), CommandError> {
    access::require_manage(reply::permissions(ctx))?;
    let asker = reply::asker(ctx)?;
    let work = async {
        let desk = ctx.data();
        let name = parse_name(&name)
            .map_err(|error| crate::actions::Error::Invalid(format!("`name`: {error}")))?;
        let (_, key) = manage_server::add(&desk.store, asker, name.clone(), desk.now()).await?;
        Ok(cards::keys::of_server(&name, &key))
    };
    reply::answer(ctx, work).await
}

/// How the servers stand
#[poise::command(slash_command, guild_only)]
async fn list(ctx: Context<'_>) -> Result<(), CommandError> {
    let asker = reply::asker(ctx)?;
    let work = async {
        let desk = ctx.data();
        let (reader, at) = (&desk.store.reader, (desk.thresholds, desk.now()));
        let mut standings = Vec::new();
        for server in server::list(reader, Some(asker.guild)).await? {
            standings.push(manage_server::judged(reader, server, at).await?);
        }
        Ok(Card::embed(cards::servers::list(&standings)))
    };
    reply::answer(ctx, work).await
}

/// Everything that is known of one server
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Its name"]
    #[autocomplete = "complete::server"]
    #[max_length = 100]
    server: String,
) -> Result<(), CommandError> {
    let asker = reply::asker(ctx)?;
    let work = async {
        let desk = ctx.data();
        let reader = &desk.store.reader;
        let found = complete::named(reader, asker.guild, ("server", &server)).await?;
        let at = (desk.thresholds, desk.now());
        let standing = manage_server::standing(reader, asker, found.id, at).await?;
        Ok(Card::embed(cards::servers::one(&standing)))
    };
    reply::answer(ctx, work).await
}
