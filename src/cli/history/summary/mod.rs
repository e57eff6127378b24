//! `rollcall summary`: what happened to the monitors in a range, as a file; and which channels get summaries.

mod json;
mod schedules;

use std::path::{Path, PathBuf};

use crate::actions::history::summary;
use crate::app::AppError;
use crate::cli::terminal::guild_argument::GuildArgument;
use crate::cli::terminal::{print_line, print_note};
use crate::cli::{Database, with_store};
use crate::clock::Clock;
use crate::domain::history::range::parse_range;
use crate::domain::text;
use crate::notify::summary::{SummaryDocument, csv, html, markdown};
use crate::settings::Settings;
use crate::store::guild::guild_setting;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct SummaryArguments {
    #[command(subcommand)]
    command: Option<schedules::ScheduleCommand>,
    #[command(flatten)]
    show: ShowArguments,
}

#[derive(Debug, clap::Args)]
struct ShowArguments {
    /// Range in the time zone of the Discord server, such as yesterday, "last week", 2026-10 or 2026-10-03..2026-10-17
    #[arg(long, value_name = "RANGE", default_value = "7d")]
    range: String,
    /// Format of the output; html is one page that prints on A4
    #[arg(long, value_enum, default_value_t)]
    format: SummaryFormat,
    /// File to write, in place of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    guild: GuildArgument,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum SummaryFormat {
    /// Markdown
    #[default]
    Md,
    /// One line for each monitor
    Csv,
    Json,
    Html,
}

pub(in crate::cli) async fn run(
    settings: &Settings,
    arguments: SummaryArguments,
) -> Result<(), AppError> {
    match arguments.command {
        Some(command) => schedules::run(settings, command).await,
        None => show(settings, arguments.show).await,
    }
}

async fn show(settings: &Settings, arguments: ShowArguments) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| {
        let now = Clock::SYSTEM.now();
        let guild = arguments.guild.guild_id(settings);
        let zone = guild_setting::timezone(&store.reader, guild).await?;
        let range = parse_range(&arguments.range, zone, now)
            .map_err(|error| AppError::Setting(format!("--range: {error}")))?;
        let summary = summary::of(&store.reader, guild, range, now).await?;
        let document = SummaryDocument { summary, zone };
        let written = written(&document, arguments.format)?;
        match &arguments.output {
            Some(file) => save(file, &written),
            None => {
                print_line(written.trim_end_matches('\n'));
                Ok(())
            }
        }
    })
    .await
}

/// The summary in a format, with a line break at its end.
fn written(document: &SummaryDocument, format: SummaryFormat) -> Result<String, AppError> {
    Ok(match format {
        SummaryFormat::Md => markdown::markdown(document),
        SummaryFormat::Html => html::html(document),
        SummaryFormat::Json => format!("{}\n", json::summary(&document.summary)),
        SummaryFormat::Csv => {
            let file = csv::csv(document, usize::MAX)
                .map_err(|error| AppError::Other(format!("cannot write CSV: {error}")))?;
            String::from_utf8_lossy(&file).into_owned()
        }
    })
}

fn save(file: &Path, written: &str) -> Result<(), AppError> {
    std::fs::write(file, written)
        .map_err(|error| AppError::Other(format!("cannot write {}: {error}", file.display())))?;
    let size = text::bytes(u64::try_from(written.len()).unwrap_or(u64::MAX));
    print_note(&format!("Wrote {} ({size})", file.display()));
    Ok(())
}
