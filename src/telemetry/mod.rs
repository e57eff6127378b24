//! The log: to the console and to files; `logs/bot.log` links to the latest.
//!
//! Rules: a message is clear by itself, and its fields can be filtered; field names have units; a failure is logged once,
//! where it is handled; secrets and message contents never are. Libraries log at `warn` regardless of Rollcall's own level,
//! because their debug lines contain interaction tokens and URLs. Only the statements of the database are logged, too, at
//! `LOG_LEVEL=trace`, without their values. Every line passes through `scrub`.

mod log_files;
mod scrub;

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::Clock;
use crate::private_files;
use crate::settings::{LogFormat, LogSettings};

use scrub::Scrubbed;
pub use scrub::Secrets;

/// Lines that may wait for the disk. Their memory is allocated at the start, 32 bytes per line.
const WAITING_LINES: usize = 8 * 1024;

/// The lines of libraries that are treated in their own way, by the targets under which they are logged.
#[derive(Clone, Copy, Debug)]
pub struct LibraryTargets {
    /// Statements of the database, which are logged at `trace` only.
    pub statements: &'static str,
    /// Lines that are never logged.
    pub omitted: &'static [&'static str],
}

/// Keeps the writer of the log alive; dropping it writes pending lines.
#[derive(Debug)]
pub struct LogGuard {
    _writer: tracing_appender::non_blocking::WorkerGuard,
}

/// Starts the log, which never contains any of `secrets`. Nothing is logged before, so it starts right after the settings
/// are read.
pub fn start(
    settings: &LogSettings,
    secrets: Secrets,
    libraries: LibraryTargets,
) -> Result<LogGuard, LogError> {
    let refuse = |error: &dyn fmt::Display| LogError {
        dir: settings.dir.display().to_string(),
        reason: error.to_string(),
    };
    let limits = log_files::LogLimits {
        file_size: settings.file_size,
        files: settings.keep_files,
        days: settings.keep_days,
    };
    let file = log_files::LogFiles::open(&settings.dir, limits, Clock::SYSTEM)
        .map_err(|error| refuse(&private_files::reason(&error)))?;
    let (file, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .finish(file);
    let filter = filter(settings.level, libraries);
    tracing_subscriber::registry()
        .with(layer(
            settings,
            &filter,
            Scrubbed {
                inner: std::io::stderr,
                secrets: secrets.clone(),
            },
        ))
        .with(layer(
            settings,
            &filter,
            Scrubbed {
                inner: file,
                secrets,
            },
        ))
        .try_init()
        .map_err(|error| refuse(&error))?;
    Ok(LogGuard { _writer: guard })
}

/// Starts the log of a one-shot command: warnings to the terminal, or everything with `verbose`.
pub fn start_one_shot(verbose: bool, libraries: LibraryTargets) {
    let level = if verbose { Level::DEBUG } else { Level::WARN };
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(PlainLine)
        .with_writer(std::io::stderr)
        .with_filter(filter(level, libraries));
    // Only a second call in one process fails here, and then a log is running already.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// The crates whose lines count as Rollcall's own.
const OWN_CRATES: [&str; 2] = ["rollcall", "discord_gateway_relay"];

/// Own lines from `level` on, warnings of other crates, and all statements at `trace`.
fn filter(level: Level, libraries: LibraryTargets) -> Targets {
    let of_statements = match level {
        Level::TRACE => Level::DEBUG,
        _ => Level::ERROR,
    };
    let omitted = libraries.omitted.iter();
    Targets::new()
        .with_default(Level::WARN)
        .with_targets(OWN_CRATES.map(|name| (name, level)))
        .with_target(libraries.statements, of_statements)
        .with_targets(omitted.map(|target| (*target, LevelFilter::OFF)))
}

fn layer<S, W>(
    settings: &LogSettings,
    filter: &Targets,
    writer: W,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter = filter.clone();
    match settings.format {
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .with_writer(writer)
            .with_filter(filter)
            .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(PlainLine)
            .with_writer(writer)
            .with_filter(filter)
            .boxed(),
    }
}

/// The log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "LOG_DIR: the log cannot be written to {dir}: {reason}. Example: LOG_DIR=logs, in a folder that Rollcall can write to"
)]
pub struct LogError {
    dir: String,
    reason: String,
}

/// `2026-01-31T12:00:00Z [INFO] rollcall: message field=value`.
struct PlainLine;

impl<S, N> FormatEvent<S, N> for PlainLine
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let seconds = Clock::SYSTEM.now().seconds();
        let time = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        let level = match *event.metadata().level() {
            Level::WARN => "WARNING",
            Level::ERROR => "ERROR",
            Level::INFO => "INFO",
            Level::DEBUG => "DEBUG",
            Level::TRACE => "TRACE",
        };
        let root = event
            .metadata()
            .target()
            .split("::")
            .next()
            .filter(|name| !OWN_CRATES.contains(name))
            .unwrap_or("rollcall");
        write!(
            out,
            "{} [{level}] {root}: ",
            time.format("%Y-%m-%dT%H:%M:%SZ")
        )?;
        context.format_fields(out.by_ref(), event)?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span
                .extensions()
                .get::<FormattedFields<N>>()
                .filter(|fields| !fields.is_empty())
            {
                write!(out, " {fields}")?;
            }
        }
        writeln!(out)
    }
}
