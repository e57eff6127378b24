//! What servers reported in a range, by hour or by day: from the summaries, and from the reports that are not summarized yet.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::actions::servers::figures;
use crate::actions::servers::server_stats::{MOST_BYTES, MOST_FIGURES, SeriesError};
use crate::domain::Timestamp;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::server_rollup::{
    MetricSummary, ReportCollector, ReportSummary, RollupStep,
};
use crate::domain::monitor::MonitorId;
use crate::domain::servers::metric::Metric;
use crate::store::Reader;
use crate::store::history::server_rollups::{self, BlockRange};
use crate::store::servers::server;

/// The longest range that is shown by hour.
const BY_HOUR: Duration = Duration::from_secs(14 * 24 * 3600);

/// The numbers of a server in a range.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricHistory {
    pub step: RollupStep,
    /// Keyed by path, with the beginnings of the hours or days in order.
    pub series: BTreeMap<String, Vec<(Timestamp, MetricSummary)>>,
}

/// The numbers of a server in the hours or days that a range touches; of all numbers, or of those that a metric matches. By hour up to
/// 14 days, unless the hours are not kept that long; beyond that by day. Without reports, the history is empty.
pub async fn of(
    reader: &Reader,
    server: MonitorId,
    range: HistoryRange,
    metric: Option<&Metric>,
) -> Result<MetricHistory, SeriesError> {
    let length = range.to.since(range.from);
    if length <= BY_HOUR {
        let by_hour = by_step(reader, server, range, RollupStep::Hour).await?;
        if !by_hour.is_empty() {
            return shown(RollupStep::Hour, by_hour, metric);
        }
    }
    let by_day = by_step(reader, server, range, RollupStep::Day).await?;
    shown(RollupStep::Day, by_day, metric)
}

fn shown(
    step: RollupStep,
    summaries: BTreeMap<i64, ReportSummary>,
    metric: Option<&Metric>,
) -> Result<MetricHistory, SeriesError> {
    let mut series: BTreeMap<String, Vec<(Timestamp, MetricSummary)>> = BTreeMap::new();
    let mut count = 0;
    for (number, summary) in summaries {
        let at = step.starts_at(number);
        for (path, figure) in summary.metrics {
            if metric.is_none_or(|metric| metric.matches(&path)) {
                series.entry(path).or_default().push((at, figure));
                count += 1;
            }
        }
        if count > MOST_FIGURES {
            return Err(SeriesError::TooManyFigures);
        }
    }
    Ok(MetricHistory { step, series })
}

/// The summaries of a range by the number of their hour or day.
async fn by_step(
    reader: &Reader,
    server: MonitorId,
    range: HistoryRange,
    step: RollupStep,
) -> Result<BTreeMap<i64, ReportSummary>, SeriesError> {
    let first = step.of(range.from);
    let last = step.of(range.to.minus(Duration::from_millis(1)));
    let progress = server_rollups::progress(reader, &[server]).await?;
    let mut found = BTreeMap::new();
    let blocks = BlockRange {
        first: step.block(first),
        last: step.block(last),
    };
    for (block, summaries) in server_rollups::blocks(reader, server, step, blocks).await? {
        let numbered = summaries
            .slots()
            .map(|(slot, summary)| (step.number(block, slot), summary.clone()));
        found.extend(numbered.filter(|(number, _)| (first..=last).contains(number)));
    }
    let live = progress.get(&server).map_or(first, |hour| {
        step.of(RollupStep::Hour.starts_at(*hour)).max(first)
    });
    let rest = HistoryRange {
        from: step.starts_at(live),
        to: step.starts_at(last + 1),
    };
    if live <= last {
        found.extend(not_summarized(reader, server, step, rest).await?);
    }
    Ok(found)
}

