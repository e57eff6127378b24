//! `rollcall silence …`: mutes and maintenance from the terminal, such as around a deployment.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::terminal::guild_argument::GuildArgument;
use super::terminal::{app_error, find_monitor, print_line, print_note};
use super::{Database, with_store};
use crate::actions::Requester;
use crate::actions::silences::{end, start};
use crate::app::AppError;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::silences::maintenance::{self, TimeWindow};
use crate::domain::silences::silence::{NewSilence, SilenceId, SilenceKind, SilenceScope};
use crate::domain::text;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::silences::silence::{self, Silence};

/// Monitors of one maintenance.
const MOST_MONITORS: usize = 25;

#[derive(Debug, Subcommand)]
pub(super) enum SilenceCommand {
    /// List silences that are open or planned
    List {
        #[command(flatten)]
        guild: GuildArgument,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Mute a monitor: outages count, but nobody is notified
    Mute {
        /// Name or id of the monitor
        monitor: String,
        /// Length, such as 30m or 2h
        #[arg(long = "for", value_name = "TIME", value_parser = mute_length)]
        length: Duration,
        #[command(flatten)]
        guild: GuildArgument,
        /// Print {"id"}
        #[arg(long)]
        json: bool,
    },
    /// Start or plan maintenance: outages do not count as downtime, and nobody is notified
    Maintenance(MaintenanceArguments),
    /// End a silence now
    End {
        #[arg(help = "Id of the silence, as shown by `silence list`")]
        id: i64,
        #[command(flatten)]
        guild: GuildArgument,
    },
}

#[derive(Debug, Args)]
pub(super) struct MaintenanceArguments {
    /// Title
    #[arg(long, default_value = "maintenance", value_parser = super::name)]
    title: String,
    /// Name or id of a monitor, up to 25 times [default: every monitor]
    #[arg(long = "monitor", value_name = "MONITOR", conflicts_with = "group")]
    monitors: Vec<String>,
    /// Only the monitors of a group
    #[arg(long, value_parser = super::name)]
    group: Option<String>,
    /// Length, such as 30m or 2h
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    length: Duration,
    /// Start in UTC, such as "2026-12-01 22:30" [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    #[command(flatten)]
    guild: GuildArgument,
    /// Print {"id"}
    #[arg(long)]
    json: bool,
}

fn mute_length(text: &str) -> Result<Duration, String> {
    start::parse_mute_length(text).map_err(|error| error.to_string())
}

fn length(text: &str) -> Result<Duration, String> {
    maintenance::parse_length(text).map_err(|error| error.to_string())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let utc = maintenance::parse_zone("UTC").map_err(|error| error.to_string())?;
    maintenance::parse_moment(text, utc)
        .map_err(|_| "must be a date and a time in UTC. Example: `2026-12-01 22:30`".to_owned())
}

pub(super) async fn run(settings: &Settings, command: SilenceCommand) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| match command {
        SilenceCommand::List { guild, json } => list(store, guild.guild_id(settings), json).await,
        SilenceCommand::Mute {
            monitor,
            length,
            guild,
            json,
        } => {
            let requester = guild.requester(settings);
            let monitor = find_monitor(store, requester, None, &monitor).await?;
            let now = Clock::SYSTEM.now();
            let muted = start::mute(store, requester, monitor.id, length, now).await;
            let id = muted.map_err(app_error)?;
            started(
                id,
                &format!("Muted {} for {}", monitor.name, text::duration(length)),
                json,
            );
            Ok(())
        }
        SilenceCommand::Maintenance(arguments) => maintain(settings, store, arguments).await,
        SilenceCommand::End { id, guild } => {
            let requester = guild.requester(settings);
            let now = Clock::SYSTEM.now();
            let ended = end::end(store, requester, SilenceId(id), now).await;
            ended.map_err(app_error)?;
            print_line(&format!("Ended the silence {id}"));
            Ok(())
        }
    })
    .await
}

fn started(id: SilenceId, sentence: &str, as_json: bool) {
    match as_json {
        true => print_line(&json!({ "id": id.0 }).to_string()),
        false => print_line(&format!(
            "{sentence}. `rollcall silence end {}` ends it",
            id.0
        )),
    }
}

