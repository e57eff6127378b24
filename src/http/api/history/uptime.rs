//! Uptime as programs read it.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{RangeQuery, range};
use crate::actions::history::uptime::{self, MonitorUptime};
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{InPath, InQuery, Reader};
use crate::http::api::routes::Json;
use crate::http::api::values::{DateTime, Id, Name, RangeText, date_time};
use crate::store::history::monitor_history::HistoryScope;

/// The figures of a monitor in a range. The times of the classes add up to the range.
#[derive(Serialize, ToSchema)]
#[schema(as = Uptime)]
pub(super) struct UptimeView {
    id: Id,
    #[schema(examples("shop"))]
    name: String,
    from: DateTime,
    to: DateTime,
    /// Online, offline and in maintenance: what Rollcall observed.
    watched_ms: u64,
    /// Online, or failing for not long enough to be offline.
    online_ms: u64,
    offline_ms: u64,
    maintenance_ms: u64,
    /// Not added yet, never checked, removed, or not observed by Rollcall.
    unknown_ms: u64,
    paused_ms: u64,
    outages: u32,
    /// From 0 to 1. Null: it was online or offline for less than 1 % of the range.
    #[schema(required, minimum = 0, maximum = 1, examples(0.9995))]
    uptime: Option<f64>,
    /// The median of how long checks took that passed, within 1 %, or runs of a device. Of the days in UTC that the range touches, up
    /// to the latest full hour. Null: there were none.
    #[schema(required)]
    p50_us: Option<u64>,
    #[schema(required)]
    p95_us: Option<u64>,
    #[schema(required)]
    p99_us: Option<u64>,
    /// Of one outage, within the range.
    longest_outage_ms: u64,
    /// The mean downtime of outages that ended by recovery. Null: there were none.
    #[schema(required)]
    mean_time_to_recovery_ms: Option<u64>,
    /// Online time for each outage. Null: there were none.
    #[schema(required)]
    mean_time_between_outages_ms: Option<u64>,
    /// Warnings that passed without an outage.
    blips: u32,
    /// Before this moment, the figures are those of whole days in UTC, because the monitor has changed its status too often. Null: all
    /// are exact.
    #[schema(required)]
    exact_from: Option<DateTime>,
    /// Null: it exists.
    #[schema(required)]
    removed_at: Option<DateTime>,
}

impl UptimeView {
    fn of(one: MonitorUptime, range: HistoryRange) -> Self {
        let exact_from = one.exact_from(range).map(date_time);
        let (summary, times) = (one.summary, one.summary.times);
        let latencies = one.latencies;
        let micros = |length: Duration| u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        let quantile = |share| latencies.quantile(share).map(micros);
        let millis = |length: Duration| u64::try_from(length.as_millis()).unwrap_or(0);
        Self {
            id: one.monitor.id.0,
            name: one.monitor.name,
            from: date_time(range.from),
            to: date_time(range.to),
            watched_ms: millis(times.watched()),
            online_ms: millis(times.online),
            offline_ms: millis(times.offline),
            maintenance_ms: millis(times.maintenance),
            unknown_ms: millis(times.unknown),
            paused_ms: millis(times.paused),
            outages: summary.outages,
            uptime: times.uptime().map(|uptime| uptime.fraction()),
            p50_us: quantile(0.5),
            p95_us: quantile(0.95),
            p99_us: quantile(0.99),
            longest_outage_ms: millis(summary.longest_outage),
            mean_time_to_recovery_ms: summary.mean_time_to_recovery.map(millis),
            mean_time_between_outages_ms: summary.mean_time_between_outages().map(millis),
            blips: summary.blips,
            exact_from,
            removed_at: one.monitor.removed_at.map(date_time),
        }
    }
}

/// The query of a list of uptimes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct UptimeQuery {
    #[param(inline)]
    range: Option<RangeText>,
    /// Only the monitors of this group.
    #[param(inline)]
    group: Option<Name>,
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<UptimeQuery>,
) -> Result<Json<Vec<UptimeView>>, Problem> {
    let (guild, now) = (reader.0.guild_id, app.clock.now());
    let range = range(&app, guild, query.range, now).await?;
    let scope = match query.group {
        Some(group) => HistoryScope::Group(group.0),
        None => HistoryScope::All,
    };
    let found = uptime::list(&app.store.reader, guild, &scope, range, now).await?;
    let views = found.into_iter().map(|one| UptimeView::of(one, range));
    Ok(Json(views.collect()))
}

pub(super) async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InQuery(query): InQuery<RangeQuery>,
) -> Result<Json<UptimeView>, Problem> {
    let (guild, now) = (reader.0.guild_id, app.clock.now());
    let range = range(&app, guild, query.range, now).await?;
    let found = uptime::one(&app.store.reader, guild, id, range, now).await?;
    Ok(Json(UptimeView::of(found, range)))
}
