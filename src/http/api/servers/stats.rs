//! Reports of servers: accepts them from agents and returns past ones as a series.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::server::readable;
use crate::actions::Error;
use crate::actions::servers::server_stats::{self, Figure, Point, PointSource};
use crate::actions::servers::{figures, manage_server};
use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{
    InBody, InPath, InQuery, OfServer, RateSubject, ReaderOf, ServerKey,
};
use crate::http::api::routes::Json;
use crate::http::api::values::{
    DateTime, Hint, Id, Moment, ReportedFigure, StatusWord, Step, Word, date_time,
};
use crate::store::servers::server;

/// The maximum number of free-form metrics in a report.
const METRICS: usize = 100;

/// A report. Each figure is a number, or an object or list of numbers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "cpu": 12.5, "memory": { "used": 3_100, "total": 8_000 }, "load": [0.4, 0.3, 0.2], "uptime": 86_400 })))]
pub(super) struct ServerReport {
    /// For agents that cannot send headers.
    #[schema(max_length = 1024)]
    server_key: Option<String>,
    cpu: Option<ReportedFigure>,
    memory: Option<ReportedFigure>,
    disk: Option<ReportedFigure>,
    load: Option<ReportedFigure>,
    network: Option<ReportedFigure>,
    uptime: Option<ReportedFigure>,
    #[schema(max_length = 1024)]
    agent_version: Option<String>,
    /// The agent's own clock: stored as a hint, and never used for a decision.
    timestamp: Option<Hint>,
    /// At most 100 figures under names of your own. All figures of a report together have at most 200 numbers, each at most
    /// three levels deep, with a path such as `metrics.queue` of at most 128 bytes.
    #[serde(default, deserialize_with = "metrics")]
    metrics: Option<BTreeMap<String, ReportedFigure>>,
}

fn metrics<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<BTreeMap<String, ReportedFigure>>, D::Error> {
    let metrics: Option<BTreeMap<_, _>> = Option::deserialize(from)?;
    if metrics
        .as_ref()
        .is_some_and(|metrics| metrics.len() > METRICS)
    {
        return Err(serde::de::Error::custom(format!(
            "must have at most {METRICS} entries"
        )));
    }
    Ok(metrics)
}

/// The answer to a report.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({ "id": 17, "status": "online" })))]
pub(super) struct ReportReceived {
    id: Id,
    /// Online, or what an exceeded limit makes of it; of one that is paused, paused.
    status: StatusWord,
}

pub(super) async fn report(
    key: ServerKey,
    State(app): State<HttpState>,
    InBody(report): InBody<ServerReport>,
) -> Result<Json<ReportReceived>, Problem> {
    let caller = key.take(&app, report.server_key.as_deref()).await?;
    let id = caller.0.monitor_id.ok_or_else(Problem::not_found)?;
    app.limits
        .authenticated
        .take(RateSubject::Server, id.0.unsigned_abs())?;
    let kept = kept(report);
    figures::check(&kept).map_err(|error| Error::Invalid(error.to_string()))?;
    let kept = Value::Object(kept).to_string();
    let reporter = caller.requester().monitor(id);
    let status = manage_server::report(&app.store, reporter, kept, app.clock.now()).await?;
    Ok(Json(ReportReceived {
        id: id.0,
        status: Word(status),
    }))
}

/// The maximum number of points in a series.
const POINTS: i64 = 1_000;

/// The default length of a series.
const RANGE: Duration = Duration::from_secs(24 * 3600);

/// The query of a series.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeRange {
    /// Default: a day before `to`.
    #[param(inline)]
    from: Option<Moment>,
    /// Default: now.
    #[param(inline)]
    to: Option<Moment>,
    /// Default: a hundredth of the range.
    #[param(inline)]
    step: Option<Step>,
}

/// A series of reports.
#[derive(Serialize, ToSchema)]
pub(super) struct ServerStats {
    id: Id,
    from: DateTime,
    to: DateTime,
    step_seconds: f64,
    /// Steps without a report are omitted.
    points: Vec<PointView>,
}

/// The reports of one step.
#[derive(Serialize, ToSchema)]
#[schema(as = Point)]
struct PointView {
    /// The start of the step.
    at: DateTime,
    reports: u64,
    /// What the point is made of: `reports`, or, where those are no longer kept, summaries of `hours` or `days`. An hour or a day counts
    /// for the step in which it begins.
    #[schema(examples("reports"))]
    source: &'static str,
    /// By path, such as `memory.used` or `load.0`.
    values: BTreeMap<String, FigureView>,
}

/// One number over one step.
#[derive(Serialize, ToSchema)]
#[schema(as = FigureOverStep)]
struct FigureView {
    mean: f64,
    min: f64,
    max: f64,
}

impl From<Point> for PointView {
    fn from(point: Point) -> Self {
        let figure = |figure: Figure| FigureView {
            mean: figure.mean(),
            min: figure.least,
            max: figure.most,
        };
        let figures = point.figures.into_iter();
        Self {
            at: date_time(point.at),
            reports: point.reports,
            source: match point.source {
                PointSource::Reports => "reports",
                PointSource::Hours => "hours",
                PointSource::Days => "days",
            },
            values: figures.map(|(name, value)| (name, figure(value))).collect(),
        }
    }
}

