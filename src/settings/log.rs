//! The log: its directory, format, level and retention.

use std::path::PathBuf;

use super::read::Variables;

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The directory, format, level and retention of the log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    pub dir: PathBuf,
    pub format: LogFormat,
    pub level: tracing::Level,
    pub keep_days: usize,
}

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
        }
    }
}
