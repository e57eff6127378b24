//! Endpoint statistics, shared by the Discord command and the command line.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::event::EventKind;
use crate::domain::status::Status;
use crate::store::endpoints::endpoint::{self, Endpoint};
use crate::store::job_run::{self, JobRun};
use crate::store::{Reader, StoreError, event};

/// Statistics about a guild's endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Every status with its number of endpoints, including 0.
    pub counts: Vec<(Status, u64)>,
    pub reasons: Vec<(FailureClass, u64)>,
    pub longest_offline: Option<Endpoint>,
    pub reactivated_24h: u64,
    pub reactivated_7d: u64,
    pub last_recheck: Option<JobRun>,
}

impl Statistics {
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    pub fn count(&self, status: Status) -> u64 {
        self.counts
            .iter()
            .find(|(known, _)| *known == status)
            .map_or(0, |(_, count)| *count)
    }
}

/// Collects the statistics of a guild as of `now`.
pub async fn statistics(
    reader: &Reader,
    guild: GuildId,
    now: Timestamp,
) -> Result<Statistics, StoreError> {
    const DAY: Duration = Duration::from_secs(86_400);
    let known = endpoint::counts_by_status(reader, Some(guild)).await?;
    let count = |status| {
        known
            .iter()
            .find(|(other, _)| *other == status)
            .map_or(0, |(_, count)| *count)
    };
    let since =
        |length| event::count_since(reader, guild, EventKind::EndpointOnline, now.minus(length));
    Ok(Statistics {
        counts: Status::ALL
            .iter()
            .copied()
            .map(|status| (status, count(status)))
            .collect(),
        reasons: endpoint::counts_by_reason(reader, guild).await?,
        longest_offline: endpoint::oldest_offline(reader, guild).await?,
        reactivated_24h: since(DAY).await?,
        reactivated_7d: since(DAY * 7).await?,
        last_recheck: job_run::last(reader, "recheck").await?,
    })
}
