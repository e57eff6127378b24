//! Reports of servers: accepts them from agents and returns past ones as a series.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::auth::{Caller, Peer};
use super::body::{Fields, Hint};
use super::device::answer;
use super::problem::Problem;
use super::query::{Asked, wrong};
use super::server::readable;
use crate::actions::servers::manage_server;
use crate::actions::servers::server_stats::{self, Point};
use crate::domain::Timestamp;
use crate::domain::key::KeyKind::{Admin, Read, Server as ServerKey};
use crate::domain::text;
use crate::http::HttpState;
use crate::store::servers::server;

/// The maximum number of free-form metrics in a report.
const METRICS: usize = 100;

/// The body of a report. Each figure is a number, or an object or list of numbers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stats {
    /// For agents that cannot send headers.
    server_key: Option<String>,
    cpu: Option<Value>,
    memory: Option<Value>,
    disk: Option<Value>,
    load: Option<Value>,
    network: Option<Value>,
    uptime: Option<Value>,
    agent_version: Option<String>,
    /// The agent's own clock: stored as a hint, and never used for a decision.
    timestamp: Option<Hint>,
    metrics: Option<Map<String, Value>>,
}

/// `POST /server-stats`, with a server's own key, in the header or in the body.
pub(super) async fn report(
    State(app): State<HttpState>,
    peer: Peer,
    in_header: Option<Caller>,
    Fields(stats): Fields<Stats>,
) -> Result<Response, Problem> {
    let caller = match (in_header, &stats.server_key) {
        (Some(caller), _) => caller,
        (None, key) => Caller::with_key(&app, peer, key.as_deref().unwrap_or_default()).await?,
    };
    caller.must_be(&[ServerKey])?;
    let id = caller.0.monitor_id.ok_or_else(Problem::not_found)?;
    let kept = kept(stats)?;
    app.limits.authenticated.take(id.0.unsigned_abs())?;
    manage_server::report(&app.store, id, kept.to_string(), app.clock.now()).await?;
    Ok(answer(
        StatusCode::OK,
        &json!({ "id": id.0, "status": "online" }),
    ))
}

/// The maximum number of points in a series.
const POINTS: i64 = 1_000;

/// The default length of a series.
const RANGE: Duration = Duration::from_secs(24 * 3600);

/// The query of a series.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeRange {
    from: Option<String>,
    to: Option<String>,
    /// A duration such as `60s` or `1h`.
    step: Option<String>,
}

/// `GET /servers/{id}/stats`, with a read or an admin key, or the server's own.
pub(super) async fn series(
    State(app): State<HttpState>,
    caller: Caller,
    Path(id): Path<String>,
    Asked(range): Asked<TimeRange>,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin, ServerKey])?;
    let id = readable(&caller, &id)?;
    let reader = &app.store.reader;
    let server = server::get(reader, caller.0.guild_id, id).await?;
    server.ok_or_else(Problem::not_found)?;
    let (from, to, step) = range.read(app.clock.now())?;
    let points = server_stats::series(reader, id, from, to, step).await?;
    let points: Vec<Value> = points.iter().map(shown).collect();
    Ok(answer(
        StatusCode::OK,
        &json!({
            "id": id.0, "from": text::timestamp(from), "to": text::timestamp(to), "step_seconds": step.as_secs_f64(),
            "points": points,
        }),
    ))
}

impl TimeRange {
    /// Start, end and step; the default step divides the range by 100, with a minimum of 1 s.
    fn read(self, now: Timestamp) -> Result<(Timestamp, Timestamp, Duration), Problem> {
        let timestamp = |name: &str, text: &str| {
            text::parse_timestamp(text).ok_or_else(|| {
                wrong(format!(
                    "`{name}` must be a timestamp. Examples: `{name}=2026-01-31T12:00:00Z`, `{name}=1769860800`"
                ))
            })
        };
        let to = self.to.map_or(Ok(now), |text| timestamp("to", &text))?;
        let from = self
            .from
            .map_or(Ok(to.minus(RANGE)), |text| timestamp("from", &text))?;
        let length = to.millis() - from.millis();
        if length <= 0 {
            return Err(wrong(
                "`from` must be before `to`. Example: `from=2026-01-31T12:00:00Z`",
            ));
        }
        let step = match self.step {
            Some(text) => text::parse_duration(&text, Duration::from_secs(1))
                .ok_or_else(|| wrong("`step` must be a duration. Example: `step=60s`"))?,
            None => Duration::from_millis((length.unsigned_abs() / 100).max(1_000)),
        };
        if crate::domain::millis(step).saturating_mul(POINTS) < length {
            return Err(wrong(format!(
                "`step` is too short: a series has at most {POINTS} points. Example: `step={}s`",
                length / POINTS / 1_000 + 1
            )));
        }
        Ok((from, to, step))
    }
}

