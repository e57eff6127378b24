//! The command line: `run` and the one-shot commands, which work with or without a running bot.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 done, 2 settings or usage, 3 database,
//! 4 Discord refused permanently, 1 anything else.

mod agent;
mod alerts;
mod device;
mod doctor;
mod endpoint;
mod guild;
mod history;
mod key;
mod ping;
mod server;
mod settings;
mod silence;
mod status_page;
mod terminal;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use self::terminal::{print_line, print_note, usage};
use crate::app::{self, AppError};
use crate::domain::monitor::parse_name;
use crate::private_files;
use crate::settings::{Settings, SettingsError};
use crate::store::Store;
use crate::telemetry;

/// Rollcall, a monitoring bot for Discord.
///
/// Checks endpoints, receives heartbeats and reports, and sends alerts to Discord when something goes offline or recovers.
/// Settings come from the environment or from a `.env` file; `.env.example` lists them all.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "Examples:\n  rollcall run\n  rollcall endpoint add https://example.org/health --name shop\n  rollcall check --inactive --json\n  rollcall recheck --hours 1 --batch 100"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot until SIGTERM or Ctrl-C (default)
    Run,
    /// Check endpoints once and record the results
    Check(endpoint::check::CheckArguments),
    /// Recheck inactive endpoints that are due (for cron)
    Recheck(endpoint::check::RecheckArguments),
    /// Add, list, remove, import and export endpoints
    #[command(subcommand)]
    Endpoint(endpoint::EndpointCommand),
    /// Create, list, rotate and revoke API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Add, list, show and remove devices that send heartbeats
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// Add, list and remove servers whose agents send reports, and set limits on what they report
    #[command(subcommand)]
    Server(server::ServerCommand),
    /// Show and set where alerts go
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    /// Show the uptime of monitors
    Uptime(history::uptime::UptimeArguments),
    /// Draw the latency of a monitor, what a server reports, or the uptime of all monitors
    Chart(history::chart::ChartArguments),
    /// Export the history of monitors
    #[command(subcommand)]
    History(history::HistoryCommand),
    /// Set, remove and list objectives: how much of the time monitors are to be online
    #[command(subcommand)]
    Objective(history::objective::ObjectiveCommand),
    /// Create, fill, list and remove status pages, which anybody can read
    #[command(subcommand, name = "statuspage")]
    StatusPage(status_page::StatusPageCommand),
    /// Summarize a range, and schedule summaries for channels
    Summary(history::summary::SummaryArguments),
    /// Mute monitors, and plan maintenance
    #[command(subcommand)]
    Silence(silence::SilenceCommand),
    /// List the Discord servers, delete the data of one, move monitors into one, or let a new bot take over
    #[command(subcommand)]
    Guild(guild::GuildCommand),
    /// Look for what keeps Rollcall from working, and say what to do
    Doctor(doctor::DoctorArguments),
    /// Show the settings that are in force, and where each comes from
    Settings(settings::SettingsArguments),
    /// Back up the database to a file, even while the bot runs
    Backup {
        /// The file to write; it must not exist yet
        file: PathBuf,
    },
    /// Report this machine as a server: processors, memory, disks and network
    Agent(agent::AgentArguments),
    /// Run a job and report its start, its exit status and its output to a ping URL
    Ping(ping::PingArguments),
    /// Check whether a running bot is healthy; exit code 0 if so, 1 if not (for Docker and systemd)
    Healthcheck,
    /// Print the manual page, or write one for every command
    Man {
        /// Write a page for every command into this folder, such as /usr/local/share/man/man1
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Parses the command line, runs the command and returns the exit code.
pub fn main() -> ExitCode {
    let arguments: Arguments = match usage::parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match arguments.command.unwrap_or(Command::Run) {
        Command::Completions { shell } => {
            let mut definition = Arguments::command();
            clap_complete::generate(shell, &mut definition, "rollcall", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
        Command::Man { dir } => match manual(dir.as_deref()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        },
        // These two run on any machine, without settings and without a database.
        Command::Agent(arguments) => agent::main(arguments),
        Command::Ping(arguments) => ping::main(arguments),
        command => on_all_processors(command),
    }
}

fn on_all_processors(command: Command) -> ExitCode {
    private_files::restrict_new_files();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return no_runtime(&error),
    };
    let result = runtime.block_on(dispatch(command));
    // A name lookup in progress blocks a thread that cannot be stopped; it must not delay the exit.
    runtime.shutdown_timeout(Duration::from_millis(500));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Prints the manual page of `rollcall`, or writes the pages of all commands.
fn manual(folder: Option<&Path>) -> Result<(), AppError> {
    let definition = Arguments::command();
    let Some(folder) = folder else {
        let page = clap_mangen::Man::new(definition);
        // A closed pipe (`| head`) is not an error.
        let _ = page.render(&mut std::io::stdout());
        return Ok(());
    };
    clap_mangen::generate_to(definition, folder).map_err(|error| {
        AppError::Setting(format!(
            "--dir: {} cannot be written: {}. Example: --dir /usr/local/share/man/man1",
            folder.display(),
            private_files::reason(&error)
        ))
    })?;
    print_note(&format!("Wrote the manual pages to {}", folder.display()));
    Ok(())
}

/// Runs work that needs little: one thread, and none is waited for at the end.
fn on_one_thread(work: impl Future<Output = Result<ExitCode, AppError>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return no_runtime(&error),
    };
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result.unwrap_or_else(|error| fail(&error))
}

fn no_runtime(error: &std::io::Error) -> ExitCode {
    fail(&AppError::Other(format!(
        "the runtime cannot start: {error}"
    )))
}

fn fail(error: &AppError) -> ExitCode {
    // Standard error may be closed; the exit code reports the failure anyway.
    let _ = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::from(error.exit_code())
}

async fn dispatch(command: Command) -> Result<(), AppError> {
    if let Command::Settings(arguments) = command {
        return settings::run(&arguments);
    }
    let settings = match (Settings::from_environment(), &command) {
        (Err(SettingsError(mistakes)), Command::Doctor(arguments)) => {
            return doctor::refuse(&mistakes, arguments);
        }
        (settings, _) => settings?,
    };
    // `run` has a log for them, and the doctor has lines of its own.
    if !matches!(command, Command::Run | Command::Doctor(_)) {
        for warning in &settings.warnings {
            print_note(&format!("warning: {warning}"));
        }
    }
    match command {
        Command::Run => app::run(settings).await,
        Command::Check(arguments) => endpoint::check::check(&settings, arguments).await,
        Command::Recheck(arguments) => endpoint::check::recheck(&settings, arguments).await,
        Command::Endpoint(command) => endpoint::run(&settings, command).await,
        Command::Key(command) => key::run(&settings, command).await,
        Command::Device(command) => device::run(&settings, command).await,
        Command::Server(command) => server::run(&settings, command).await,
        Command::Alerts(command) => alerts::run(&settings, command).await,
        Command::History(command) => history::run(&settings, command).await,
        Command::Uptime(arguments) => history::uptime::run(&settings, arguments).await,
        Command::Chart(arguments) => history::chart::run(&settings, arguments).await,
        Command::StatusPage(command) => status_page::run(&settings, command).await,
        Command::Objective(command) => history::objective::run(&settings, command).await,
        Command::Summary(arguments) => history::summary::run(&settings, arguments).await,
        Command::Silence(command) => silence::run(&settings, command).await,
        Command::Guild(command) => guild::run(&settings, command).await,
        Command::Doctor(arguments) => doctor::run(&settings, &arguments).await,
        Command::Backup { file } => backup(&settings, &file).await,
        Command::Healthcheck => doctor::healthcheck::run(&settings).await,
        Command::Agent(_)
        | Command::Ping(_)
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Settings(_) => Ok(()),
    }
}

/// Whether a command creates the database if there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Database {
    /// What only reads or removes would create an empty one in a wrong folder.
    Existing,
    MayBeNew,
}

/// Opens the database for a one-shot command and closes it regardless of the result.
async fn with_store<T>(
    settings: &Settings,
    database: Database,
    work: impl AsyncFnOnce(&Store) -> Result<T, AppError>,
) -> Result<T, AppError> {
    if database == Database::Existing {
        Store::must_exist(&settings.database.url)?;
    }
    // Without effect if the command has started it.
    telemetry::start_one_shot(false, app::LIBRARIES);
    let store = Store::open(&settings.database.url).await?;
    let result = work(&store).await;
    let damage = store.damage();
    store.close().await;
    match damage {
        // It says how to restore the file; the error of the command does not.
        Some(damage) => result.map_err(|_| damage.into()),
        None => result,
    }
}

async fn backup(settings: &Settings, file: &Path) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| {
        store.reader.backup(file).await?;
        print_line(&format!("Backed up the database to {}", file.display()));
        Ok(())
    })
    .await
}

/// Reads the name of a monitor, a group or a silence.
fn name(text: &str) -> Result<String, String> {
    parse_name(text).map_err(|error| error.to_string())
}
