//! What the history of monitors shows, on the command line.

pub(super) mod chart;
pub(super) mod export;
mod monitor_arguments;
pub(super) mod objective;
pub(super) mod summary;
pub(super) mod uptime;

use clap::Subcommand;

use crate::app::AppError;
use crate::settings::Settings;

#[derive(Debug, Subcommand)]
pub(super) enum HistoryCommand {
    /// Write every check of a range to standard output
    Export(export::ExportArguments),
}

pub(super) async fn run(settings: &Settings, command: HistoryCommand) -> Result<(), AppError> {
    match command {
        HistoryCommand::Export(arguments) => export::run(settings, arguments).await,
    }
}
