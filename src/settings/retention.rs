//! How long rows are kept.

use std::time::Duration;

use super::read::{DAY, HOUR, SECOND, Variables};

/// How long rows are kept.
#[derive(Clone, Copy, Debug)]
pub struct RetentionSettings {
    pub check_results: Duration,
    pub events: Duration,
    /// Samples from the reports of servers.
    pub samples: Duration,
    /// Everything of a guild, since it removed the bot.
    pub left_guilds: Duration,
}

impl Variables {
    pub(super) fn retention(&mut self) -> RetentionSettings {
        let range = SECOND..=DAY * 3650;
        RetentionSettings {
            check_results: self.length("RETENTION_CHECK_RESULTS", "48h", HOUR, range.clone()),
            events: self.length("RETENTION_EVENTS", "400d", DAY, range.clone()),
            samples: self.length("RETENTION_SAMPLES", "30d", DAY, range.clone()),
            left_guilds: self.length("RETENTION_LEFT_GUILDS", "30d", DAY, range),
        }
    }
}