pub(super) async fn series(
    caller: ReaderOf<OfServer>,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InQuery(range): InQuery<TimeRange>,
) -> Result<Json<ServerStats>, Problem> {
    readable(&caller, id)?;
    let reader = &app.store.reader;
    let server = server::get(reader, caller.0.guild_id, id).await?;
    server.ok_or_else(Problem::not_found)?;
    let Series { from, to, step } = range.read(app.clock.now());
    let points = server_stats::series(reader, id, from, to, step).await?;
    Ok(Json(ServerStats {
        id: id.0,
        from: date_time(from),
        to: date_time(to),
        step_seconds: step.as_secs_f64(),
        points: points.into_iter().map(PointView::from).collect(),
    }))
}

/// The range and the step of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Series {
    from: Timestamp,
    to: Timestamp,
    step: Duration,
}

impl TimeRange {
    /// The default step divides the range by 100, with a minimum of 1 s; a step that would give too many points is lengthened.
    fn read(self, now: Timestamp) -> Series {
        let to = self.to.map_or(now, |moment| moment.0);
        let from = self.from.map_or(to.minus(RANGE), |moment| moment.0);
        let length = to.millis().saturating_sub(from.millis()).max(0);
        let asked = match self.step {
            Some(step) => step.0,
            None => Duration::from_millis((length.unsigned_abs() / 100).max(1_000)),
        };
        let shortest = length / POINTS + i64::from(length % POINTS != 0);
        let step = asked.max(Duration::from_millis(shortest.unsigned_abs()));
        Series { from, to, step }
    }
}

/// What is stored of a report, as a JSON object: the figures without the key.
fn kept(report: ServerReport) -> Map<String, Value> {
    let metrics = report.metrics.map(|metrics| json!(metrics));
    let figures = [
        ("cpu", report.cpu),
        ("memory", report.memory),
        ("disk", report.disk),
        ("load", report.load),
        ("network", report.network),
        ("uptime", report.uptime),
    ];
    let figures = figures.map(|(name, figure)| (name, figure.map(|figure| json!(figure))));
    let others = [
        ("metrics", metrics),
        ("agent_version", report.agent_version.map(Value::String)),
        (
            "agent_timestamp",
            report.timestamp.map(|hint| json!(hint.to_string())),
        ),
    ];
    let kept = figures.into_iter().chain(others);
    let kept = kept.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text;

    fn read(text: &str) -> ServerReport {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn figures_are_stored_as_reported_without_the_key() {
        let report = read(
            r#"{"server_key":"canary","cpu":12.5,"memory":{"used":1,"total":2},"load":[0.1,0.2,0.3],
                "agent_version":"1.0","timestamp":1769860800,"metrics":{"queue":3}}"#,
        );
        let kept = kept(report);
        assert_eq!(kept["memory"]["total"], 2);
        assert_eq!(kept["agent_timestamp"], "1769860800");
        assert!(!Value::Object(kept).to_string().contains("canary"));
    }

    fn series(from: Option<&str>, to: Option<&str>, step: Option<&str>) -> Series {
        let now = Timestamp::from_millis(1_769_860_800_000);
        let range: TimeRange =
            serde_json::from_value(json!({ "from": from, "to": to, "step": step })).unwrap();
        range.read(now)
    }

    #[test]
    fn a_series_covers_a_day_in_a_hundred_steps_by_default() {
        let now = Timestamp::from_millis(1_769_860_800_000);
        let day = Series {
            from: now.minus(RANGE),
            to: now,
            step: Duration::from_secs(864),
        };
        assert_eq!(series(None, None, None), day);
        let hour = Series {
            from: now.minus(Duration::from_secs(3600)),
            to: now,
            step: Duration::from_secs(60),
        };
        let from = Some("2026-01-31T11:00:00Z");
        assert_eq!(series(from, Some("1769860800"), Some("60s")), hour);
    }

    #[test]
    fn a_series_has_at_most_a_thousand_points() {
        for (step, is_kept) in [
            ("86400ms", true),
            ("87s", true),
            ("86399ms", false),
            ("1s", false),
        ] {
            let used = series(None, None, Some(step)).step;
            let asked = text::parse_duration(step, Duration::from_secs(1)).unwrap();
            let expected = match is_kept {
                true => asked,
                false => Duration::from_millis(86_400),
            };
            assert_eq!(used, expected, "{step}");
        }
        let backwards = series(Some("1769860800"), Some("1769860799"), None);
        assert_eq!(backwards.step, Duration::from_secs(1));
    }

    #[test]
    fn invalid_figures_and_too_many_metrics_are_refused_by_name() {
        for (text, name) in [
            (r#"{"cpu":"high"}"#, "must be a number"),
            (r#"{"disk":{"root":null}}"#, "must be a number"),
            (r#"{"metrics":{"a":true}}"#, "must be a number"),
        ] {
            let error = serde_json::from_str::<ServerReport>(text)
                .map(|_| ())
                .unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        let with = |count: usize| {
            let metrics: Map<String, Value> =
                (0..count).map(|n| (n.to_string(), json!(n))).collect();
            serde_json::from_value::<ServerReport>(json!({ "metrics": metrics })).is_ok()
        };
        assert_eq!((with(100), with(101)), (true, false));
    }
}
