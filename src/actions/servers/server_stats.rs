//! Time series of the statistics that servers' agents report: every number by its path, aggregated per step.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use super::figures;
use crate::domain::Timestamp;
use crate::domain::history::server_rollup::{MetricSummary, ReportSummary, RollupStep};
use crate::domain::monitor::MonitorId;
use crate::store::history::server_rollups::{self, BlockRange};
use crate::store::servers::server;
use crate::store::{Reader, StoreError};

/// Aggregate of one number over one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub sum: f64,
    pub count: u64,
    pub least: f64,
    pub most: f64,
}

impl Figure {
    fn add(&mut self, number: f64) {
        self.sum += number;
        self.count += 1;
        self.least = self.least.min(number);
        self.most = self.most.max(number);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer than 2^53 reports"
    )]
    fn add_summary(&mut self, summary: &MetricSummary) {
        self.sum += summary.mean * summary.samples as f64;
        self.count += summary.samples;
        self.least = self.least.min(summary.least);
        self.most = self.most.max(summary.most);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer than 2^53 reports"
    )]
    pub fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

impl Default for Figure {
    fn default() -> Self {
        Self {
            sum: 0.0,
            count: 0,
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
        }
    }
}

/// What a point is made of. The later ones are less precise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointSource {
    #[default]
    Reports,
    /// Summaries of hours. Each counts for the step in which the hour begins.
    Hours,
    Days,
}

/// Aggregated reports of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Start of the step.
    pub at: Timestamp,
    pub reports: u64,
    /// The least precise one of its sources.
    pub source: PointSource,
    /// Keyed by path: `cpu`, `memory.used`, `load.0`, `metrics.queue`.
    pub figures: BTreeMap<String, Figure>,
}

/// The maximum number of figures in a series, over all its points: more than fifty numbers a point in the longest series.
pub const MOST_FIGURES: usize = 50_000;

/// The maximum size of the reports that a series is made of, in bytes: a day of reports of 700 bytes, one each second.
pub const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Why there is no series.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    #[error(
        "the reports of this range have more than {MOST_FIGURES} figures. Ask for a shorter range or a longer step"
    )]
    TooManyFigures,
    #[error(
        "the reports of this range have more than {} MiB. Ask for a shorter range",
        MOST_BYTES / 1024 / 1024
    )]
    TooMuch,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Aggregates the reports from `from` (inclusive) to `to` (exclusive), in steps counted from `from`. Steps without a
/// report are omitted. Before the reports that are kept, it aggregates summaries of hours, and before those of days.
pub async fn series(
    reader: &Reader,
    id: MonitorId,
    from: Timestamp,
    to: Timestamp,
    step: Duration,
) -> Result<Vec<Point>, SeriesError> {
    let mut series = GrowingSeries {
        from,
        step: crate::domain::millis(step).max(1),
        points: Vec::new(),
        figures: 0,
    };
    let reports_from = match first_report(reader, id).await? {
        Some(first) if first > from => {
            let to = first.min(to);
            add_summaries(reader, id, &mut series, to).await?;
            first
        }
        _ => from,
    };
    let mut bytes = 0;
    let mut visit = |at: Timestamp, stats: &str| {
        bytes += stats.len();
        if bytes > MOST_BYTES {
            return ControlFlow::Break(SeriesError::TooMuch);
        }
        match series.add_report(at, stats) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    };
    match server::each_sample(reader, id, reports_from, to, &mut visit).await? {
        ControlFlow::Continue(()) => Ok(series.points),
        ControlFlow::Break(error) => Err(error),
    }
}

/// From when on a series is made of reports: the first whole hour of which all are kept, or where the summaries end. `None`: there are
/// no summaries.
async fn first_report(reader: &Reader, id: MonitorId) -> Result<Option<Timestamp>, StoreError> {
    let progress = server_rollups::progress(reader, &[id]).await?;
    let Some(hour) = progress.get(&id) else {
        return Ok(None);
    };
    let oldest = server_rollups::next_sample(reader, id, Timestamp::default()).await?;
    let whole = oldest.map(|at| RollupStep::Hour.of(at.minus(Duration::from_millis(1))) + 1);
    let first = whole.map_or(*hour, |whole| whole.min(*hour));
    Ok(Some(RollupStep::Hour.starts_at(first)))
}

