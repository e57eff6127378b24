//! `rollcall guild …`: lists the Discord servers that Rollcall knows, deletes the data of one, and lets a new bot take over.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use super::terminal::{app_error, print_line, print_note, usage};
use super::{Database, with_store};
use crate::actions::manage_guild::move_local::{self, MonitorQuotas};
use crate::actions::{Requester, manage_guild};
use crate::app::{self, AppError};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::Actor;
use crate::domain::text;
use crate::settings::Settings;
use crate::store::guild::{self, GuildSummary};
use crate::store::{Store, StoreError};

/// The time in which a running bot notices that a guild was left, before the rows that say so are deleted.
const DETECTION: Duration = Duration::from_secs(2);

#[derive(Debug, Subcommand)]
pub(super) enum GuildCommand {
    /// List the Discord servers with data, and those that the bot is in
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Delete everything that is stored about a Discord server
    Forget {
        #[arg(value_parser = usage::guild_id, help = "The id of the Discord server, as shown by `guild list`")]
        id: u64,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// Also if the bot is still in the Discord server; its keys are revoked
        #[arg(long)]
        even_if_joined: bool,
    },
    /// Move the local monitors, which Discord does not show, into a Discord server; Rollcall must not run
    MoveLocal {
        #[arg(value_parser = usage::guild_id, help = "The id of the Discord server, as shown by `guild list`")]
        id: u64,
        /// Also into a Discord server that Rollcall does not know; there is no way back
        #[arg(long)]
        yes: bool,
    },
    /// Let the bot of DISCORD_TOKEN take over the data of the bot before it
    Adopt,
}

pub(super) async fn run(settings: &Settings, command: GuildCommand) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| match command {
        GuildCommand::List { json } => list(settings, store, json).await,
        GuildCommand::Forget {
            id,
            yes,
            even_if_joined,
        } => {
            let wish = Wish {
                id: GuildId(id),
                is_confirmed: yes,
                even_if_joined,
            };
            forget(store, wish).await
        }
        GuildCommand::MoveLocal { id, yes } => {
            move_monitors(settings, store, GuildId(id), yes).await
        }
        GuildCommand::Adopt => adopt(settings, store).await,
    })
    .await
}

async fn list(settings: &Settings, store: &Store, json: bool) -> Result<(), AppError> {
    let kept = settings.retention.left_guilds;
    let guilds = guild::summaries(&store.reader, Clock::SYSTEM.now()).await?;
    if json {
        let shown: Vec<_> = guilds.iter().map(|guild| shown(guild, kept)).collect();
        print_line(&serde_json::Value::Array(shown).to_string());
        return Ok(());
    }
    if guilds.is_empty() {
        print_note(
            "There are no Discord servers yet. Rollcall knows one once the bot has joined it",
        );
    }
    for guild in &guilds {
        print_line(&line(guild, kept));
    }
    Ok(())
}

/// When the rows of a guild are deleted; `None` while they are kept.
fn deleted_at(summary: &GuildSummary, kept: Duration) -> Option<Timestamp> {
    let left_at = summary.known.as_ref()?.left_at?;
    Some(left_at.plus(kept))
}

fn line(summary: &GuildSummary, kept: Duration) -> String {
    let GuildSummary {
        id,
        known,
        monitors,
        keys,
    } = summary;
    let name = known.as_ref().and_then(|known| known.name.as_deref());
    let name = name.unwrap_or(match *id {
        GuildId::LOCAL => "(local)",
        _ => "-",
    });
    let name: String = name.chars().filter(|one| !text::is_unseen(*one)).collect();
    let standing = match known {
        None => "not on Discord".to_owned(),
        Some(known) => match known.left_at {
            None => format!("joined {}", text::timestamp(known.joined_at)),
            Some(left_at) => format!(
                "left {}  deleted {}",
                text::timestamp(left_at),
                text::timestamp(left_at.plus(kept))
            ),
        },
    };
    format!("{id}  {name}  {monitors} monitors  {keys} keys  {standing}")
}

fn shown(summary: &GuildSummary, kept: Duration) -> serde_json::Value {
    let known = summary.known.as_ref();
    json!({
        "id": summary.id.0.to_string(), "name": known.and_then(|known| known.name.as_deref()),
        "application": known.map(|known| known.application.0.to_string()),
        "joined_at": known.map(|known| text::timestamp(known.joined_at)),
        "left_at": known.and_then(|known| known.left_at).map(text::timestamp),
        "deleted_at": deleted_at(summary, kept).map(text::timestamp),
        "monitors": summary.monitors, "keys": summary.keys,
    })
}