/// Summaries of samples, made now: of the hours or days of which none is stored yet.
async fn not_summarized(
    reader: &Reader,
    server: MonitorId,
    step: RollupStep,
    range: HistoryRange,
) -> Result<BTreeMap<i64, ReportSummary>, SeriesError> {
    // More may arrive while they are read.
    let count = server_rollups::sample_count(reader, server, range.from, range.to).await? + 20;
    let mut open: BTreeMap<i64, ReportCollector> = BTreeMap::new();
    let mut bytes = 0;
    let mut visit = |at: Timestamp, stats: &str| {
        bytes += stats.len();
        if bytes > MOST_BYTES {
            return ControlFlow::Break(SeriesError::TooMuch);
        }
        let collector = open.entry(step.of(at));
        collector
            .or_insert_with(|| ReportCollector::new(count))
            .add(&figures::of(stats));
        ControlFlow::Continue(())
    };
    match server::each_sample(reader, server, range.from, range.to, &mut visit).await? {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => {
            let summaries = open.into_iter();
            Ok(summaries
                .map(|(number, collector)| (number, collector.summary()))
                .collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::history::server_rollup;
    use crate::store::testing::TestStore;

    /// Midnight UTC.
    const MIDNIGHT: i64 = 1_795_996_800_000;
    const MINUTE: i64 = 60_000;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(MIDNIGHT + minute * MINUTE)
    }

    fn range(from: i64, to: i64) -> HistoryRange {
        HistoryRange {
            from: at(from),
            to: at(to),
        }
    }

    /// A server with a report every ten minutes for three days: `cpu` is the number of the hour, and `queue` is always 7.
    async fn filled() -> TestStore {
        let store = TestStore::open().await;
        store
            .execute_all(
                "INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at) VALUES (1, 1, 'server', 'a', 'online', 0, 0);
                 INSERT INTO server_details (monitor_id, guild_id) VALUES (1, 1);
                 WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 431)
                 INSERT INTO samples (at, monitor_id, guild_id, stats)
                 SELECT 1795996800000 + i * 600000, 1, 1, json_object('cpu', i / 6, 'queue', 7) FROM n;",
            )
            .await;
        store
    }

    async fn history(store: &TestStore, range: HistoryRange) -> MetricHistory {
        of(&store.reader, MonitorId(1), range, None).await.unwrap()
    }

    #[tokio::test]
    async fn a_history_is_the_same_before_and_after_it_is_summarized() {
        let store = filled().await;
        for range in [
            range(0, 4_320),
            range(90, 151),
            range(60, 120),
            range(0, 60_000),
        ] {
            let before = history(&store, range).await;
            for minute in [66, 1_300, 1_506, 4_000] {
                server_rollup::update(&store, at(minute)).await.unwrap();
                let after = history(&store, range).await;
                assert_eq!(after.step, before.step);
                for (metric, points) in &before.series {
                    let found = &after.series[metric];
                    assert_eq!(found.len(), points.len(), "{metric} at {minute}");
                    for (one, other) in found.iter().zip(points) {
                        assert_eq!((one.0, one.1.samples), (other.0, other.1.samples));
                        assert!(
                            (one.1.mean - other.1.mean).abs() < 0.001,
                            "{metric} at {minute}"
                        );
                        assert_eq!((one.1.least, one.1.p95), (other.1.least, other.1.p95));
                    }
                }
            }
            store.execute("DELETE FROM rolled_up_servers").await;
        }
    }

    #[tokio::test]
    async fn up_to_14_days_are_shown_by_hour_and_what_is_no_longer_kept_by_day() {
        let store = filled().await;
        server_rollup::update(&store, at(10_000)).await.unwrap();
        store.execute("DELETE FROM samples").await;
        let day = 1_440;
        for (to, step, points) in [
            (14 * day, RollupStep::Hour, 72),
            (14 * day + 1, RollupStep::Day, 3),
        ] {
            let found = history(&store, range(0, to)).await;
            assert_eq!((found.step, found.series["cpu"].len()), (step, points));
        }
        // The hours that a range touches.
        let touched = history(&store, range(59, 121)).await;
        let starts: Vec<Timestamp> = touched.series["cpu"].iter().map(|one| one.0).collect();
        assert_eq!(starts, [at(0), at(60), at(120)]);
        store.execute("DELETE FROM hourly_metrics").await;
        let found = history(&store, range(day, day + 60)).await;
        assert_eq!(
            (found.step, found.series["cpu"].len()),
            (RollupStep::Day, 1)
        );
        assert_eq!(found.series["cpu"][0].1.p95, 46.0, "of 24 to 47");
    }

    #[tokio::test]
    async fn a_metric_chooses_its_numbers() {
        let store = filled().await;
        for (metric, found) in [
            ("cpu", vec!["cpu"]),
            ("*", vec!["cpu", "queue"]),
            ("disk", vec![]),
        ] {
            let metric: Metric = metric.parse().unwrap();
            let shown = of(&store.reader, MonitorId(1), range(0, 60), Some(&metric))
                .await
                .unwrap();
            let paths: Vec<&str> = shown.series.keys().map(String::as_str).collect();
            assert_eq!(paths, found);
        }
        let other = of(&store.reader, MonitorId(2), range(0, 60), None)
            .await
            .unwrap();
        assert!(other.series.is_empty());
    }
}