/// Adds the days and the hours that begin from the start of the series to before `to`: days where there are no hours.
async fn add_summaries(
    reader: &Reader,
    id: MonitorId,
    series: &mut GrowingSeries,
    to: Timestamp,
) -> Result<(), SeriesError> {
    let oldest = server_rollups::first_block(reader, id, RollupStep::Hour).await?;
    let by_hour = oldest.map_or(to, |day| RollupStep::Day.starts_at(day));
    let by_hour = by_hour.clamp(series.from, to.max(series.from));
    for (step, from, to) in [
        (RollupStep::Day, series.from, by_hour),
        (RollupStep::Hour, by_hour, to),
    ] {
        let blocks = BlockRange {
            first: step.block(step.of(from)),
            last: step.block(step.of(to)),
        };
        for (block, summaries) in server_rollups::blocks(reader, id, step, blocks).await? {
            for (slot, summary) in summaries.slots() {
                let at = step.starts_at(step.number(block, slot));
                if from <= at && at < to {
                    series.add_summary(at, step, summary)?;
                }
            }
        }
    }
    Ok(())
}

/// The points so far, in order.
struct GrowingSeries {
    from: Timestamp,
    /// In milliseconds.
    step: i64,
    points: Vec<Point>,
    /// The figures of all points.
    figures: usize,
}

impl GrowingSeries {
    fn add_report(&mut self, at: Timestamp, stats: &str) -> Result<(), SeriesError> {
        self.change(at, |point| {
            point.reports += 1;
            for (name, number) in figures::of(stats) {
                point.figures.entry(name).or_default().add(number);
            }
        })
    }

    fn add_summary(
        &mut self,
        at: Timestamp,
        step: RollupStep,
        summary: &ReportSummary,
    ) -> Result<(), SeriesError> {
        let source = match step {
            RollupStep::Hour => PointSource::Hours,
            RollupStep::Day => PointSource::Days,
        };
        self.change(at, |point| {
            point.reports += summary.reports;
            point.source = point.source.max(source);
            for (name, figure) in &summary.metrics {
                let sum = point.figures.entry(name.clone()).or_default();
                sum.add_summary(figure);
            }
        })
    }

