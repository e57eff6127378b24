//! `rollcall endpoint …`: manages endpoints from the terminal. A running bot picks up changes within a second.

pub(in crate::cli) mod check;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::actions::Error;
use crate::actions::endpoints::endpoint_limits::{EndpointLimits, LimitedStore};
use crate::actions::endpoints::export_endpoints::{self, ExportFormat};
use crate::actions::endpoints::import_endpoints::{self, Imported};
use crate::actions::endpoints::manage_endpoint;
use crate::actions::endpoints::recheck;
use crate::app::AppError;
use crate::cli::terminal::guild_argument::{GuildArgument, GuildFilter, note_if_local};
use crate::cli::terminal::http_check::HttpArguments;
use crate::cli::terminal::{app_error, input_file, print_line, print_note};
use crate::cli::{Database, with_store};
use crate::clock::Clock;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::target::Host;
use crate::domain::endpoints::typed_target;
use crate::domain::monitor::{MonitorId, parse_interval, parse_name};
use crate::domain::text;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::endpoints::endpoint::{self, Description, Endpoint};

#[derive(Debug, Subcommand)]
pub(super) enum EndpointCommand {
    /// Add an endpoint
    Add {
        #[arg(help = "Address, such as example.org or tcp://203.0.113.7:25565")]
        target: String,
        /// Name [default: the host, with an unusual port]
        #[arg(long)]
        name: Option<String>,
        /// Check interval, such as 30s or 5m [default: PROBE_INTERVAL]
        #[arg(long, value_parser = interval)]
        interval: Option<Duration>,
        #[command(flatten)]
        http: HttpArguments,
        #[command(flatten)]
        guild: GuildArgument,
        /// Print the new endpoint as JSON
        #[arg(long)]
        json: bool,
    },
    /// List endpoints
    List {
        #[command(flatten)]
        guild: GuildFilter,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove an endpoint
    Remove {
        /// Id, target or ip:port of the endpoint
        endpoint: String,
        #[command(flatten)]
        guild: GuildArgument,
    },
    /// Add endpoints from a file: one target per line, CSV or JSON
    Import {
        /// File, or - for standard input
        file: PathBuf,
        #[command(flatten)]
        guild: GuildArgument,
        /// Print the summary as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print endpoints in a format that `endpoint import` reads
    Export {
        /// File format
        #[arg(long, value_enum, default_value = "csv")]
        format: FormatArgument,
        #[command(flatten)]
        guild: GuildArgument,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FormatArgument {
    Txt,
    Csv,
    Json,
}

fn interval(text: &str) -> Result<Duration, String> {
    parse_interval(text).map_err(|error| error.to_string())
}

pub(super) async fn run(settings: &Settings, command: EndpointCommand) -> Result<(), AppError> {
    let database = match command {
        EndpointCommand::Add { .. } | EndpointCommand::Import { .. } => Database::MayBeNew,
        _ => Database::Existing,
    };
    with_store(settings, database, async |store| match command {
        EndpointCommand::Add {
            target,
            name,
            interval,
            http,
            guild,
            json,
        } => {
            let description = describe(&target, name.as_deref(), interval, &http)?;
            add(settings, store, guild, description, json).await
        }
        EndpointCommand::List { guild, json } => list(store, guild.guild_id(), json).await,
        EndpointCommand::Remove { endpoint, guild } => {
            remove(settings, store, guild, &endpoint).await
        }
        EndpointCommand::Import { file, guild, json } => {
            import(settings, store, guild, &file, json).await
        }
        EndpointCommand::Export { format, guild } => export(settings, store, guild, format).await,
    })
    .await
}

fn describe(
    target: &str,
    name: Option<&str>,
    interval: Option<Duration>,
    http: &HttpArguments,
) -> Result<Description, AppError> {
    let target = typed_target::read(target)
        .map_err(|error| AppError::Setting(format!("TARGET: {error}")))?;
    let name = match name {
        Some(name) => {
            parse_name(name).map_err(|error| AppError::Setting(format!("--name: {error}")))?
        }
        None => target.default_name(),
    };
    let scheme = target.scheme;
    Ok(Description {
        name,
        target,
        http_check: http.http_check(scheme)?,
        interval,
    })
}

async fn add(
    settings: &Settings,
    store: &Store,
    guild: GuildArgument,
    description: Description,
    as_json: bool,
) -> Result<(), AppError> {
    let (requester, target) = (guild.requester(settings), description.target.to_string());
    // Of a name it is known only at the check.
    let refusal_is_certain = match description.target.host {
        Host::Ip(ip) => settings
            .probe
            .allow
            .judge(SocketAddr::new(ip, description.target.port))
            .is_err(),
        Host::Name(_) => false,
    };
    let now = Clock::SYSTEM.now();
    // The command line has no limit but the quota.
    let limits = &EndpointLimits::of_quota(settings.quota.endpoints);
    let limited = LimitedStore { store, limits };
    let added = manage_endpoint::add_one(limited, requester, description, now)
        .await
        .map_err(app_error)?;
    let endpoint = endpoint::with_target(&store.reader, requester.guild, &target).await?;
    match (as_json, endpoint, added) {
        (true, Some(endpoint), _) => print_line(&export_endpoints::listed(&endpoint).to_string()),
        (_, _, Some(id)) => print_line(&format!("Added {target} with id {id}")),
        _ => print_line(&format!("{target} already exists")),
    }
    if refusal_is_certain {
        print_note(
            "warning: checks of this address are refused. PROBE_ALLOW lists what is allowed besides public addresses; see docs/settings.md",
        );
    }
    note_if_local(requester.guild);
    Ok(())
}

async fn list(store: &Store, guild: Option<GuildId>, as_json: bool) -> Result<(), AppError> {
    let endpoints = endpoint::all(&store.reader, guild).await?;
    if as_json {
        let objects: Vec<_> = endpoints.iter().map(export_endpoints::listed).collect();
        let text = serde_json::to_string_pretty(&objects)
            .map_err(|error| AppError::Other(error.to_string()))?;
        print_line(&text);
        return Ok(());
    }
    if endpoints.is_empty() {
        print_note(
            "There are no endpoints yet. Add one with `rollcall endpoint add tcp://203.0.113.7:25565`",
        );
    }
    for endpoint in &endpoints {
        print_line(&line(endpoint));
    }
    Ok(())
}

fn line(endpoint: &Endpoint) -> String {
    let state = &endpoint.state;
    let reason = state
        .failure
        .as_ref()
        .map(|failure| format!("  {failure}"))
        .unwrap_or_default();
    format!(
        "{:>6}  {:<8} {:<40} {}{reason}",
        endpoint.id.0,
        state.status.as_str(),
        endpoint.description.target.to_string(),
        text::cut(&endpoint.description.name, 40),
    )
}

async fn remove(
    settings: &Settings,
    store: &Store,
    guild: GuildArgument,
    text: &str,
) -> Result<(), AppError> {
    let requester = guild.requester(settings);
    let id = match text.parse::<i64>() {
        Ok(id) => MonitorId(id),
        Err(_) => {
            recheck::find(&store.reader, requester, text, None)
                .await
                .map_err(app_error)?
                .id
        }
    };
    let removed = manage_endpoint::remove(store, requester, id, Clock::SYSTEM.now()).await.map_err(|error| match error {
        Error::NotFound(_) => AppError::Other(format!(
            "Discord server {} has no endpoint {text}. `rollcall endpoint list` shows all endpoints; use --guild to select another Discord server",
            requester.guild
        )),
        error => app_error(error),
    })?;
    print_line(&format!("Removed {}", removed.target));
    Ok(())
}

async fn import(
    settings: &Settings,
    store: &Store,
    guild: GuildArgument,
    file: &std::path::Path,
    as_json: bool,
) -> Result<(), AppError> {
    let content = input_file::read("FILE", file)?;
    let requester = guild.requester(settings);
    let limits = &EndpointLimits::of_quota(settings.quota.endpoints);
    let limited = LimitedStore { store, limits };
    let imported = import_endpoints::import(limited, requester, &content, Clock::SYSTEM.now())
        .await
        .map_err(app_error)?;
    if as_json {
        print_line(&summary_json(&imported).to_string());
    } else {
        if !imported.unread_columns.is_empty() {
            print_note(&format!(
                "columns that are not read: {}",
                imported.unread_columns.join(", ")
            ));
        }
        for refused in &imported.refused {
            print_note(&format!("line {}: {}", refused.line, refused.reason));
        }
        print_line(&format!(
            "{} added, {} already existed, {} rejected",
            text::count(imported.added as u64, "endpoint"),
            imported.already_there,
            imported.refused.len()
        ));
    }
    if imported.added > 0 {
        note_if_local(requester.guild);
        return Ok(());
    }
    // A second import of the same file is no failure.
    match imported.already_there > 0 && imported.refused.is_empty() {
        true => Ok(()),
        false => Err(AppError::Other("no endpoint was added".to_owned())),
    }
}

fn summary_json(imported: &Imported) -> serde_json::Value {
    let refused: Vec<_> = imported
        .refused
        .iter()
        .map(|refused| json!({ "line": refused.line, "reason": refused.reason }))
        .collect();
    json!({
        "added": imported.added, "already_there": imported.already_there, "refused": refused,
        "unread_columns": imported.unread_columns,
    })
}

async fn export(
    settings: &Settings,
    store: &Store,
    guild: GuildArgument,
    format: FormatArgument,
) -> Result<(), AppError> {
    let format = match format {
        FormatArgument::Txt => ExportFormat::Text,
        FormatArgument::Csv => ExportFormat::Csv,
        FormatArgument::Json => ExportFormat::Json,
    };
    let endpoints = endpoint::all(&store.reader, Some(guild.guild_id(settings))).await?;
    let file = export_endpoints::export(&endpoints, format).map_err(app_error)?;
    // A closed pipe is not an error.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), &file);
    Ok(())
}
