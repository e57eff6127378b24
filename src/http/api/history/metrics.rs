//! What servers reported, by hour or by day, as programs read it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::range;
use crate::actions::Error;
use crate::actions::history::metrics;
use crate::domain::Timestamp;
use crate::domain::history::server_rollup::MetricSummary;
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{InPath, InQuery, Reader};
use crate::http::api::routes::Json;
use crate::http::api::values::{DateTime, Id, MetricText, RangeText, date_time};
use crate::store::history::monitor_history::{self, HistoryScope};

/// The query of what a server reported.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsQuery {
    #[param(inline)]
    range: Option<RangeText>,
    /// Only these numbers. Default: all.
    #[param(inline)]
    metric: Option<MetricText>,
}

/// What a server reported in a range.
#[derive(Serialize, ToSchema)]
pub(super) struct ServerMetrics {
    id: Id,
    from: DateTime,
    to: DateTime,
    /// 3,600 or 86,400.
    #[schema(examples(3_600))]
    step_seconds: u32,
    /// By metric. Of an endpoint and a device, empty.
    series: Vec<SeriesView>,
}

/// One number in a range.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricSeries)]
struct SeriesView {
    #[schema(examples("memory.used_percent"))]
    metric: String,
    /// In order. Hours or days without the number are omitted.
    points: Vec<MetricPointView>,
}

/// One number over an hour or a day (UTC). Past hours and days are kept within 0.002 %.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricPoint)]
struct MetricPointView {
    /// The start of the hour or the day.
    at: DateTime,
    least: f64,
    mean: f64,
    most: f64,
    /// The least sample that 95 of 100 samples do not exceed.
    p95: f64,
    /// How many reports had the number.
    samples: u64,
}

impl MetricPointView {
    fn of(at: Timestamp, summary: MetricSummary) -> Self {
        Self {
            at: date_time(at),
            least: summary.least,
            mean: summary.mean,
            most: summary.most,
            p95: summary.p95,
            samples: summary.samples,
        }
    }
}

pub(super) async fn series(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InQuery(query): InQuery<MetricsQuery>,
) -> Result<Json<ServerMetrics>, Problem> {
    let (guild, store) = (reader.0.guild_id, &app.store.reader);
    let range = range(&app, guild, query.range, app.clock.now()).await?;
    let found = monitor_history::monitors(store, guild, &HistoryScope::One(id), range).await?;
    if found.is_empty() {
        return Err(Error::NotFound("there is no such monitor in this range".into()).into());
    }
    let metric = query.metric.map(|text| text.0);
    let history = metrics::of(store, id, range, metric.as_ref()).await?;
    let series = history.series.into_iter().map(|(metric, points)| {
        let points = points.into_iter();
        SeriesView {
            metric,
            points: points
                .map(|(at, summary)| MetricPointView::of(at, summary))
                .collect(),
        }
    });
    Ok(Json(ServerMetrics {
        id: id.0,
        from: date_time(range.from),
        to: date_time(range.to),
        step_seconds: u32::try_from(history.step.millis() / 1_000).unwrap_or(u32::MAX),
        series: series.collect(),
    }))
}
