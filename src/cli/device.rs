//! `rollcall device …`: adds, lists, shows and removes devices from the terminal.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::terminal::guild_argument::{GuildArgument, GuildFilter, guild_column, note_if_local};
use super::terminal::{app_error, find_monitor, input_file, print_line, print_note};
use super::{Database, name, with_store};
use crate::actions::Error;
use crate::actions::devices::manage_device::{self, NewDevice};
use crate::app::AppError;
use crate::clock::Clock;
use crate::domain::devices::device::{DeviceUuid, parse_threshold};
use crate::domain::devices::heartbeat_schedule::HeartbeatSchedule;
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::devices::push_token::PushToken;
use crate::domain::devices::slug::Slug;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorKind;
use crate::domain::text;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::devices::device::{self, Device};
use crate::store::guild;

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// Add a device and print its uuid and its key, which cannot be shown again
    Add(Box<DeviceArguments>),
    /// List devices with their status
    List {
        #[command(flatten)]
        guild: GuildFilter,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show a device and its ping URL, with which anyone can send heartbeats
    Show {
        /// Name, id or uuid of the device
        device: String,
        #[command(flatten)]
        guild: GuildArgument,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Remove a device with its log and its key
    Remove {
        /// Name, id or uuid of the device
        device: String,
        #[command(flatten)]
        guild: GuildArgument,
    },
}

#[derive(Debug, Args)]
pub(super) struct DeviceArguments {
    #[arg(value_parser = name, help = "Name of the device")]
    name: String,
    /// The uuid that its jobs already send pings to [default: a new one]
    #[arg(long, value_parser = uuid)]
    uuid: Option<DeviceUuid>,
    /// File with that uuid, or - for standard input; a uuid alone is enough to send pings
    #[arg(long, value_name = "FILE", conflicts_with = "uuid")]
    uuid_file: Option<PathBuf>,
    /// Its name in the URLs of pings [default: derived from the name]
    #[arg(long, value_parser = slug)]
    slug: Option<Slug>,
    /// The token that its jobs already push to in Uptime Kuma, with 32 letters and digits
    #[arg(long, value_name = "TOKEN", value_parser = push_token)]
    push_token: Option<PushToken>,
    /// File with that token, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "push_token")]
    push_token_file: Option<PathBuf>,
    /// Time without a heartbeat after which it is offline, such as 90s or 26h [default: HEARTBEAT_OFFLINE_THRESHOLD]
    #[arg(long, value_name = "TIME", value_parser = threshold)]
    threshold: Option<Duration>,
    /// Time between two heartbeats, such as 1d; the threshold is this and --grace
    #[arg(long, value_name = "TIME", conflicts_with = "threshold")]
    every: Option<String>,
    /// Time that a heartbeat may be late, such as 2h
    #[arg(long, value_name = "TIME", requires = "every")]
    grace: Option<String>,
    #[command(flatten)]
    guild: GuildArgument,
    /// Print {"uuid","key","ping_url"}
    #[arg(long)]
    json: bool,
}

fn uuid(text: &str) -> Result<DeviceUuid, String> {
    DeviceUuid::parse(text).map_err(|error| error.to_string())
}

fn slug(text: &str) -> Result<Slug, String> {
    Slug::parse(text).map_err(|error| error.to_string())
}

fn push_token(text: &str) -> Result<PushToken, String> {
    PushToken::parse(text).map_err(|error| error.to_string())
}

fn threshold(text: &str) -> Result<Duration, String> {
    parse_threshold(text).map_err(|error| error.to_string())
}

/// Reads a value that must not be on the command line.
fn from_file<T>(
    option: &str,
    file: Option<&Path>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, AppError> {
    let Some(file) = file else { return Ok(None) };
    let text = input_file::read_secret(option, file)?.join("\n");
    match parse(&text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(AppError::Setting(format!("{option}: {error}"))),
    }
}

pub(super) async fn run(settings: &Settings, command: DeviceCommand) -> Result<(), AppError> {
    let database = match command {
        DeviceCommand::Add(_) => Database::MayBeNew,
        _ => Database::Existing,
    };
    with_store(settings, database, async |store| match command {
        DeviceCommand::Add(arguments) => add(settings, store, *arguments).await,
        DeviceCommand::List { guild, json } => list(store, guild.guild_id(), json).await,
        DeviceCommand::Show {
            device,
            guild,
            json,
        } => show(settings, store, guild, &device, json).await,
        DeviceCommand::Remove { device, guild } => {
            let requester = guild.requester(settings);
            let found = find_monitor(store, requester, Some(MonitorKind::Device), &device).await?;
            let now = Clock::SYSTEM.now();
            let removed = manage_device::remove(store, requester, found.id, now).await;
            removed.map_err(app_error)?;
            print_line(&format!("Removed {}", found.name));
            Ok(())
        }
    })
    .await
}

async fn add(
    settings: &Settings,
    store: &Store,
    arguments: DeviceArguments,
) -> Result<(), AppError> {
    let uuid_file = from_file("--uuid-file", arguments.uuid_file.as_deref(), uuid)?;
    let token_file = arguments.push_token_file.as_deref();
    let token_file = from_file("--push-token-file", token_file, push_token)?;
    let uuid = match arguments.uuid.or(uuid_file) {
        Some(uuid) => uuid,
        None => manage_device::random_uuid()?,
    };
    let schedule = HeartbeatSchedule::parse(arguments.every.as_deref(), arguments.grace.as_deref())
        .map_err(|error| {
            AppError::Setting(format!(
                "--{}: {}",
                error.option,
                for_terminal(&error.reason.to_string())
            ))
        })?;
    let new = NewDevice {
        uuid: uuid.clone(),
        name: arguments.name,
        device_type: None,
        slug: arguments.slug,
        push_token: arguments.push_token.or(token_file),
        threshold: arguments
            .threshold
            .or(schedule.map(|schedule| schedule.threshold())),
    };
    let (requester, quota) = (arguments.guild.requester(settings), settings.quota.devices);
    let added = manage_device::add(store, requester, new, quota, Clock::SYSTEM.now()).await;
    let key = added.map_err(refusal)?;
    let url = public_url(settings).ping_url(&uuid);
    if arguments.json {
        let details = json!({ "uuid": uuid.as_str(), "key": key.reveal(), "ping_url": url });
        print_line(&details.to_string());
    } else {
        print_line(uuid.as_str());
        print_line(&key.reveal());
        print_note("Copy the key now. Rollcall does not store it and cannot show it again.");
        print_note(&format!("Pings: {url}"));
    }
    note_if_local(requester.guild);
    Ok(())
}

/// A sentence with options as they are written on the command line.
fn for_terminal(reason: &str) -> String {
    reason
        .replace("every:", "--every ")
        .replace("grace:", "--grace ")
}

/// The address that devices use.
fn public_url(settings: &Settings) -> PublicUrl {
    match &settings.http.public_url {
        Some(url) => url.clone(),
        None => PublicUrl::bound(settings.http.bind),
    }
}

async fn list(store: &Store, guild: Option<GuildId>, as_json: bool) -> Result<(), AppError> {
    let guilds = match guild {
        Some(guild) => vec![guild],
        None => {
            let known = guild::summaries(&store.reader, Clock::SYSTEM.now()).await?;
            known.into_iter().map(|guild| guild.id).collect()
        }
    };
    let mut devices = Vec::new();
    for guild in guilds {
        devices.extend(device::list(&store.reader, guild).await?);
    }
    if as_json {
        let shown: Vec<_> = devices.iter().map(shown).collect();
        print_line(&serde_json::Value::Array(shown).to_string());
        return Ok(());
    }
    if devices.is_empty() {
        print_note(
            "There are no devices yet. Add one with `rollcall device add backup --every 1d --grace 2h`",
        );
    }
    for device in &devices {
        print_line(&line(device));
    }
    Ok(())
}

fn last_heartbeat(device: &Device) -> String {
    device
        .last_seen_at
        .map_or_else(|| "never".to_owned(), text::timestamp)
}

fn line(device: &Device) -> String {
    let reason = device
        .failure
        .as_deref()
        .map(|reason| format!("  {reason}"));
    format!(
        "{:>6}  {:<8}  last heartbeat {:<20}  {:<20}  {}{}",
        device.id.0,
        device.status.as_str(),
        last_heartbeat(device),
        guild_column(device.guild_id),
        text::cut(&device.name, 40),
        reason.unwrap_or_default(),
    )
}

/// Without the uuid, because anyone who knows it can send heartbeats.
fn shown(device: &Device) -> serde_json::Value {
    json!({
        "id": device.id.0, "guild": device.guild_id.0.to_string(), "name": device.name, "group": device.group,
        "type": device.device_type, "status": device.status.as_str(), "since": text::timestamp(device.since),
        "last_heartbeat": device.last_seen_at.map(text::timestamp), "failure": device.failure,
        "threshold_seconds": device.threshold.map(|threshold| threshold.as_secs()),
    })
}

async fn show(
    settings: &Settings,
    store: &Store,
    guild: GuildArgument,
    wanted: &str,
    as_json: bool,
) -> Result<(), AppError> {
    let requester = guild.requester(settings);
    let found = find_monitor(store, requester, Some(MonitorKind::Device), wanted).await?;
    let device = device::by_id(&store.reader, requester.guild, found.id)
        .await?
        .ok_or_else(|| AppError::Other(format!("device {wanted} was just removed")))?;
    let url = public_url(settings).ping_url(&device.uuid);
    if as_json {
        let mut shown = shown(&device);
        shown["uuid"] = json!(device.uuid.as_str());
        shown["ping_url"] = json!(url);
        print_line(&shown.to_string());
        return Ok(());
    }
    let threshold = device
        .threshold
        .unwrap_or(settings.heartbeat.offline_threshold);
    for (label, value) in [
        ("name", device.name.clone()),
        ("id", device.id.0.to_string()),
        ("uuid", device.uuid.to_string()),
        ("pings", url),
        ("status", device.status.as_str().to_owned()),
        ("since", text::timestamp(device.since)),
        ("heartbeat", last_heartbeat(&device)),
        ("offline after", text::duration(threshold)),
        (
            "failure",
            device.failure.clone().unwrap_or_else(|| "none".to_owned()),
        ),
    ] {
        print_line(&format!("{label:<14} {value}"));
    }
    Ok(())
}

/// The arguments are valid, so what is refused is no error of usage.
fn refusal(error: Error) -> AppError {
    match error {
        Error::Invalid(sentence) => AppError::Other(sentence),
        error => app_error(error),
    }
}
