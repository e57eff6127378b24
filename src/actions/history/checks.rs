//! Single checks of a monitor, from wherever they are: the archive of weeks, the pieces of the hours since, and the log that is not
//! packed yet.

use std::collections::{BTreeSet, HashSet};
use std::panic;
use std::time::Duration;

use crate::domain::history::check_archive::{ArchivedCheck, DamagedArchive, decode};
use crate::domain::history::iso_week::IsoWeek;
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;
use crate::store::history::check_archive::{self, ArchivedWeek};
use crate::store::history::packing;
use crate::store::{Reader, StoreError};

/// The checks of one monitor, read week by week.
#[derive(Debug)]
pub struct MonitorChecks {
    monitor: MonitorId,
    /// Those that are not in the blob of their week yet, or have been put there since they were read.
    recent: Vec<ArchivedCheck>,
    /// Pieces that cannot be read.
    pub damaged_pieces: usize,
}

/// The checks of a week.
#[derive(Debug)]
pub struct WeekChecks {
    /// In the order of their times.
    pub checks: Vec<ArchivedCheck>,
    /// Why the blob of the week cannot be read; then only the recent checks are there.
    pub damage: Option<DamagedArchive>,
}

impl MonitorChecks {
    /// Reads what is not in the archive yet. Checks move from the log to the pieces and from there to the weeks, so this order
    /// misses none.
    pub async fn open(reader: &Reader, monitor: MonitorId) -> Result<Self, StoreError> {
        let logged = packing::tail(reader, monitor).await?;
        let (mut recent, mut damaged_pieces) = (Vec::new(), 0);
        for piece in check_archive::pieces_of(reader, monitor).await? {
            match decode(&piece.checks) {
                Ok(checks) => recent.extend(checks),
                Err(error) => {
                    tracing::error!(monitor = monitor.0, row = piece.first_row, %error, "archived checks cannot be read");
                    damaged_pieces += 1;
                }
            }
        }
        let packed: HashSet<i64> = recent.iter().map(|check| check.at.millis()).collect();
        let is_new = |check: &ArchivedCheck| !packed.contains(&check.at.millis());
        recent.extend(logged.into_iter().filter(is_new));
        Ok(Self {
            monitor,
            recent,
            damaged_pieces,
        })
    }

    /// The weeks in the range that have checks, in order.
    pub async fn weeks(
        &self,
        reader: &Reader,
        range: HistoryRange,
    ) -> Result<Vec<IsoWeek>, StoreError> {
        let mut weeks: BTreeSet<IsoWeek> = self
            .recent
            .iter()
            .filter(|check| range.from <= check.at && check.at < range.to)
            .map(|check| IsoWeek::of(check.at))
            .collect();
        let last = range.to.minus(Duration::from_millis(1));
        let archived = check_archive::known(
            reader,
            self.monitor,
            IsoWeek::of(range.from),
            IsoWeek::of(last),
        );
        weeks.extend(archived.await?);
        Ok(weeks.into_iter().collect())
    }

    /// The checks of a week that are in the range.
    pub async fn week(
        &self,
        reader: &Reader,
        week: IsoWeek,
        range: HistoryRange,
    ) -> Result<WeekChecks, StoreError> {
        let stored = check_archive::weeks(reader, self.monitor, week, week).await?;
        let (mut checks, damage) = match unpack(stored).await {
            Ok(checks) => (checks, None),
            Err(error) => {
                tracing::error!(monitor = self.monitor.0, %week, %error, "archived checks cannot be read");
                (Vec::new(), Some(error))
            }
        };
        checks.sort_by_key(|check| check.at);
        let is_new = |check: &&ArchivedCheck| {
            IsoWeek::of(check.at) == week
                && checks
                    .binary_search_by_key(&check.at, |one| one.at)
                    .is_err()
        };
        let recent: Vec<ArchivedCheck> = self.recent.iter().filter(is_new).copied().collect();
        checks.extend(recent);
        checks.retain(|check| range.from <= check.at && check.at < range.to);
        checks.sort_by_key(|check| check.at);
        Ok(WeekChecks { checks, damage })
    }
}

/// Unpacks the blob of a week, if there is one: apart from other tasks, because at a check each second it has 604,800.
async fn unpack(stored: Vec<ArchivedWeek>) -> Result<Vec<ArchivedCheck>, DamagedArchive> {
    let Some(week) = stored.into_iter().next() else {
        return Ok(Vec::new());
    };
    let decoded = tokio::task::spawn_blocking(move || decode(&week.checks)).await;
    decoded.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))
}
