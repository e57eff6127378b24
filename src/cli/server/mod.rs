//! `rollcall server …`: adds, lists and removes servers from the terminal, and sets limits on what they report.

mod limit;

use clap::Subcommand;
use serde_json::json;

use super::terminal::guild_argument::{GuildArgument, GuildFilter, note_if_local};
use super::terminal::{app_error, find_monitor, print_line, print_note};
use super::{Database, name, with_store};
use crate::actions::servers::manage_server::{self, Standing};
use crate::app::AppError;
use crate::clock::Clock;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorKind;
use crate::domain::text;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::servers::server;

#[derive(Debug, Subcommand)]
pub(super) enum ServerCommand {
    /// Add a server and print the key for its agent; it cannot be shown again
    Add {
        #[arg(value_parser = name, help = "Name of the server")]
        name: String,
        #[command(flatten)]
        guild: GuildArgument,
        /// Print {"id","key"}
        #[arg(long)]
        json: bool,
    },
    /// List servers with their status
    List {
        #[command(flatten)]
        guild: GuildFilter,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a server with its reports and its key
    Remove {
        /// Name or id of the server
        server: String,
        #[command(flatten)]
        guild: GuildArgument,
    },
    /// Show, set or remove limits on the numbers that a server reports
    #[command(
        after_help = "Examples:\n  rollcall server limit db-1\n  rollcall server limit db-1 --metric disk --above 90\n  rollcall server limit db-1 --metric metrics.queue --above 500 --for 10m --as outage\n  rollcall server limit db-1 --metric disk --remove"
    )]
    Limit(limit::LimitArguments),
}

pub(super) async fn run(settings: &Settings, command: ServerCommand) -> Result<(), AppError> {
    let database = match &command {
        ServerCommand::Add { .. } => Database::MayBeNew,
        ServerCommand::Limit(arguments) => {
            // A mistake in the arguments is found without a database.
            arguments.request()?;
            Database::Existing
        }
        _ => Database::Existing,
    };
    with_store(settings, database, async |store| match command {
        ServerCommand::Add { name, guild, json } => {
            let now = Clock::SYSTEM.now();
            let requester = guild.requester(settings);
            let quota = settings.quota.servers;
            let added = manage_server::add(store, requester, name, quota, now).await;
            let (id, key) = added.map_err(app_error)?;
            if json {
                print_line(&json!({ "id": id.0, "key": key.reveal() }).to_string());
            } else {
                print_line(&key.reveal());
                print_note(&format!(
                    "Added server {id}. Copy its key now. Rollcall does not store it and cannot show it again."
                ));
            }
            note_if_local(requester.guild);
            Ok(())
        }
        ServerCommand::List { guild, json } => {
            list(settings, store, guild.guild_id(), json).await
        }
        ServerCommand::Remove { server, guild } => {
            let requester = guild.requester(settings);
            let found = find_monitor(store, requester, Some(MonitorKind::Server), &server).await?;
            let now = Clock::SYSTEM.now();
            let removed = manage_server::remove(store, requester, found.id, now).await;
            removed.map_err(app_error)?;
            print_line(&format!("Removed {}", found.name));
            Ok(())
        }
        ServerCommand::Limit(arguments) => limit::run(settings, store, arguments).await,
    })
    .await
}

async fn list(
    settings: &Settings,
    store: &Store,
    guild: Option<GuildId>,
    json: bool,
) -> Result<(), AppError> {
    let (defaults, now) = (settings.heartbeat.thresholds, Clock::SYSTEM.now());
    let mut standings = Vec::new();
    for server in server::list(&store.reader, guild).await? {
        standings.push(manage_server::judged(&store.reader, server, defaults, now).await?);
    }
    if json {
        let shown: Vec<_> = standings.iter().map(shown).collect();
        print_line(&serde_json::Value::Array(shown).to_string());
        return Ok(());
    }
    if standings.is_empty() {
        print_note("There are no servers yet. Add one with `rollcall server add web-1`");
    }
    for Standing {
        server, judgement, ..
    } in standings
    {
        print_line(&format!(
            "{}  {}  {}  {}",
            server.id,
            judgement.shown_status().as_str(),
            server.name,
            judgement.shown_reason()
        ));
    }
    Ok(())
}

fn shown(standing: &Standing) -> serde_json::Value {
    let (server, judgement) = (&standing.server, &standing.judgement);
    json!({
        "id": server.id.0, "guild": server.guild_id.0.to_string(), "name": server.name,
        "status": judgement.status.as_str(), "reason": judgement.reason,
        "threshold_used": judgement.used.as_str(), "last_seen": server.last_seen_at.map(text::timestamp),
        "should_alert": standing.should_alert, "expected_interval": standing.expected_interval.map(|interval| interval.as_secs()),
    })
}
