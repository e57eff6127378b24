//! How long the checks of a monitor took, step by step.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{between, monitor};
use crate::actions::history::latency;
use crate::domain::Timestamp;
use crate::domain::history::latency::series::{LatencyPoint, LatencySeries};
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{InPath, InQuery, Reader};
use crate::http::api::routes::Json;
use crate::http::api::values::{DateTime, Id, Moment, Quantiles, Step, date_time};

/// The quantiles of a request that names none.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// The query of a series of latencies.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct LatencyQuery {
    /// Default: a day before `to`.
    #[param(inline)]
    from: Option<Moment>,
    /// Default: now.
    #[param(inline)]
    to: Option<Moment>,
    /// Default: a hundredth of the range. Steps of a day or longer have whole days in UTC, and so do those of a range that begins
    /// before single checks are kept (90 days, `RETENTION_CHECK_ARCHIVE`). A series has at most 1,000 steps.
    #[param(inline)]
    step: Option<Step>,
    #[param(inline)]
    q: Option<Quantiles>,
}

/// How long the checks of a monitor took that passed, or the runs of a device.
#[derive(Serialize, ToSchema)]
#[schema(as = LatencySeries)]
pub(super) struct LatencySeriesView {
    id: Id,
    from: DateTime,
    to: DateTime,
    step_ms: u64,
    #[schema(examples(0.95))]
    quantiles: Vec<f64>,
    /// Steps without checks are omitted.
    points: Vec<LatencyPointView>,
}

/// The checks of one step.
#[derive(Serialize, ToSchema)]
#[schema(as = LatencyPoint)]
struct LatencyPointView {
    /// The start of the step.
    at: DateTime,
    /// Those that ran.
    checks: u64,
    failures: u64,
    /// One for each quantile, within 1 %; empty if no check passed.
    #[schema(examples(38_900))]
    latencies_us: Vec<u64>,
}

impl LatencyPointView {
    fn of(at: Timestamp, point: &LatencyPoint, quantiles: &[f64]) -> Self {
        let micros = |length: Duration| u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        let latencies = quantiles
            .iter()
            .filter_map(|quantile| point.latencies.quantile(*quantile).map(micros));
        Self {
            at: date_time(at),
            checks: point.checks,
            failures: point.failures,
            latencies_us: latencies.collect(),
        }
    }
}

impl LatencySeriesView {
    fn of(id: MonitorId, series: &LatencySeries, quantiles: Vec<f64>) -> Self {
        let points = series.points.iter();
        let points = points.map(|(at, point)| LatencyPointView::of(*at, point, &quantiles));
        Self {
            id: id.0,
            from: date_time(series.steps.range.from),
            to: date_time(series.steps.range.to),
            step_ms: u64::try_from(series.steps.step.as_millis()).unwrap_or(u64::MAX),
            points: points.collect(),
            quantiles,
        }
    }
}

pub(super) async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InQuery(query): InQuery<LatencyQuery>,
) -> Result<Json<LatencySeriesView>, Problem> {
    let (guild, now) = (reader.0.guild_id, app.clock.now());
    let found = monitor(&app, guild, id).await?;
    let range = between(query.from, query.to, now);
    let asked = query.step.map(|step| step.0);
    let checks_from = latency::checks_from(app.kept_checks, now);
    let steps = latency::steps(found.kind, range, asked, checks_from);
    let series = latency::series(&app.store.reader, id, steps).await?;
    let quantiles = query.q.map_or_else(|| QUANTILES.to_vec(), |text| text.0);
    Ok(Json(LatencySeriesView::of(id, &series, quantiles)))
}
