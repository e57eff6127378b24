//! `rollcall device …`: adds devices from the terminal, before their first heartbeat, with the ids that their jobs already
//! use with another program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::endpoint::{GuildArgument, app_error, note_if_local};
use super::{Database, input_file, print_line, print_note, with_store};
use crate::actions::Error;
use crate::actions::devices::manage_device::{self, NewDevice};
use crate::app::AppError;
use crate::clock::Clock;
use crate::domain::devices::device::{DeviceUuid, parse_threshold};
use crate::domain::devices::push_token::PushToken;
use crate::domain::devices::slug::Slug;
use crate::domain::monitor::parse_name;
use crate::settings::Settings;

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// Add a device and print its uuid and its key, which cannot be shown again
    Add(DeviceArguments),
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
    #[command(flatten)]
    guild: GuildArgument,
    /// Print {"uuid","key"}
    #[arg(long)]
    json: bool,
}

fn name(text: &str) -> Result<String, String> {
    parse_name(text).map_err(|error| error.to_string())
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
    let DeviceCommand::Add(arguments) = command;
    let uuid_file = from_file("--uuid-file", arguments.uuid_file.as_deref(), uuid)?;
    let token_file = arguments.push_token_file.as_deref();
    let token_file = from_file("--push-token-file", token_file, push_token)?;
    let uuid = match arguments.uuid.or(uuid_file) {
        Some(uuid) => uuid,
        None => manage_device::random_uuid()?,
    };
    let new = NewDevice {
        uuid: uuid.clone(),
        name: arguments.name,
        device_type: None,
        slug: arguments.slug,
        push_token: arguments.push_token.or(token_file),
        threshold: arguments.threshold,
    };
    with_store(settings, Database::MayBeNew, async |store| {
        let (requester, quota) = (arguments.guild.requester(settings), settings.quota.devices);
        let added = manage_device::add(store, requester, new, quota, Clock::SYSTEM.now()).await;
        let key = added.map_err(refusal)?;
        if arguments.json {
            let details = json!({ "uuid": uuid.as_str(), "key": key.reveal() });
            print_line(&details.to_string());
            note_if_local(requester.guild);
            return Ok(());
        }
        print_line(uuid.as_str());
        print_line(&key.reveal());
        print_note("Copy the key now. Rollcall does not store it and cannot show it again.");
        note_if_local(requester.guild);
        Ok(())
    })
    .await
}

/// The arguments are valid, so what is refused is no error of usage.
fn refusal(error: Error) -> AppError {
    match error {
        Error::Invalid(sentence) => AppError::Other(sentence),
        error => app_error(error),
    }
}
