//! Composition: builds all components, starts and supervises them, and drains them on shutdown.

mod last_words;
mod parts;
mod shutdown;

use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::domain::notifications::presence::{PresenceUpdate, presence};
use crate::health::Token;
use crate::notify::service_manager;
use crate::settings::Settings;
use crate::store::guild;
use crate::store::monitors::monitor;
use crate::store::{STATEMENT_LOG, Store, StoreError};
use crate::telemetry::LibraryTargets;
use crate::{clock, discord, http, jobs, private_files, telemetry, web};

// For the command line, which asks Discord, too.
pub use crate::discord::bot::diagnosis::{Diagnosis, NoAnswer};
pub use crate::notify::messenger::ChannelAccess;
pub(crate) use parts::Parts;
pub use parts::{application, channel_access, checks, diagnosis, unlimited_prober};
use shutdown::Signals;

/// What libraries log is treated like this.
pub(crate) const LIBRARIES: LibraryTargets = LibraryTargets {
    statements: STATEMENT_LOG,
    omitted: &discord::REPEATED_LOG,
};

/// Why the bot did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Settings(#[from] crate::settings::SettingsError),
    #[error("{0}")]
    Setting(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Discord(#[from] discord::Refused),
    #[error("{0}")]
    Other(String),
}

impl AppError {
    /// 2 for settings, 3 for the database, 4 if Discord refused permanently, 1 for anything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::Setting(_)
            | Self::Discord(discord::Refused::Application { .. }) => 2,
            Self::Store(_) => 3,
            Self::Discord(_) => 4,
            Self::Other(_) => 1,
        }
    }
}

/// Runs the bot until a signal arrives.
pub async fn run(settings: Settings) -> Result<(), AppError> {
    let log = telemetry::start(&settings.log, parts::secrets(&settings), LIBRARIES)
        .map_err(|error| AppError::Setting(error.to_string()))?;
    // A panic must appear in the log, too.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, "a task panicked");
    }));
    if let Some(file) = settings.clock_offset_file.clone() {
        clock::add_offset_from(file);
    }
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let lock = Store::lock(&settings.database.url)?;
    let store = Store::open_for_run(&settings.database.url).await?;
    let examination = store.examine_in_background();
    let result = run_on(&settings, &store).await;
    // It says how to restore the file; the error of a statement does not.
    let result = match (result, store.damage()) {
        (Err(_), Some(damage)) => Err(damage.into()),
        (result, _) => result,
    };
    drop(examination);
    store.close().await;
    drop((lock, log));
    result
}

/// The list of parts: HTTP server, jobs, Discord.
async fn run_on(settings: &Settings, store: &Store) -> Result<(), AppError> {
    let parts = Parts::new(settings, store)?;
    let listeners = listen(settings, store).await?;
    let bound = address_of(&listeners.http)?;
    let (stop_sender, stop) = watch::channel(false);
    let (presence_sender, presence_receiver) = watch::channel(PresenceUpdate {
        presence: presence(&[], &settings.discord.presence),
        refreshes: 0,
    });
    let mut signals = Signals::new()?;

    let jobs = parts.jobs(presence_sender)?;
    jobs::show_in_metrics(&jobs);
    discord::show_in_metrics(&parts.metrics);
    let server = http::HttpServer {
        listener: listeners.http,
        metrics_listener: listeners.metrics,
        app: parts.http(),
        pages: web::routes(parts.pages(bound)),
    };
    let mut tasks = vec![tokio::spawn(server.run(stop.clone()))];
    tasks.extend(jobs::start(&jobs, &stop).await?);
    let app = parts.discord(presence_receiver, bound);
    let mut discord = discord::start(parts::discord_config(settings), app, &stop);
    service_manager::ready();

    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        damage = store.damage_found() => Err(AppError::Store(damage)),
        refused = discord.refused() => Err(AppError::Discord(refused)),
        () = parts.health.token_is(Token::Rejected) => Err(AppError::Discord(discord::Refused::Token)),
    };
    if let Err(AppError::Discord(refused)) = &ended {
        last_words::notify(store, refused, parts.checks.clock.now()).await;
    }
    service_manager::stopping();
    tracing::info!("stopping");
    stop_sender.send_replace(true);
    shutdown::drain(tasks, discord).await;
    ended
}

/// Whether the HTTP server could listen on the addresses of the settings.
pub async fn can_listen(settings: &Settings) -> Result<(), AppError> {
    bind("HTTP_BIND", settings.http.bind).await?;
    if let Some(address) = settings.http.metrics_bind {
        bind("METRICS_BIND", address).await?;
    }
    Ok(())
}

/// The HTTP server's ports.
struct Listeners {
    http: TcpListener,
    /// Of the operator's pages; `None`: they are on the other one.
    metrics: Option<TcpListener>,
}

/// Opens the HTTP server's ports and publishes their addresses.
async fn listen(settings: &Settings, store: &Store) -> Result<Listeners, AppError> {
    let http = bind("HTTP_BIND", settings.http.bind).await?;
    let metrics = match settings.http.metrics_bind {
        Some(address) => Some(bind("METRICS_BIND", address).await?),
        None => None,
    };
    if let (Some(listener), Some(file)) = (&metrics, settings.http.metrics_addr_file()) {
        publish(&file, address_of(listener)?)?;
    }
    announce(settings, store, address_of(&http)?).await?;
    if let Some(listener) = &metrics {
        let address = address_of(listener)?;
        tracing::info!("metrics and health pages on {address}");
    }
    Ok(Listeners { http, metrics })
}

async fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, AppError> {
    http::bind(setting, address)
        .await
        .map_err(|error| match error {
            // The other program may end, so the service manager may try again.
            http::BindError::InUse { .. } => AppError::Other(error.to_string()),
            http::BindError::Refused { .. } => AppError::Setting(error.to_string()),
        })
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, AppError> {
    let address = listener.local_addr();
    address.map_err(|error| AppError::Other(error.to_string()))
}

/// Publishes the address of the HTTP server: in the log, and in a file for a program that started Rollcall with port 0.
async fn announce(settings: &Settings, store: &Store, address: SocketAddr) -> Result<(), AppError> {
    let monitors = monitor::counts_by_status(&store.reader, None).await?;
    let guilds = guild::all(&store.reader).await?;
    tracing::info!(
        database = %settings.database.url,
        monitors = monitors.iter().map(|(_, count)| count).sum::<u64>(),
        guilds = guilds.values().filter(|guild| guild.left_at.is_none()).count(),
        "Rollcall {} is up, HTTP on {address}",
        env!("CARGO_PKG_VERSION")
    );
    match &settings.http.addr_file {
        Some(file) => publish(file, address),
        None => Ok(()),
    }
}

/// Writes an address to a file of `ROLLCALL_ADDR_FILE`.
fn publish(file: &Path, address: SocketAddr) -> Result<(), AppError> {
    // A reader must never see part of an address.
    private_files::replace(file, &format!("{address}\n")).map_err(|error| {
        AppError::Setting(format!(
            "ROLLCALL_ADDR_FILE: {} cannot be written: {}. Example: ROLLCALL_ADDR_FILE=/run/rollcall/address",
            file.display(),
            private_files::reason(&error)
        ))
    })
}
