//! `rollcall agent`: reports this machine as a server. It runs where nothing else of Rollcall is, so it reads no settings and
//! opens no database.

mod address;
mod backoff;
mod collector;
mod key_file;
mod machine;
mod reachability;
mod sender;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::collector::Collector;
use self::key_file::AgentKey;
use self::reachability::Reachability;
use self::sender::{ReportResult, ReportSender};
use crate::app::AppError;
use crate::cli::terminal::{print_line, print_note, seconds};
use crate::clock::Stopwatch;
use crate::domain::devices::public_url::PublicUrl;
use crate::domain::text;

/// The shortest interval between two reports. Rollcall counts reports that are less than 5 s apart as one.
const SHORTEST: Duration = Duration::from_secs(5);

/// The longest interval between two reports.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Args)]
#[command(
    override_usage = "rollcall agent --url <URL> --key-file <FILE> [--every <TIME>] [--once]\n       rollcall agent --print"
)]
pub(super) struct AgentArguments {
    #[arg(long, value_name = "URL", value_parser = address::parse, required_unless_present = "print", help = "Address of Rollcall, such as https://rollcall.example.org")]
    url: Option<PublicUrl>,
    /// File with the key of the server: the key, or the header line that `/server add` saves
    #[arg(long, value_name = "FILE", required_unless_present = "print")]
    key_file: Option<PathBuf>,
    /// Interval between two reports, at least 5s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = interval)]
    every: Duration,
    /// Send one report; exit code 0 if Rollcall has accepted it, else 1
    #[arg(long)]
    once: bool,
    /// Print one report as JSON and send nothing; needs no other option
    #[arg(long)]
    print: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    let length = seconds(text)?;
    (SHORTEST..=LONGEST)
        .contains(&length)
        .then_some(length)
        .ok_or_else(|| "must be from 5s to 1d. Example: `60s`".to_owned())
}

/// Runs the agent until SIGTERM or Ctrl-C, and returns its exit code.
pub(super) fn main(arguments: AgentArguments) -> ExitCode {
    super::on_one_thread(async {
        let stopped = stopped()?;
        tokio::select! {
            () = stopped => {}
            ended = run(arguments) => ended?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Waits for SIGTERM or Ctrl-C, from now on.
fn stopped() -> Result<impl Future<Output = ()>, AppError> {
    let refused = |error| AppError::Other(format!("cannot wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn run(arguments: AgentArguments) -> Result<(), AppError> {
    if arguments.print {
        let machine = Collector::start().await.machine().await;
        print_line(&machine.report().to_string());
        return Ok(());
    }
    let (Some(address), Some(file)) = (arguments.url, arguments.key_file) else {
        // clap requires both.
        return Err(AppError::Setting(
            "--url and --key-file are required".into(),
        ));
    };
    let key = AgentKey::read(&file)?;
    if let Some(warning) = key_file::warning(&file) {
        print_note(&warning);
    }
    if address::exposes_key(&address) {
        print_note(&format!(
            "warning: the key is sent unencrypted to {address}. Use an https:// address"
        ));
    }
    let url = address::report_url(&address);
    let sender = ReportSender::new(url, key).map_err(AppError::Other)?;
    let collector = Collector::start().await;
    if arguments.once {
        return once(&sender, collector).await;
    }
    let every = text::duration(arguments.every);
    print_note(&format!("Reporting to {address} every {every}."));
    report(&sender, collector, arguments.every).await
}

async fn once(sender: &ReportSender, mut collector: Collector) -> Result<(), AppError> {
    match sender.send(&collector.machine().await.report()).await {
        ReportResult::Accepted => Ok(()),
        ReportResult::KeyRefused(reason) => Err(key_refused(&reason)),
        ReportResult::Failed { reason, .. } => Err(AppError::Other(format!(
            "Rollcall did not accept the report: {reason}"
        ))),
    }
}

/// Reports until the key is refused.
async fn report(
    sender: &ReportSender,
    mut collector: Collector,
    every: Duration,
) -> Result<(), AppError> {
    let mut reachability = Reachability::default();
    loop {
        let start = Stopwatch::start();
        let report = collector.machine().await.report();
        let (line, wait) = match sender.send(&report).await {
            ReportResult::Accepted => (
                reachability.accepted(),
                every.saturating_sub(start.elapsed()),
            ),
            ReportResult::KeyRefused(reason) => return Err(key_refused(&reason)),
            ReportResult::Failed {
                reason,
                retry_after,
            } => {
                let line = reachability.failed(&reason);
                let failures = reachability.failures();
                (line, backoff::wait(failures, retry_after, fastrand::f64()))
            }
        };
        if let Some(line) = line {
            print_note(&line);
        }
        tokio::time::sleep(wait).await;
    }
}

fn key_refused(reason: &str) -> AppError {
    AppError::Setting(format!(
        "Rollcall refuses the key: {reason}. Create a new one with `/server rotate_key` in Discord, save it to the key file and start the agent again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_from_five_seconds_to_a_day() {
        for (text, expected) in [
            ("4999ms", None),
            ("5s", Some(5)),
            ("6", Some(6)),
            ("86399", Some(86_399)),
            ("1d", Some(86_400)),
            ("86401", None),
            ("soon", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(interval(text).ok(), expected, "{text}");
        }
    }
}
