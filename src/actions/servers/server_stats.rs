//! Time series of the statistics that servers' agents report: every number by its path, aggregated per step.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use super::figures;
use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::store::servers::server;
use crate::store::{Reader, StoreError};

/// Aggregate of one number over one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub sum: f64,
    pub count: u32,
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

    pub fn mean(&self) -> f64 {
        self.sum / f64::from(self.count.max(1))
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

/// Aggregated reports of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Start of the step.
    pub at: Timestamp,
    pub reports: u32,
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
/// report are omitted.
pub async fn series(
    reader: &Reader,
    id: MonitorId,
    from: Timestamp,
    to: Timestamp,
    step: Duration,
) -> Result<Vec<Point>, SeriesError> {
    let step = crate::domain::millis(step).max(1);
    let mut points: Vec<Point> = Vec::new();
    let (mut bytes, mut count) = (0, 0);
    let mut visit = |at: Timestamp, stats: &str| {
        bytes += stats.len();
        if bytes > MOST_BYTES {
            return ControlFlow::Break(SeriesError::TooMuch);
        }
        let begins = from.millis() + (at.millis() - from.millis()) / step * step;
        let begins = Timestamp::from_millis(begins);
        if points.last().is_none_or(|point| point.at != begins) {
            points.push(Point {
                at: begins,
                ..Point::default()
            });
        }
        let Some(point) = points.last_mut() else {
            return ControlFlow::Continue(());
        };
        point.reports += 1;
        let before = point.figures.len();
        for (name, number) in figures::of(stats) {
            point.figures.entry(name).or_default().add(number);
        }
        count += point.figures.len() - before;
        if count > MOST_FIGURES {
            return ControlFlow::Break(SeriesError::TooManyFigures);
        }
        ControlFlow::Continue(())
    };
    match server::each_sample(reader, id, from, to, &mut visit).await? {
        ControlFlow::Continue(()) => Ok(points),
        ControlFlow::Break(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
