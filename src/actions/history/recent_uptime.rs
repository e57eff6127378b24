//! Uptime of a monitor of the last day, week and month, as its card in Discord shows it: read once, summarized three times.

use std::time::Duration;

use super::uptime::{observed, summarize, with_recorded_days};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::uptime::Uptime;
use crate::domain::monitor::MonitorId;
use crate::store::history::monitor_history::{self, HistoryScope};
use crate::store::{Reader, StoreError};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The uptime up to now; `None` where there is not enough data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecentUptime {
    /// Of 24 hours.
    pub day: Option<Uptime>,
    /// Of 7 days.
    pub week: Option<Uptime>,
    /// Of 30 days.
    pub month: Option<Uptime>,
}

/// The recent uptime of a monitor of a guild; without any figure if the guild has no such monitor.
pub async fn of(
    reader: &Reader,
    guild: GuildId,
    id: MonitorId,
    now: Timestamp,
) -> Result<RecentUptime, StoreError> {
    let days = |days: u32| HistoryRange {
        from: now.minus(DAY * days),
        to: now,
    };
    let longest = days(30);
    let scope = HistoryScope::One(id);
    let found = monitor_history::monitors(reader, guild, &scope, longest).await?;
    let read = monitor_history::each(reader, found, longest, |monitor| monitor).await?;
    let Some(monitor) = read.first() else {
        return Ok(RecentUptime::default());
    };
    let observed = observed(reader, longest, now).await?;
    let uptime = async |range| {
        let exact = summarize(monitor, &observed, range);
        let whole = with_recorded_days(reader, id, monitor.exact_from, range, exact).await?;
        Ok::<_, StoreError>(whole.times.uptime())
    };
    Ok(RecentUptime {
        day: uptime(days(1)).await?,
        week: uptime(days(7)).await?,
        month: uptime(longest).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::history::archive::archive;
    use crate::actions::history::span_limit::enforce;
    use crate::actions::history::uptime;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    /// The day of the cards, which are shown at noon.
    const TODAY: i64 = 20_000;

    fn now() -> Timestamp {
        Timestamp::start_of_day(TODAY).plus(DAY / 2)
    }

    /// A monitor that was added this number of days ago, and was offline for half an hour every day from 06:00 on.
    async fn added(days: i64) -> (TestStore, MonitorId) {
        let store = TestStore::open().await;
        let id = store.add_endpoint(HOME, "tcp://192.0.2.1:80").await;
        let first = TODAY - days;
        let sql = format!(
            "UPDATE monitors SET created_at = {first} * 86400000;
             DELETE FROM status_spans;
             DELETE FROM observation_windows;
             INSERT INTO observation_windows (started_at, confirmed_at) VALUES (0, {TODAY} * 86400000 + 43200000);
             INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, created_at, 1 FROM monitors;
             WITH RECURSIVE n (day) AS (SELECT {first} UNION ALL SELECT day + 1 FROM n WHERE day < {TODAY})
             INSERT INTO status_spans (monitor_id, began_at, status)
             SELECT m.id, n.day * 86400000 + 21600000, 3 FROM n, monitors m
             UNION ALL SELECT m.id, n.day * 86400000 + 23400000, 1 FROM n, monitors m"
        );
        store.execute_all(sql.leak()).await;
        (store, id)
    }

    /// As the definition of uptime has it for a range.
    async fn uptime_of(store: &TestStore, id: MonitorId, days: u32) -> Option<Uptime> {
        let range = HistoryRange {
            from: now().minus(DAY * days),
            to: now(),
        };
        let one = uptime::one(&store.reader, HOME, id, range, now()).await;
        one.unwrap().summary.times.uptime()
    }

    #[tokio::test]
    async fn the_three_figures_are_those_of_their_ranges() {
        let (store, id) = added(60).await;
        archive(&store, now()).await.unwrap();
        // With all spans, and with those of the last days only.
        // Of the latter, what is known begins with the first whole day, so there is half a day less without an outage.
        for (limit, texts) in [
            (10_000, ["97.91 %", "97.91 %", "97.91 %"]),
            (8, ["97.91 %", "97.75 %", "97.88 %"]),
        ] {
            enforce(&store, limit).await.unwrap();
            let shown = of(&store.reader, HOME, id, now()).await.unwrap();
            let expected = RecentUptime {
                day: uptime_of(&store, id, 1).await,
                week: uptime_of(&store, id, 7).await,
                month: uptime_of(&store, id, 30).await,
            };
            assert_eq!(shown, expected, "{limit}");
            let figures = [shown.day, shown.week, shown.month];
            assert_eq!(
                figures.map(|one| one.unwrap().to_string()),
                texts,
                "{limit}"
            );
        }
    }

    #[tokio::test]
    async fn a_figure_needs_one_percent_of_its_range() {
        let (store, id) = added(0).await;
        let shown = of(&store.reader, HOME, id, now()).await.unwrap();
        // Half a day is 1.6 % of 30 days.
        assert!(shown.day.is_some() && shown.week.is_some() && shown.month.is_some());
        store
            .execute("UPDATE observation_windows SET started_at = confirmed_at - 6 * 3600000")
            .await;
        let shown = of(&store.reader, HOME, id, now()).await.unwrap();
        assert!(shown.day.is_some() && shown.week.is_some());
        assert_eq!(shown.month, None);
    }

    #[tokio::test]
    async fn another_guild_gets_no_figures() {
        let (store, id) = added(60).await;
        let theirs = of(&store.reader, GuildId(2), id, now()).await.unwrap();
        assert_eq!(theirs, RecentUptime::default());
    }
}