    /// Changes the point of a moment, which is the last one or a new one.
    fn change(&mut self, at: Timestamp, add: impl FnOnce(&mut Point)) -> Result<(), SeriesError> {
        let from = self.from.millis();
        let begins = from + (at.millis() - from) / self.step * self.step;
        let begins = Timestamp::from_millis(begins);
        if self.points.last().is_none_or(|point| point.at != begins) {
            self.points.push(Point {
                at: begins,
                ..Point::default()
            });
        }
        let Some(point) = self.points.last_mut() else {
            return Ok(());
        };
        let before = point.figures.len();
        add(point);
        self.figures += point.figures.len() - before;
        match self.figures > MOST_FIGURES {
            true => Err(SeriesError::TooManyFigures),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::history::server_rollup;
    use crate::domain::discord_id::GuildId;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn reports_are_aggregated_per_step() {
        let store = TestStore::open().await;
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let id = store
            .write(move |tx| {
                Box::pin(async move {
                    let id = server::insert(tx, GuildId(1), "db-1", at(0)).await?;
                    for (second, cpu) in
                        [(99, 7), (100, 10), (109, 20), (110, 5), (140, 1), (150, 9)]
                    {
                        let stats = format!(r#"{{"cpu":{cpu}}}"#);
                        server::keep_sample(tx, id, at(second), &stats).await?;
                    }
                    Ok(id)
                })
            })
            .await;
        let step = Duration::from_secs(10);
        let points = series(&store.reader, id, at(100), at(150), step)
            .await
            .unwrap();
        let found: Vec<_> = points
            .iter()
            .map(|point| {
                let cpu = point.figures["cpu"];
                (point.at, point.reports, cpu.mean(), cpu.least, cpu.most)
            })
            .collect();
        assert_eq!(
            found,
            [
                (at(100), 2, 15.0, 10.0, 20.0),
                (at(110), 1, 5.0, 5.0, 5.0),
                (at(140), 1, 1.0, 1.0, 1.0)
            ]
        );
    }

    #[tokio::test]
    async fn a_series_continues_before_the_reports_with_hours_and_before_those_with_days() {
        let store = TestStore::open().await;
        let (hour, day) = (3_600_000, 24 * 3_600_000);
        let at = Timestamp::from_millis;
        let id = store
            .write(move |tx| {
                Box::pin(async move {
                    let id = server::insert(tx, GuildId(1), "db-1", at(0)).await?;
                    for number in 0..72 * 4 {
                        let stats = format!(r#"{{"cpu":{}}}"#, number % 4);
                        server::keep_sample(tx, id, at(number * hour / 4), &stats).await?;
                    }
                    Ok(id)
                })
            })
            .await;
        let found = async |from: i64, to: i64, step: i64| {
            let step = Duration::from_millis(step.unsigned_abs());
            series(&store.reader, id, at(from), at(to), step)
                .await
                .unwrap()
        };
        let before = found(0, 3 * day, 6 * hour).await;
        let now = at(3 * day + hour);
        assert_eq!(server_rollup::update(&store, now).await.unwrap(), 72);
        assert_eq!(
            found(0, 3 * day, 6 * hour).await,
            before,
            "as long as there are reports"
        );
        // The first report that is kept came in the middle of an hour.
        store
            .execute_all(
                "DELETE FROM samples WHERE at < 2 * 86400000 + 1800000; DELETE FROM hourly_metrics WHERE block = 0;",
            )
            .await;
        let after = found(0, 3 * day, 6 * hour).await;
        let shown = |point: &Point| {
            let cpu = point.figures["cpu"];
            (
                point.at.millis() / hour,
                point.reports,
                cpu.count,
                cpu.mean(),
                cpu.most,
            )
        };
        assert_eq!(shown(&after[0]), (0, 96, 96, 1.5, 3.0));
        assert_eq!(after[0].source, PointSource::Days);
        let rest: Vec<_> = after[1..].iter().map(shown).collect();
        let expected: Vec<_> = before[4..].iter().map(shown).collect();
        assert_eq!(rest, expected);
        let sources: Vec<PointSource> = after[1..].iter().map(|point| point.source).collect();
        assert_eq!(sources[..5], [PointSource::Hours; 5]);
        assert_eq!(sources[5..], [PointSource::Reports; 3]);
        // A short step has a point for each hour, and a range begins with the first whole hour.
        let short = found(day + hour / 2, day + 4 * hour, hour / 2).await;
        let hours: Vec<i64> = short.iter().map(|point| point.at.millis() / hour).collect();
        assert_eq!(hours, [25, 26, 27]);
    }

    /// Stores reports of one server, one a second, each with these statistics.
    async fn with_reports(count: i64, stats: impl Fn(i64) -> String) -> (TestStore, MonitorId) {
        let store = TestStore::open().await;
        let reports: Vec<String> = (0..count).map(stats).collect();
        let id = store
            .write(move |tx| {
                Box::pin(async move {
                    let id =
                        server::insert(tx, GuildId(1), "db-1", Timestamp::from_millis(0)).await?;
                    for (second, stats) in (0..).zip(&reports) {
                        let at = Timestamp::from_millis(second * 1_000);
                        server::keep_sample(tx, id, at, stats).await?;
                    }
                    Ok(id)
                })
            })
            .await;
        (store, id)
    }

    async fn series_of(
        store: &TestStore,
        id: MonitorId,
        seconds: i64,
    ) -> Result<Vec<Point>, SeriesError> {
        let (from, to) = (
            Timestamp::from_millis(0),
            Timestamp::from_millis(seconds * 1_000),
        );
        series(&store.reader, id, from, to, Duration::from_secs(1)).await
    }

    #[tokio::test]
    async fn a_series_has_at_most_50_000_figures() {
        let count = i64::try_from(MOST_FIGURES / 200).unwrap();
        let (store, id) = with_reports(count + 1, |_| {
            let numbers: Vec<usize> = (0..200).collect();
            serde_json::json!({ "load": numbers }).to_string()
        })
        .await;
        let within = series_of(&store, id, count).await.unwrap();
        assert_eq!(within.len(), MOST_FIGURES / 200);
        let beyond = series_of(&store, id, count + 1).await;
        assert!(matches!(beyond, Err(SeriesError::TooManyFigures)));
    }

    #[tokio::test]
    async fn a_series_reads_at_most_64_mebibytes() {
        // Stored by an older version, which had no limit for a text.
        let megabyte = 1024 * 1024;
        let (store, id) = with_reports(65, |_| {
            let empty = serde_json::json!({ "agent_version": "" }).to_string();
            let text = "x".repeat(megabyte - empty.len());
            serde_json::json!({ "agent_version": text }).to_string()
        })
        .await;
        assert_eq!(series_of(&store, id, 64).await.unwrap().len(), 64);
        let beyond = series_of(&store, id, 65).await;
        assert!(matches!(beyond, Err(SeriesError::TooMuch)));
    }
}
