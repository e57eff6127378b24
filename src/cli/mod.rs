//! The command line: `run` and the one-shot commands, which work with or without a running bot.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 done, 2 settings or usage, 3 database,
//! 4 Discord refused permanently, 1 anything else.

mod check;
mod endpoint;
mod healthcheck;
mod http_check;
mod key;
mod progress;
mod server;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use crate::app::{self, AppError};
use crate::domain::text::parse_duration;
use crate::settings::Settings;
use crate::store::Store;
use crate::telemetry;

/// Rollcall, the monitor that lives in Discord.
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
    Check(check::CheckArguments),
    /// Recheck inactive endpoints that are due (for cron)
    Recheck(check::RecheckArguments),
    /// Add, list, remove, import and export endpoints
    #[command(subcommand)]
    Endpoint(endpoint::EndpointCommand),
    /// Create, list, rotate and revoke API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Add and list servers whose agents send reports
    #[command(subcommand)]
    Server(server::ServerCommand),
    /// Back up the database to a file, also while the bot runs
    Backup {
        /// The file to write; it must not exist yet
        file: PathBuf,
    },
    /// Check whether a running bot is healthy; exit code 0 means yes (for Docker and systemd)
    Healthcheck,
    /// Print completions for a shell
    Completions {
        /// The shell: bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// Parses the command line, runs the command and returns the exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command.unwrap_or(Command::Run);
    if let Command::Completions { shell } = command {
        clap_complete::generate(
            shell,
            &mut Arguments::command(),
            "rollcall",
            &mut std::io::stdout(),
        );
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(&AppError::Other(format!(
                "the runtime cannot start: {error}"
            )));
        }
    };
    let result = runtime.block_on(dispatch(command));
    // A name lookup in progress blocks a thread that cannot be stopped; it must not delay the exit.
    runtime.shutdown_timeout(Duration::from_millis(500));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &AppError) -> ExitCode {
    // Standard error may be closed; the exit code reports the failure anyway.
    let _ = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::from(error.exit_code())
}

async fn dispatch(command: Command) -> Result<(), AppError> {
    let settings = Settings::from_environment()?;
    // `run` has a log for them.
    if !matches!(command, Command::Run) {
        for warning in &settings.warnings {
            print_note(&format!("warning: {warning}"));
        }
    }
    match command {
        Command::Run => app::run(settings).await,
        Command::Check(arguments) => check::check(&settings, arguments).await,
        Command::Recheck(arguments) => check::recheck(&settings, arguments).await,
        Command::Endpoint(command) => endpoint::run(&settings, command).await,
        Command::Key(command) => key::run(&settings, command).await,
        Command::Server(command) => server::run(&settings, command).await,
        Command::Backup { file } => backup(&settings, &file).await,
        Command::Healthcheck => healthcheck::run(&settings).await,
        Command::Completions { .. } => Ok(()),
    }
}

/// Opens the database for a one-shot command and closes it regardless of the result.
async fn with_store<T>(
    settings: &Settings,
    verbose: bool,
    work: impl AsyncFnOnce(&Store) -> Result<T, AppError>,
) -> Result<T, AppError> {
    telemetry::start_one_shot(verbose);
    let store = Store::open(&settings.database_url).await?;
    let result = work(&store).await;
    store.close().await;
    result
}

async fn backup(settings: &Settings, file: &std::path::Path) -> Result<(), AppError> {
    with_store(settings, false, async |store| {
        store.reader.backup(file).await?;
        print_line(&format!("The database was copied to {}", file.display()));
        Ok(())
    })
    .await
}

/// Prints a line to standard output. A closed pipe (`| head`) is not an error.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a note to standard error, so that it does not mix with data.
fn print_note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Parses a duration such as `10s` or `500ms`; a bare number is in seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    parse_duration(text, Duration::from_secs(1))
        .filter(|length| !length.is_zero())
        .ok_or_else(|| "must be a duration. Example: `10s`, `500ms` or `1h`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_definition_is_valid() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_command_means_run() {
        assert!(
            Arguments::try_parse_from(["rollcall"])
                .unwrap()
                .command
                .is_none()
        );
    }

    #[test]
    fn invalid_durations_are_refused_with_an_example() {
        assert_eq!(seconds("10"), Ok(Duration::from_secs(10)));
        assert!(seconds("soon").unwrap_err().contains("Example:"));
    }

    /// Checks a command and the commands below it against the page, row by row.
    fn compare(page: &str, path: &str, command: &clap::Command) {
        let below: Vec<_> = command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
            .collect();
        for below in &below {
            compare(page, &format!("{path} {}", below.get_name()), below);
        }
        if !below.is_empty() {
            return;
        }
        let row = page
            .lines()
            .find(|line| line.starts_with("| `rollcall") && line.contains(path))
            .unwrap_or_else(|| panic!("{path} is missing"));
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            let is_common = flag == "help" || flag == "version";
            assert!(
                is_common || row.contains(&format!("--{flag}")),
                "{path} --{flag}: {row}"
            );
        }
    }

    #[test]
    fn the_page_of_the_command_line_lists_every_command_and_flag() {
        let page = std::fs::read_to_string("docs/command-line.md").unwrap();
        let mut command = Arguments::command();
        command.build();
        compare(&page, "rollcall", &command);
    }
}
