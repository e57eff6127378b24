//! `rollcall check` and `rollcall recheck`: one-shot checks, such as from cron, with or without a running bot.

use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use crate::actions::endpoints::check_runner::CheckRunner;
use crate::actions::endpoints::recheck::{self, RecheckOptions, Summary};
use crate::app::{self, AppError};
use crate::cli::terminal::{print_line, print_note, progress, seconds, usage};
use crate::cli::{Database, with_store};
use crate::clock::Stopwatch;
use crate::domain::event::Actor;
use crate::domain::text;
use crate::settings::Settings;
use crate::store::endpoints::endpoint::{self, Scheduled};
use crate::telemetry;

/// The maximum number of endpoints in one `check`.
const MOST: u32 = 1_000_000;

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArguments {
    /// Check active and inactive endpoints (default)
    #[arg(long, conflicts_with_all = ["active", "inactive"])]
    all: bool,
    /// Check active endpoints only
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Check inactive endpoints only
    #[arg(long)]
    inactive: bool,
    /// Check only endpoints whose last check is at least this old, such as 4m; a plain number is in seconds
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    older_than: Option<Duration>,
    /// Check at most this many, oldest check first
    #[arg(long, value_name = "N", value_parser = usage::count::<u32>(MOST))]
    limit: Option<u32>,
    /// Concurrent checks
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = usage::count::<u16>(10_000))]
    concurrent: u16,
    /// Timeout of one check [default: PROBE_TIMEOUT]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Only list the endpoints that would be checked
    #[arg(long)]
    dry_run: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RecheckArguments {
    /// Check only endpoints whose last check is at least this many hours old [default: RECHECK_MIN_AGE]
    #[arg(long, value_name = "N", value_parser = hours)]
    hours: Option<Duration>,
    /// Endpoints loaded at once [default: RECHECK_BATCH]
    #[arg(long, value_name = "N", value_parser = usage::count::<u32>(10_000))]
    batch: Option<u32>,
    /// Concurrent checks [default: RECHECK_CONCURRENCY]
    #[arg(long, value_name = "N", value_parser = usage::count::<u16>(10_000))]
    concurrent: Option<u16>,
    /// Timeout of one check [default: PROBE_TIMEOUT]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print a line for every check
    #[arg(long, short)]
    verbose: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// Parses hours with an optional fraction: `1`, `0.5`, `0`.
fn hours(text: &str) -> Result<Duration, String> {
    let refuse = || "must be a number of hours. Example: `1` or `0.5`".to_owned();
    let hours: f64 = text.parse().map_err(|_| refuse())?;
    Duration::try_from_secs_f64(hours * 3600.0)
        .ok()
        .filter(|length| length.as_secs() <= 31_536_000)
        .ok_or_else(refuse)
}

pub(in crate::cli) async fn check(
    settings: &Settings,
    arguments: CheckArguments,
) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| {
        let checks = app::checks(
            settings,
            store,
            arguments.timeout.unwrap_or(settings.probe.timeout),
        )?;
        let active = match (arguments.active, arguments.inactive) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        let before = checks
            .clock
            .now()
            .minus(arguments.older_than.unwrap_or(Duration::ZERO));
        let endpoints = endpoint::recheckable(
            &store.reader,
            active,
            before,
            arguments.limit.unwrap_or(MOST),
        )
        .await?;
        if arguments.dry_run {
            print_plan(&endpoints, arguments.json);
            return Ok(());
        }
        let how = RunOptions {
            concurrency: arguments.concurrent.into(),
            verbose: false,
            json: arguments.json,
        };
        let stopwatch = Stopwatch::start();
        let summary = check_all(&checks, endpoints, &how).await?;
        print_summary(&summary, stopwatch.elapsed(), arguments.json);
        Ok(())
    })
    .await
}

