//! What a server reported in a range, for its picture: processors, memory, the fullest disk, and the load.

use std::time::Duration;

use crate::actions::Error;
use crate::actions::history::metrics;
use crate::actions::servers::server_stats::{self, SeriesError};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::chart::server_chart::{MetricPoint, ServerChart};
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;
use crate::domain::servers::metric::Metric;
use crate::store::Reader;
use crate::store::guild::guild_setting;
use crate::store::history::monitor_history::{self, HistoryScope};

/// The most points of a line: those of a server with the most numbers are fewer than a series may have.
const STEPS: u32 = 200;

/// What a picture of a server shows.
#[derive(Clone, Debug)]
pub struct MetricsRequest {
    pub guild: GuildId,
    pub server: MonitorId,
    pub range: HistoryRange,
    /// The range as it was typed.
    pub range_name: String,
}

/// The figures of a picture, in the order of time.
#[derive(Debug, Default, PartialEq)]
struct ServerFigures {
    cpu: Vec<MetricPoint>,
    memory: Vec<MetricPoint>,
    disk: Vec<MetricPoint>,
    load: Vec<MetricPoint>,
}

/// The picture of a server, of at most 200 points. It reads at most 64 MiB of reports; where there are more, it is made of the
/// figures of hours or days.
///
/// # Errors
/// `NotFound` if the guild has no such server, or it was removed before the range.
pub async fn scene(reader: &Reader, request: &MetricsRequest) -> Result<Scene, Error> {
    let (guild, range) = (request.guild, request.range);
    let scope = HistoryScope::One(request.server);
    let found = monitor_history::monitors(reader, guild, &scope, range).await?;
    let Some(server) = found.first() else {
        return Err(Error::NotFound(
            "there is no such server in this range".to_owned(),
        ));
    };
    let figures = figures(reader, server.id, range).await?;
    let step = step(range);
    let chart = ServerChart {
        name: &server.name,
        range_name: &request.range_name,
        range,
        zone: guild_setting::timezone(reader, guild).await?,
        gap: figures.usual_distance().max(step) * 5 / 2,
        cpu: &figures.cpu,
        memory: &figures.memory,
        disk: &figures.disk,
        load: &figures.load,
    };
    Ok(chart.scene())
}

fn step(range: HistoryRange) -> Duration {
    range.length() / STEPS
}

