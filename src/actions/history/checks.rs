//! Single checks of a monitor, from wherever they are: the archive of weeks, the pieces of the hours since, and the log that is not
//! packed yet.

use std::collections::HashSet;

use crate::domain::history::check_archive::{ArchivedCheck, DamagedArchive, decode};
use crate::domain::history::iso_week::IsoWeek;
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;
use crate::store::history::{check_archive, packing};
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

    /// The checks of a week that are in the range.
    pub async fn week(
        &self,
        reader: &Reader,
        week: IsoWeek,
        range: HistoryRange,
    ) -> Result<WeekChecks, StoreError> {
        let stored = check_archive::weeks(reader, self.monitor, week, week).await?;
        let (mut checks, damage) = match stored.first().map(|one| decode(&one.checks)) {
            None => (Vec::new(), None),
            Some(Ok(checks)) => (checks, None),
            Some(Err(error)) => {
                tracing::error!(monitor = self.monitor.0, %week, %error, "archived checks cannot be read");
                (Vec::new(), Some(error))
            }
        };
        let archived: HashSet<i64> = checks.iter().map(|check| check.at.millis()).collect();
        let of_week = self.recent.iter().copied().filter(|check| {
            IsoWeek::of(check.at) == week && !archived.contains(&check.at.millis())
        });
        checks.extend(of_week);
        checks.retain(|check| range.from <= check.at && check.at < range.to);
        checks.sort_by_key(|check| check.at);
        Ok(WeekChecks { checks, damage })
    }
}

/// The weeks that a range touches.
pub fn weeks(range: HistoryRange) -> impl Iterator<Item = IsoWeek> {
    let first = IsoWeek::of(range.from);
    std::iter::successors(Some(first), |week| Some(week.next()))
        .take_while(move |week| week.starts_at() < range.to)
}