async fn maintain(
    settings: &Settings,
    store: &Store,
    arguments: MaintenanceArguments,
) -> Result<(), AppError> {
    let requester = arguments.guild.requester(settings);
    let now = Clock::SYSTEM.now();
    let starts_at = arguments.at.unwrap_or(now);
    let scope = scope(store, requester, &arguments).await?;
    let new = NewSilence {
        kind: SilenceKind::Maintenance,
        title: arguments.title.clone(),
        scope,
        window: TimeWindow {
            starts_at,
            ends_at: starts_at.plus(arguments.length),
        },
        weekly: None,
    };
    let planned = start::schedule(store, requester, new, now).await;
    let id = planned.map_err(app_error)?;
    let sentence = format!(
        "{} from {} for {}",
        arguments.title,
        text::timestamp(starts_at),
        text::duration(arguments.length)
    );
    started(id, &sentence, arguments.json);
    Ok(())
}

async fn scope(
    store: &Store,
    requester: Requester,
    arguments: &MaintenanceArguments,
) -> Result<SilenceScope, AppError> {
    if let Some(group) = &arguments.group {
        return Ok(SilenceScope::Group(group.clone()));
    }
    if arguments.monitors.is_empty() {
        return Ok(SilenceScope::All);
    }
    if arguments.monitors.len() > MOST_MONITORS {
        return Err(AppError::Setting(format!(
            "--monitor: at most {MOST_MONITORS} times. Use --group for more monitors"
        )));
    }
    let mut ids = Vec::new();
    for monitor in &arguments.monitors {
        let id = find_monitor(store, requester, None, monitor).await?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(SilenceScope::Some(ids))
}

async fn list(store: &Store, guild: GuildId, as_json: bool) -> Result<(), AppError> {
    let now = Clock::SYSTEM.now();
    let silences = silence::all(&store.reader, guild).await?;
    if as_json {
        let shown: Vec<_> = silences.iter().map(|one| shown(one, now)).collect();
        print_line(&serde_json::Value::Array(shown).to_string());
        return Ok(());
    }
    if silences.is_empty() {
        print_note("There are no silences. Start one with `rollcall silence mute shop --for 1h`");
    }
    for silence in &silences {
        print_line(&line(silence, now));
    }
    Ok(())
}

fn scope_of(silence: &Silence) -> String {
    match &silence.scope {
        SilenceScope::All => "every monitor".to_owned(),
        SilenceScope::Group(name) => format!("group {name}"),
        SilenceScope::Some(ids) => {
            let ids: Vec<String> = ids.iter().map(|id| format!("#{}", id.0)).collect();
            ids.join(" ")
        }
    }
}

fn line(silence: &Silence, now: Timestamp) -> String {
    let window = &silence.window;
    let state = if window.is_open(now) {
        "open"
    } else {
        "planned"
    };
    let weekly = if silence.weekly.is_some() {
        "  weekly"
    } else {
        ""
    };
    format!(
        "{:>6}  {:<11}  {state:<7}  {} to {}{weekly}  {}  {}",
        silence.id.0,
        silence.kind.as_str(),
        text::timestamp(window.starts_at),
        text::timestamp(window.ends_at),
        scope_of(silence),
        silence.title,
    )
    .trim_end()
    .to_owned()
}

fn shown(silence: &Silence, now: Timestamp) -> serde_json::Value {
    let (monitors, group) = match &silence.scope {
        SilenceScope::All => (None, None),
        SilenceScope::Group(name) => (None, Some(name)),
        SilenceScope::Some(ids) => (Some(ids.iter().map(|id| id.0).collect::<Vec<_>>()), None),
    };
    json!({
        "id": silence.id.0, "kind": silence.kind.as_str(), "title": silence.title, "monitors": monitors, "group": group,
        "starts_at": text::timestamp(silence.window.starts_at), "ends_at": text::timestamp(silence.window.ends_at),
        "is_active": silence.window.is_open(now), "is_weekly": silence.weekly.is_some(),
    })
}