fn shown(point: &Point) -> Value {
    let figures: Map<String, Value> = point
        .figures
        .iter()
        .map(|(name, figure)| {
            let details = json!({ "mean": figure.mean(), "min": figure.least, "max": figure.most });
            (name.clone(), details)
        })
        .collect();
    json!({ "at": text::timestamp(point.at), "reports": point.reports, "values": figures })
}

/// The stored part of a report: all of it except the key.
fn kept(stats: Stats) -> Result<Value, Problem> {
    if stats
        .metrics
        .as_ref()
        .is_some_and(|metrics| metrics.len() > METRICS)
    {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("`metrics` must have at most {METRICS} entries"),
        ));
    }
    let figures = [
        ("cpu", stats.cpu),
        ("memory", stats.memory),
        ("disk", stats.disk),
        ("load", stats.load),
        ("network", stats.network),
        ("uptime", stats.uptime),
        ("metrics", stats.metrics.map(Value::Object)),
    ];
    let mut kept = Map::new();
    for (name, figure) in figures {
        let Some(figure) = figure else { continue };
        if !is_of_numbers(&figure) {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!(
                    "`{name}` must be a number, or an object or list of numbers. Example: `\"{name}\": 12.5`"
                ),
            ));
        }
        kept.insert(name.to_owned(), figure);
    }
    if let Some(version) = stats.agent_version {
        kept.insert("agent_version".to_owned(), json!(version));
    }
    if let Some(hint) = stats.timestamp {
        kept.insert("agent_timestamp".to_owned(), json!(hint.to_string()));
    }
    Ok(Value::Object(kept))
}

fn is_of_numbers(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(values) => values.iter().all(is_of_numbers),
        Value::Object(fields) => fields.values().all(is_of_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Stats {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn figures_are_stored_as_reported_without_the_key() {
        let stats = read(
            r#"{"server_key":"canary","cpu":12.5,"memory":{"used":1,"total":2},"load":[0.1,0.2,0.3],
                "agent_version":"1.0","timestamp":1769860800,"metrics":{"queue":3}}"#,
        );
        let kept = kept(stats).unwrap();
        assert_eq!(kept["memory"]["total"], 2);
        assert_eq!(kept["agent_timestamp"], "1769860800");
        assert!(!kept.to_string().contains("canary"));
    }

    #[test]
    fn a_series_covers_a_day_in_a_hundred_steps_by_default() {
        let now = Timestamp::from_millis(1_769_860_800_000);
        let range = |from: Option<&str>, to: Option<&str>, step: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let range = TimeRange {
                from: owned(from),
                to: owned(to),
                step: owned(step),
            };
            range.read(now)
        };
        let day = range(None, None, None).unwrap();
        assert_eq!(day, (now.minus(RANGE), now, Duration::from_secs(864)));
        let hour = range(
            Some("2026-01-31T11:00:00Z"),
            Some("1769860800"),
            Some("60s"),
        )
        .unwrap();
        let hour_ago = now.minus(Duration::from_secs(3600));
        assert_eq!(hour, (hour_ago, now, Duration::from_secs(60)));
        for (from, to, step) in [
            (Some("yesterday"), None, None),
            (None, Some("1"), Some("soon")),
            (Some("1769860800"), None, None),
            (None, None, Some("1s")),
        ] {
            assert!(range(from, to, step).is_err(), "{from:?} {to:?} {step:?}");
        }
    }

    #[test]
    fn invalid_figures_and_too_many_metrics_are_refused_by_name() {
        for (text, name) in [
            (r#"{"cpu":"high"}"#, "`cpu`"),
            (r#"{"disk":{"root":null}}"#, "`disk`"),
            (r#"{"metrics":{"a":true}}"#, "`metrics`"),
        ] {
            let problem = kept(read(text)).unwrap_err();
            assert!(format!("{problem:?}").contains(name), "{problem:?}");
        }
        let many: Map<String, Value> = (0..101).map(|n| (n.to_string(), json!(n))).collect();
        let stats = Stats {
            metrics: Some(many),
            ..read("{}")
        };
        assert!(kept(stats).is_err());
    }
}
