//! The log: its directory, format, level, and how much of it is kept.

use std::path::PathBuf;

use super::read::Variables;

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The directory, format and level of the log, and how much of it is kept.
#[derive(Clone, Debug)]
pub struct LogSettings {
    pub dir: PathBuf,
    pub format: LogFormat,
    pub level: tracing::Level,
    pub keep_days: usize,
    pub keep_files: usize,
    /// Maximum size of one file, in bytes.
    pub file_size: u64,
}

/// Bytes in the unit of `LOG_FILE_SIZE`.
const MEBIBYTE: u64 = 1024 * 1024;

impl Variables {
    pub(super) fn log(&mut self) -> LogSettings {
        LogSettings {
            dir: PathBuf::from(self.text("LOG_DIR", "logs")),
            format: self.value(
                "LOG_FORMAT",
                "text",
                "`text` or `json`",
                |text| match text {
                    "text" => Some(LogFormat::Text),
                    "json" => Some(LogFormat::Json),
                    _ => None,
                },
            ),
            level: self.value(
                "LOG_LEVEL",
                "info",
                "one of error, warn, info, debug, trace",
                |text| text.parse().ok(),
            ),
            keep_days: self.size("LOG_KEEP_DAYS", "14", 3650),
            keep_files: self.size("LOG_KEEP_FILES", "30", 10_000),
            file_size: self.count("LOG_FILE_SIZE", "10", 1, 1024) * MEBIBYTE,
        }
    }
}