pub(in crate::cli) async fn recheck(
    settings: &Settings,
    arguments: RecheckArguments,
) -> Result<(), AppError> {
    telemetry::start_one_shot(arguments.verbose, app::LIBRARIES);
    with_store(settings, Database::Existing, async |store| {
        let checks = app::checks(
            settings,
            store,
            arguments.timeout.unwrap_or(settings.probe.timeout),
        )?;
        let how = RunOptions {
            concurrency: arguments
                .concurrent
                .map_or(settings.recheck.concurrency, usize::from),
            verbose: arguments.verbose,
            json: arguments.json,
        };
        let stopwatch = Stopwatch::start();
        let options = RecheckOptions {
            min_age: arguments.hours.unwrap_or(settings.recheck.min_age),
            batch: arguments.batch.unwrap_or(settings.recheck.batch),
            concurrency: how.concurrency,
        };
        let run = recheck::Run {
            guild: None,
            options,
            actor: Actor::CommandLine,
        };
        let bar = progress::spinner(how.json);
        let on_result =
            |endpoint: &Scheduled, result: &str| how.show_result(&bar, endpoint, result);
        let summary = recheck::all_due(&checks, &store.reader, run, on_result).await?;
        bar.finish_and_clear();
        print_summary(&summary, stopwatch.elapsed(), arguments.json);
        Ok(())
    })
    .await
}

/// Concurrency and output of a run.
struct RunOptions {
    concurrency: usize,
    verbose: bool,
    json: bool,
}

impl RunOptions {
    fn show_result(&self, bar: &ProgressBar, endpoint: &Scheduled, result: &str) {
        bar.inc(1);
        if self.verbose {
            bar.suspend(|| print_note(&format!("{}: {result}", endpoint.target)));
        }
    }
}

async fn check_all(
    checks: &CheckRunner,
    endpoints: Vec<Scheduled>,
    how: &RunOptions,
) -> Result<Summary, AppError> {
    let bar = progress::bar(endpoints.len(), how.json);
    let on_result = |endpoint: &Scheduled, result: &str| how.show_result(&bar, endpoint, result);
    let summary = recheck::many(
        checks,
        endpoints,
        how.concurrency,
        Actor::CommandLine,
        on_result,
    )
    .await?;
    bar.finish_and_clear();
    Ok(summary)
}

fn print_plan(endpoints: &[Scheduled], as_json: bool) {
    if as_json {
        let targets: Vec<_> = endpoints
            .iter()
            .map(|endpoint| json!({ "id": endpoint.id.0, "target": endpoint.target.to_string() }))
            .collect();
        return print_line(&json!(targets).to_string());
    }
    for endpoint in endpoints {
        print_line(&endpoint.target.to_string());
    }
    let count = u64::try_from(endpoints.len()).unwrap_or(u64::MAX);
    print_note(&format!(
        "{} would be checked",
        text::count(count, "endpoint")
    ));
}

fn print_summary(summary: &Summary, took: Duration, as_json: bool) {
    if as_json {
        return print_line(
            &json!({
                "found": summary.found,
                "online": summary.online + summary.reactivated,
                "reactivated": summary.reactivated,
                "still_offline": summary.still_offline,
                "warning": summary.warning,
                "unknown": summary.unknown,
                "seconds": (took.as_secs_f64() * 1000.0).round() / 1000.0,
            })
            .to_string(),
        );
    }
    print_line(&format!(
        "Checked {} in {:.1} s: {} online ({} reactivated), {} in warning, {} offline, {} unknown",
        text::count(summary.found, "endpoint"),
        took.as_secs_f64(),
        summary.online + summary.reactivated,
        summary.reactivated,
        summary.warning,
        summary.still_offline,
        summary.unknown,
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_have_a_fraction() {
        assert_eq!(hours("0.5"), Ok(Duration::from_secs(1800)));
        assert_eq!(hours("0"), Ok(Duration::ZERO));
        for wrong in ["-1", "x", "NaN", "1e9"] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
    }
}
