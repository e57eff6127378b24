//! Puts what the hours have packed into the blob of its week, once a day, and records what each day was.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::actions::history::uptime;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::check_archive::{ArchivedCheck, append, decode, encode};
use crate::domain::history::iso_week::IsoWeek;
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;
use crate::store::history::check_archive::{self as store_archive, ArchivedWeek};
use crate::store::history::daily_stats::{self, DayTimes};
use crate::store::history::monitor_history::{self, HistoryScope};
use crate::store::history::packing;
use crate::store::{Reader, Store, StoreError};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Days that are computed again each night: an outage may be dated back to the day before.
const DAYS_AGAIN: i64 = 3;

/// Days that are computed in the first night, or after a long time without Rollcall.
const MOST_DAYS: i64 = 31;

/// Monitors that are read at once.
const MONITORS_AT_ONCE: u32 = 64;

/// Does the work of a night, unless it was done today; returns how many monitors have new checks in the archive, `None` if it was
/// done before.
pub async fn archive(store: &Store, now: Timestamp) -> Result<Option<u64>, StoreError> {
    let today = now.day();
    let before = packing::state(&store.reader).await?.archived_day;
    if before.is_some_and(|day| day >= today) {
        return Ok(None);
    }
    let archived = archive_pieces(store).await?;
    let earliest = today - MOST_DAYS;
    let first = before.map_or(earliest, |day| day.min(today) - DAYS_AGAIN);
    record_days(store, first.max(earliest), today, now).await?;
    let record = store.writer.transact::<_, StoreError>(move |tx| {
        Box::pin(async move { packing::archived(tx, today).await })
    });
    record.await?;
    Ok(Some(archived))
}

async fn archive_pieces(store: &Store) -> Result<u64, StoreError> {
    let (mut archived, mut after) = (0, MonitorId(0));
    loop {
        let monitors = store_archive::with_pieces(&store.reader, after, MONITORS_AT_ONCE).await?;
        let Some(last) = monitors.last() else {
            return Ok(archived);
        };
        after = *last;
        for monitor in monitors {
            archived += u64::from(archive_monitor(store, monitor).await?);
        }
    }
}

/// Returns whether anything of the monitor was put into the archive. What is damaged stays where it is and is logged: it fails
/// nothing else.
async fn archive_monitor(store: &Store, monitor: MonitorId) -> Result<bool, StoreError> {
    let mut of_weeks: BTreeMap<IsoWeek, Vec<ArchivedCheck>> = BTreeMap::new();
    let mut readable = Vec::new();
    for piece in store_archive::pieces_of(&store.reader, monitor).await? {
        match decode(&piece.checks) {
            Ok(checks) => {
                for check in checks {
                    of_weeks
                        .entry(IsoWeek::of(check.at))
                        .or_default()
                        .push(check);
                }
                readable.push(piece.first_row);
            }
            Err(error) => {
                tracing::error!(monitor = monitor.0, row = piece.first_row, %error, "checks cannot be archived");
            }
        }
    }
    let mut weeks = Vec::new();
    for (week, checks) in of_weeks {
        match add_to_week(&store.reader, monitor, week, &checks).await? {
            Some(one) => weeks.push(one),
            None => return Ok(false),
        }
    }
    let is_any = !weeks.is_empty();
    let save = store.writer.transact::<_, StoreError>(move |tx| {
        Box::pin(async move { store_archive::save(tx, monitor, &weeks, &readable).await })
    });
    save.await?;
    Ok(is_any)
}

/// The blob of a week with further checks; `None` if it is damaged.
async fn add_to_week(
    reader: &Reader,
    monitor: MonitorId,
    week: IsoWeek,
    checks: &[ArchivedCheck],
) -> Result<Option<ArchivedWeek>, StoreError> {
    let stored = store_archive::weeks(reader, monitor, week, week).await?;
    let stored = stored.first().map(|one| one.checks.as_slice());
    let added = encode(checks).map_err(|error| error.to_string());
    let blob = added.and_then(|block| append(stored, &[block]).map_err(|error| error.to_string()));
    match blob {
        Ok(checks) => Ok(Some(ArchivedWeek { week, checks })),
        Err(error) => {
            tracing::error!(monitor = monitor.0, %week, error, "checks cannot be archived");
            Ok(None)
        }
    }
}

/// Records how long each monitor was in each class on the days from `first` to the one before `today`.
async fn record_days(
    store: &Store,
    first: i64,
    today: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    for guild in monitor_history::guilds(&store.reader).await? {
        for day in first..today {
            record_day(store, guild, day, now).await?;
        }
    }
    Ok(())
}

async fn record_day(
    store: &Store,
    guild: GuildId,
    day: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let starts_at = Timestamp::start_of_day(day);
    let range = HistoryRange {
        from: starts_at,
        to: starts_at.plus(DAY),
    };
    let found = monitor_history::monitors(&store.reader, guild, &HistoryScope::All, range).await?;
    let observed = uptime::observed(&store.reader, range, now).await?;
    let days = monitor_history::each(&store.reader, found, range, |one| {
        // Before it was added, there is nothing to record; and before its spans begin, it is recorded already.
        let is_exact = one.exact_from.is_none_or(|from| from <= starts_at);
        (is_exact && !one.spans.is_empty()).then(|| DayTimes {
            monitor: one.id,
            day,
            summary: uptime::summarize(&one, &observed, range),
        })
    });
    let days: Vec<DayTimes> = days.await?.into_iter().flatten().collect();
    for piece in days.chunks(256) {
        let piece = piece.to_vec();
        let save = store.writer.transact::<_, StoreError>(move |tx| {
            Box::pin(async move { daily_stats::save_times(tx, &piece).await })
        });
        save.await?;
    }
    Ok(())
}
