//! Time series of the statistics that servers' agents report: every number by its path, aggregated per step.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

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

/// Aggregates the reports from `from` (inclusive) to `to` (exclusive), in steps counted from `from`. Steps without a
/// report are omitted.
pub async fn series(
    reader: &Reader,
    id: MonitorId,
    from: Timestamp,
    to: Timestamp,
    step: Duration,
) -> Result<Vec<Point>, StoreError> {
    let step = crate::domain::millis(step).max(1);
    let mut points: Vec<Point> = Vec::new();
    server::each_sample(reader, id, from, to, |at, stats| {
        let begins = from.millis() + (at.millis() - from.millis()) / step * step;
        let begins = Timestamp::from_millis(begins);
        if points.last().is_none_or(|point| point.at != begins) {
            points.push(Point {
                at: begins,
                ..Point::default()
            });
        }
        let Some(point) = points.last_mut() else {
            return;
        };
        point.reports += 1;
        for (name, number) in numbers(stats) {
            point.figures.entry(name).or_default().add(number);
        }
    })
    .await?;
    Ok(points)
}

/// Lists every number in a report by its path, except the agent's own timestamp.
pub fn numbers(stats: &str) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    if let Ok(Value::Object(fields)) = serde_json::from_str(stats) {
        let reported = fields.iter().filter(|(name, _)| *name != "agent_timestamp");
        for (name, value) in reported {
            walk(name, value, &mut found);
        }
    }
    found
}

fn walk(name: &str, value: &Value, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => {
            found.extend(number.as_f64().map(|number| (name.to_owned(), number)));
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                walk(&format!("{name}.{index}"), value, found);
            }
        }
        Value::Object(fields) => {
            for (inner, value) in fields {
                walk(&format!("{name}.{inner}"), value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::store::testing::TestStore;

    #[test]
    fn numbers_are_listed_by_path_without_the_agent_timestamp() {
        let stats = r#"{"agent_timestamp":17,"agent_version":"1","cpu":12.5,"load":[0.5,1],"memory":{"used":1}}"#;
        let expected = [
            ("cpu", 12.5),
            ("load.0", 0.5),
            ("load.1", 1.0),
            ("memory.used", 1.0),
        ];
        let expected = expected.map(|(name, number)| (name.to_owned(), number));
        assert_eq!(numbers(stats), expected);
    }

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
}