async fn figures(
    reader: &Reader,
    server: MonitorId,
    range: HistoryRange,
) -> Result<ServerFigures, Error> {
    let step = step(range);
    let series = server_stats::series(reader, server, range.from, range.to, step).await;
    let mut figures = ServerFigures::default();
    match series {
        Ok(points) => {
            for point in points {
                let each = point.figures.iter();
                let each = each.map(|(path, figure)| (path.as_str(), figure.mean()));
                figures.add(point.at.plus(step / 2), each);
            }
            return Ok(figures);
        }
        Err(SeriesError::Store(error)) => return Err(error.into()),
        Err(SeriesError::TooManyFigures | SeriesError::TooMuch) => {}
    }
    let history = match metrics::of(reader, server, range, None).await {
        Ok(history) => history,
        Err(SeriesError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(Error::Invalid(error.to_string())),
    };
    let mut moments: std::collections::BTreeMap<Timestamp, Vec<(&str, f64)>> =
        std::collections::BTreeMap::new();
    for (path, points) in &history.series {
        for (at, summary) in points {
            moments.entry(*at).or_default().push((path, summary.mean));
        }
    }
    for (at, numbers) in moments {
        figures.add(at, numbers.into_iter());
    }
    Ok(figures)
}

impl ServerFigures {
    /// Adds the numbers of a moment by path.
    fn add<'a>(&mut self, at: Timestamp, numbers: impl Iterator<Item = (&'a str, f64)>) {
        let (memory, disk) = (Metric::memory(), Metric::disk());
        let mut most = [None::<f64>; 4];
        for (path, value) in numbers {
            let index = match path {
                "cpu" => 0,
                path if memory.matches(path) => 1,
                path if disk.matches(path) => 2,
                "load" | "load.0" => 3,
                _ => continue,
            };
            if let Some(most) = most.get_mut(index) {
                *most = Some(most.map_or(value, |other| other.max(value)));
            }
        }
        let lines = [
            &mut self.cpu,
            &mut self.memory,
            &mut self.disk,
            &mut self.load,
        ];
        for (line, value) in lines.into_iter().zip(most) {
            line.extend(value.map(|value| MetricPoint { at, value }));
        }
    }

    /// The median of the distances between two points of the line with the most: an agent may report less often than once in a step.
    fn usual_distance(&self) -> Duration {
        let lines = [&self.cpu, &self.memory, &self.disk, &self.load];
        let Some(longest) = lines.into_iter().max_by_key(|line| line.len()) else {
            return Duration::ZERO;
        };
        let pairs = longest.iter().zip(longest.iter().skip(1));
        let mut distances: Vec<Duration> = pairs.map(|(one, next)| next.at.since(one.at)).collect();
        distances.sort_unstable();
        distances
            .get(distances.len() / 2)
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::history::server_rollup;
    use crate::store::testing::TestStore;

    /// Midnight UTC.
    const MIDNIGHT: i64 = 1_795_996_800_000;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(MIDNIGHT + minute * 60_000)
    }

    /// A server with a report every ten minutes for a day, but for two hours after noon.
    async fn filled() -> TestStore {
        let store = TestStore::open().await;
        store
            .execute_all(
                r#"INSERT INTO monitors (id, guild_id, kind, name, status, since, created_at) VALUES (1, 1, 'server', 'mail', 'online', 0, 0);
                 INSERT INTO server_details (monitor_id, guild_id) VALUES (1, 1);
                 WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 143)
                 INSERT INTO samples (at, monitor_id, guild_id, stats)
                 SELECT 1795996800000 + i * 600000, 1, 1, json_object('cpu', i / 6, 'memory', json('{"used":4,"used_percent":61}'),
                     'disk', json('{"/":{"used_percent":20},"/home":{"used_percent":71.5}}'), 'load', json('[0.5,9,9]'))
                 FROM n WHERE i / 6 NOT IN (12, 13);"#,
            )
            .await;
        store
    }

    async fn shown(store: &TestStore, guild: u64) -> Result<Scene, Error> {
        let request = MetricsRequest {
            guild: GuildId(guild),
            server: MonitorId(1),
            range: HistoryRange {
                from: at(0),
                to: at(1_440),
            },
            range_name: "24h".to_owned(),
        };
        scene(&store.reader, &request).await
    }

    #[tokio::test]
    async fn a_picture_has_the_numbers_of_reports_with_their_gap() {
        let store = filled().await;
        let found = shown(&store, 1).await.unwrap();
        assert_eq!(
            found.description,
            "Metrics of mail, 24h. CPU: mean 11 %, at most 23 %, last 23 %. Memory: mean 61 %, at most 61 %, last 61 %. Fullest \
             disk: mean 72 %, at most 72 %, last 72 %. Load: mean 0.50, at most 0.50, last 0.50."
        );
        let scene = found.to_string();
        // Before and after the gap.
        assert_eq!(scene.matches("Figure line of 2 (7").count(), 2, "{scene}");
        assert_eq!(scene.matches("Figure line of 2 (6").count(), 2, "{scene}");
        assert!(matches!(shown(&store, 2).await, Err(Error::NotFound(_))));
    }

    #[tokio::test]
    async fn a_picture_has_the_figures_of_hours_where_there_are_no_reports() {
        let store = filled().await;
        server_rollup::update(&store, at(10_000)).await.unwrap();
        store.execute("DELETE FROM samples").await;
        let found = shown(&store, 1).await.unwrap();
        assert!(
            found.description.contains("CPU: mean 11 %, at most 23 %"),
            "{}",
            found.description
        );
        let scene = found.to_string();
        assert!(scene.contains("Figure line of 2 (12) "), "{scene}");
    }
}
