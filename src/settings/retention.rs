//! How long rows are kept.

use std::time::Duration;

use super::read::{DAY, HOUR, SECOND, Variables};

/// How long rows are kept.
#[derive(Clone, Copy, Debug)]
pub struct RetentionSettings {
    pub check_results: Duration,
    /// Single checks in the archive, and the hours of what servers reported.
    pub check_archive: Duration,
    /// The figures of days, what servers reported on each, the history of monitors that were removed, and the windows in which Rollcall observed.
    pub daily_stats: Duration,
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
            check_archive: self.length("RETENTION_CHECK_ARCHIVE", "90d", DAY, range.clone()),
            daily_stats: self.length("RETENTION_DAILY_STATS", "1825d", DAY, range.clone()),
            events: self.length("RETENTION_EVENTS", "400d", DAY, range.clone()),
            samples: self.length("RETENTION_SAMPLES", "3d", DAY, range.clone()),
            left_guilds: self.length("RETENTION_LEFT_GUILDS", "30d", DAY, range),
        }
    }
}
