//! The statuses of a monitor as programs read them: the facts from which uptime is computed.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{RangeQuery, range};
use crate::actions::history::uptime;
use crate::domain::monitor::MonitorId;
use crate::domain::silences::maintenance::TimeWindow;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{InPath, InQuery, Reader};
use crate::http::api::routes::Json;
use crate::http::api::values::{DateTime, date_time};

/// The statuses of a monitor in a range, and when Rollcall observed it.
#[derive(Serialize, ToSchema)]
pub(super) struct SpanList {
    from: DateTime,
    to: DateTime,
    /// Earlier changes are not kept, because the monitor has changed its status too often. Null: all are.
    #[schema(required)]
    exact_from: Option<DateTime>,
    /// In order. The first one may begin before the range.
    spans: Vec<SpanView>,
    /// When the monitor was in maintenance.
    maintenance: Vec<PeriodView>,
    /// When Rollcall observed; the rest of the range is unknown.
    observed: Vec<PeriodView>,
}

/// The beginning of a status.
#[derive(Serialize, ToSchema)]
#[schema(as = Span)]
struct SpanView {
    began_at: DateTime,
    /// `unknown`, `online`, `warning`, `offline`, `paused` or `removed`.
    #[schema(examples("online"))]
    status: &'static str,
}

/// A period of time.
#[derive(Serialize, ToSchema)]
#[schema(as = Period)]
struct PeriodView {
    starts_at: DateTime,
    ends_at: DateTime,
}

impl From<TimeWindow> for PeriodView {
    fn from(window: TimeWindow) -> Self {
        Self {
            starts_at: date_time(window.starts_at),
            ends_at: date_time(window.ends_at),
        }
    }
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InQuery(query): InQuery<RangeQuery>,
) -> Result<Json<SpanList>, Problem> {
    let (guild, now) = (reader.0.guild_id, app.clock.now());
    let range = range(&app, guild, query.range, now).await?;
    let found = uptime::one(&app.store.reader, guild, id, range, now).await?;
    let observed = uptime::observed(&app.store.reader, range, now).await?;
    let span = |span: crate::domain::history::status_span::StatusSpan| SpanView {
        began_at: date_time(span.began_at),
        status: span.status.as_str(),
    };
    Ok(Json(SpanList {
        from: date_time(range.from),
        to: date_time(range.to),
        exact_from: found.exact_from(range).map(date_time),
        spans: found.monitor.spans.into_iter().map(span).collect(),
        maintenance: found
            .monitor
            .maintenance
            .into_iter()
            .map(PeriodView::from)
            .collect(),
        observed: observed.windows().map(PeriodView::from).collect(),
    }))
}
