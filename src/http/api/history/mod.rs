//! The history of monitors: uptime and status, also of monitors that were removed.

mod checks;
mod latency;
mod metrics;
mod objectives;
mod spans;
mod summary;
mod uptime;

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use super::request::Reader;
use super::routes::{Routes, about};
use super::values::{Moment, RangeText};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::{HistoryRange, parse_range};
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::store::guild::guild_setting;
use crate::store::history::monitor_history::{self, HistoryScope, MonitorHistory};

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "history",
        "What monitors were and when. Uptime is by time: online ÷ (online + offline). Time that Rollcall did not observe, maintenance and pauses are in neither.",
    );
    routes.get::<Reader, _>(
        "/uptime",
        about("list_uptime", "Get the uptime of every monitor in a range")
            .describe("By name. Monitors that were removed after the range began are in it."),
        uptime::list,
    );
    routes.get::<Reader, _>(
        "/monitors/{id}/uptime",
        about("get_uptime", "Get the uptime of a monitor in a range"),
        uptime::show,
    );
    routes.get::<Reader, _>(
        "/monitors/{id}/spans",
        about("list_spans", "List the statuses of a monitor in a range")
            .describe("Each begins where the one before ends."),
        spans::list,
    );
    routes.get::<Reader, _>(
        "/monitors/{id}/latency",
        about("list_latencies", "Get how long the checks of a monitor took")
            .describe("Percentiles for each step of a range, of endpoints and of the runs of devices. Days have checks up to the latest full hour."),
        latency::show,
    );
    routes.get::<Reader, _>(
        "/monitors/{id}/checks",
        about("list_checks", "List the checks of a monitor in a range")
            .describe("A line for each check, oldest first. After 1,000,000 checks, the last line has the time at which the rest begins. A Discord server has two such responses at once; further requests wait."),
        checks::list,
    );
    routes.get::<Reader, _>(
        "/monitors/{id}/metrics",
        about("get_metrics", "Get what a server reported, by hour or by day").describe(
            "By hour up to 14 days, unless the hours are no longer kept; beyond that by day (UTC). Also of a server that was removed. At most 50,000 points.",
        ),
        metrics::series,
    );
    objectives::routes(routes);
    summary::routes(routes);
}

/// A range of the history.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct RangeQuery {
    #[param(inline)]
    range: Option<RangeText>,
}

/// The range that is read if a request names none.
const DEFAULT_RANGE: &str = "30d";

/// Reads a range in the time zone of the guild.
async fn range(
    app: &HttpState,
    guild: GuildId,
    text: Option<RangeText>,
    now: Timestamp,
) -> Result<HistoryRange, Problem> {
    let text = text.as_ref().map_or(DEFAULT_RANGE, |text| &text.0);
    named_range(app, guild, text, now).await
}

/// Reads a range that a request names, or the one that it has without a name.
async fn named_range(
    app: &HttpState,
    guild: GuildId,
    text: &str,
    now: Timestamp,
) -> Result<HistoryRange, Problem> {
    let zone = guild_setting::timezone(&app.store.reader, guild).await?;
    parse_range(text, zone, now)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("range: {error}")))
}

/// The length of a range without a beginning.
const DEFAULT_LENGTH: Duration = Duration::from_secs(24 * 3600);

/// The range between two moments: up to now, and a day long unless they say otherwise. It is empty if it ends before it begins.
fn between(from: Option<Moment>, to: Option<Moment>, now: Timestamp) -> HistoryRange {
    let to = to.map_or(now, |moment| moment.0.min(now));
    let from = from.map_or_else(|| to.minus(DEFAULT_LENGTH), |moment| moment.0.min(to));
    HistoryRange { from, to }
}

/// A monitor of a guild, also one that was removed.
async fn monitor(
    app: &HttpState,
    guild: GuildId,
    id: MonitorId,
) -> Result<MonitorHistory, Problem> {
    let scope = HistoryScope::One(id);
    let found =
        monitor_history::monitors(&app.store.reader, guild, &scope, HistoryRange::ALWAYS).await?;
    found.into_iter().next().ok_or_else(Problem::not_found)
}
