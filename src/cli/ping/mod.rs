//! `rollcall ping`: runs a job and reports it to the ping URL of a device. It runs where nothing else of Rollcall is, so it
//! reads no settings and opens no database. The job's result is what counts: no failure of a ping changes it.

mod delivery;
mod job;
mod output_tail;
mod ping_address;
mod reported_run;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use self::delivery::{PingMessage, PingSender};
use self::ping_address::PingAddress;
use self::reported_run::{ReportedRun, RunReporter};
use crate::app::AppError;
use crate::cli::on_one_thread;
use crate::cli::terminal::{input_file, print_note, seconds};
use crate::private_files;

#[derive(Debug, Args)]
#[command(
    override_usage = "rollcall ping [OPTIONS] <URL|--url-file <FILE>> [-- <COMMAND>...]",
    after_help = "Examples:\n  rollcall ping --url-file backup.url -- /usr/local/bin/backup --all\n  rollcall ping https://rollcall.example.org/ping/<uuid>"
)]
pub(super) struct PingArguments {
    /// Ping URL, as `/device add` shows it; other users of this machine can read it here
    #[arg(required_unless_present = "url_file", conflicts_with = "url_file")]
    url: Option<String>,
    /// File with the ping URL
    #[arg(long, value_name = "FILE")]
    url_file: Option<PathBuf>,
    /// Report a failure if the job still runs after this time, such as 2h; the job is not stopped
    #[arg(long, value_name = "TIME", value_parser = seconds, requires = "command")]
    timeout: Option<Duration>,
    /// Print nothing but the output of the job
    #[arg(long)]
    quiet: bool,
    /// Command of the job and its arguments; without it, one ping is sent
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// Sends a ping, or runs a job and returns its exit code.
pub(super) fn main(arguments: PingArguments) -> ExitCode {
    on_one_thread(run(arguments))
}

async fn run(arguments: PingArguments) -> Result<ExitCode, AppError> {
    let note = match arguments.quiet {
        true => |_: &str| {},
        false => |line: &str| print_note(&format!("rollcall ping: {line}")),
    };
    if let Some(warning) = arguments.url_file.as_deref().and_then(warning) {
        note(&warning);
    }
    if arguments.command.is_empty() {
        let sent = one_ping(&arguments).await?;
        return Ok(match sent {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                note(&format!("the ping was not delivered: {reason}"));
                ExitCode::FAILURE
            }
        });
    }
    let reporter = match (address(&arguments), &arguments.url) {
        // The command line itself is wrong.
        (Err(error), Some(_)) => return Err(error),
        (Err(error), None) => Err(error.to_string()),
        (Ok(address), _) => PingSender::new().map(|sender| RunReporter::new(sender, address)),
    };
    // A file that was lost must not keep a backup from running. Rollcall notices that there is no ping.
    if let Err(reason) = &reporter {
        note(&format!("the job runs without pings: {reason}"));
    }
    let run = ReportedRun {
        command: &arguments.command,
        timeout: arguments.timeout,
        reporter: reporter.ok(),
        note,
    };
    run.finish().await.map(ExitCode::from)
}

/// Sends a single ping. The inner error says why it was not delivered.
async fn one_ping(arguments: &PingArguments) -> Result<Result<(), String>, AppError> {
    let address = parse(arguments, PingAddress::of_ping)?;
    let message = PingMessage {
        url: address.url(),
        body: Vec::new(),
    };
    let sender = PingSender::new().map_err(AppError::Other)?;
    Ok(sender.deliver(message).await)
}

fn address(arguments: &PingArguments) -> Result<PingAddress, AppError> {
    parse(arguments, PingAddress::of_job)
}

/// Reads the ping URL from the argument or from the file.
fn parse<E: std::fmt::Display>(
    arguments: &PingArguments,
    read: impl Fn(&str) -> Result<PingAddress, E>,
) -> Result<PingAddress, AppError> {
    let (option, text) = match (&arguments.url, &arguments.url_file) {
        (Some(url), _) => ("URL", url.clone()),
        (None, file) => {
            let file = file.as_deref().unwrap_or(Path::new("-"));
            let lines = input_file::read_secret("--url-file", file)?;
            ("--url-file", lines.join("\n"))
        }
    };
    read(&text).map_err(|error| AppError::Setting(format!("{option}: {error}")))
}

/// The warning if others than the owner can read the file with the URL.
fn warning(file: &Path) -> Option<String> {
    let mode = private_files::mode_to_tighten(file)?;
    let file = file.display();
    Some(format!(
        "warning: other users can read {file}. Run `chmod {mode} {file}`"
    ))
}
