//! `rollcall history export`: every check of a range, as CSV or JSON lines, oldest first for each monitor. The output is written
//! week by week, so its size does not matter.

use std::io::{self, Write};

use serde_json::json;

use super::monitor_arguments::MonitorArguments;
use crate::actions::history::checks::MonitorChecks;
use crate::app::AppError;
use crate::cli::terminal::print_note;
use crate::cli::{Database, with_store};
use crate::clock::Clock;
use crate::domain::history::check_archive::ArchivedCheck;
use crate::domain::history::range::{HistoryRange, parse_range};
use crate::domain::text::{self, csv_cell};
use crate::settings::Settings;
use crate::store::Store;
use crate::store::guild::guild_setting;
use crate::store::history::monitor_history::{self, MonitorHistory};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportArguments {
    #[command(flatten)]
    monitors: MonitorArguments,
    /// Range in the time zone of the Discord server, such as 24h, 7d, today, "this month" or 2026-10
    #[arg(long, value_name = "RANGE", default_value = "24h")]
    range: String,
    /// Format of the output
    #[arg(long, value_enum, default_value_t)]
    format: HistoryFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum HistoryFormat {
    #[default]
    Csv,
    /// A JSON object per line
    Jsonl,
}

pub(in crate::cli) async fn run(
    settings: &Settings,
    arguments: ExportArguments,
) -> Result<(), AppError> {
    with_store(settings, Database::Existing, async |store| {
        let guild = arguments.monitors.guild.guild_id(settings);
        let zone = guild_setting::timezone(&store.reader, guild).await?;
        let range = parse_range(&arguments.range, zone, Clock::SYSTEM.now())
            .map_err(|error| AppError::Setting(format!("--range: {error}")))?;
        let scope = arguments.monitors.scope(settings, store).await?;
        let found = monitor_history::monitors(&store.reader, guild, &scope, range).await?;
        let mut output = ExportOutput::new(arguments.format);
        let exported = export(store, &found, range, &mut output).await?;
        print_note(&format!("Exported {}", text::count(exported, "check")));
        Ok(())
    })
    .await
}

async fn export(
    store: &Store,
    monitors: &[MonitorHistory],
    range: HistoryRange,
    output: &mut ExportOutput,
) -> Result<u64, AppError> {
    let (mut exported, mut is_open) = (0, output.begin());
    for monitor in monitors {
        let of_monitor = MonitorChecks::open(&store.reader, monitor.id).await?;
        if of_monitor.damaged_pieces > 0 {
            print_note(&format!(
                "warning: some recent checks of {} are damaged and were skipped",
                monitor.name
            ));
        }
        for week in of_monitor.weeks(&store.reader, range).await? {
            let found = of_monitor.week(&store.reader, week, range).await?;
            if let Some(damage) = found.damage {
                print_note(&format!("warning: {}, week {week}: {damage}", monitor.name));
            }
            for check in &found.checks {
                is_open = is_open && output.write(monitor, check);
            }
            exported += found.checks.len() as u64;
            if !is_open {
                return Ok(exported);
            }
        }
    }
    output.end();
    Ok(exported)
}

/// Standard output. A closed pipe (`| head`) ends the export and is not an error.
struct ExportOutput {
    format: HistoryFormat,
    writer: csv::Writer<io::Stdout>,
}

impl ExportOutput {
    fn new(format: HistoryFormat) -> Self {
        Self {
            format,
            writer: csv::WriterBuilder::new()
                .flexible(true)
                .from_writer(io::stdout()),
        }
    }

    fn begin(&mut self) -> bool {
        let header = ["id", "name", "at", "result", "reason", "latency_us"];
        self.format == HistoryFormat::Jsonl || self.writer.write_record(header).is_ok()
    }

    /// Whether it could be written.
    fn write(&mut self, monitor: &MonitorHistory, check: &ArchivedCheck) -> bool {
        let at = text::timestamp(check.at);
        let result = check.class.kind().as_str();
        let reason = check.class.failure().map(|failure| failure.as_str());
        let latency = check.latency.value_micros();
        match self.format {
            HistoryFormat::Csv => {
                let (id, latency) = (monitor.id.to_string(), latency.to_string());
                let name = csv_cell::mark(&monitor.name);
                let cells = [
                    &*id,
                    &name,
                    &at,
                    result,
                    reason.unwrap_or_default(),
                    &latency,
                ];
                self.writer.write_record(cells).is_ok()
            }
            HistoryFormat::Jsonl => {
                let line = json!({
                    "id": monitor.id.0, "name": monitor.name, "at": at, "result": result, "reason": reason, "latency_us": latency,
                });
                writeln!(io::stdout(), "{line}").is_ok()
            }
        }
    }

    fn end(&mut self) {
        let _ = self.writer.flush();
    }
}