/// What `guild forget` was asked to do.
struct Wish {
    id: GuildId,
    is_confirmed: bool,
    even_if_joined: bool,
}

async fn forget(store: &Store, wish: Wish) -> Result<(), AppError> {
    let id = wish.id;
    if id == GuildId::LOCAL {
        return Err(AppError::Setting(
            "server 0 is the local monitor list, which belongs to no Discord server. Remove its monitors one by one, such as with `rollcall endpoint remove shop`".to_owned(),
        ));
    }
    let now = Clock::SYSTEM.now();
    let known = guild::get(&store.reader, id).await?;
    let is_joined = known.is_some_and(|guild| guild.left_at.is_none());
    if is_joined && !wish.even_if_joined {
        return Err(AppError::Other(format!(
            "the bot is still in the Discord server {id}. Remove it there first, or add --even-if-joined"
        )));
    }
    if !wish.is_confirmed && !confirm(id)? {
        print_note("Nothing was deleted");
        return Ok(());
    }
    if is_joined {
        let requester = Requester {
            guild: id,
            actor: Actor::CommandLine,
        };
        manage_guild::leave(store, requester, now).await?;
        tokio::time::sleep(DETECTION).await;
    }
    let rows = manage_guild::forget(store, id).await?;
    print_line(&format!("Deleted {rows} rows of the Discord server {id}"));
    Ok(())
}

/// Asks at the terminal.
fn confirm(id: GuildId) -> Result<bool, AppError> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(AppError::Setting(format!(
            "`guild forget` deletes everything about the Discord server {id} and asks for confirmation at a terminal. Without one, add --yes"
        )));
    }
    let mut output = std::io::stderr();
    let asked = write!(
        output,
        "Delete everything about the Discord server {id}? This cannot be undone. [y/N] "
    );
    let mut answer = String::new();
    asked
        .and_then(|()| output.flush())
        .and_then(|()| input.lock().read_line(&mut answer))
        .map_err(|error| AppError::Other(error.to_string()))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

async fn move_monitors(
    settings: &Settings,
    store: &Store,
    guild: GuildId,
    is_confirmed: bool,
) -> Result<(), AppError> {
    if guild == GuildId::LOCAL {
        return Err(AppError::Setting(
            "server 0 is the local monitor list itself".to_owned(),
        ));
    }
    // A running bot knows the Discord server of each monitor and key, and would go on with the old one.
    let lock = Store::lock(&settings.database.url)?;
    let known = guild::get(&store.reader, guild).await?;
    if known.is_none() && settings.discord.guild != Some(guild) && !is_confirmed {
        return Err(AppError::Other(format!(
            "Rollcall does not know the Discord server {guild}, and there is no way back. `rollcall guild list` shows the known ones. If the id is right, add --yes"
        )));
    }
    if known.is_some_and(|known| known.left_at.is_some()) {
        return Err(AppError::Other(format!(
            "the bot was removed from the Discord server {guild}, and its data will be deleted. Invite it again first"
        )));
    }
    let quotas = MonitorQuotas {
        endpoints: settings.quota.endpoints,
        devices: settings.quota.devices,
        servers: settings.quota.servers,
    };
    let moved = move_local::move_local(store, guild, quotas, Clock::SYSTEM.now()).await;
    let moved = moved.map_err(app_error)?;
    drop(lock);
    print_line(&format!(
        "Moved {} with their history and their own keys into the Discord server {guild}",
        text::count(moved.count, "monitor")
    ));
    for renamed in moved.renamed {
        print_note(&format!(
            "{} is now {}, because the name is taken there",
            renamed.before, renamed.now
        ));
    }
    Ok(())
}

async fn adopt(settings: &Settings, store: &Store) -> Result<(), AppError> {
    let application = app::application(settings).await?;
    let adopted = store
        .writer
        .transact::<_, StoreError>(move |tx| Box::pin(guild::adopt(tx, application)))
        .await?;
    print_line(&format!(
        "{adopted} Discord servers now belong to the bot {application}"
    ));
    Ok(())
}
