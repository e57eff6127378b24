//! The history of monitors: uptime and status, also of monitors that were removed.

mod spans;
mod uptime;

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use super::request::Reader;
use super::routes::{Routes, about};
use super::values::RangeText;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::{HistoryRange, parse_range};
use crate::http::HttpState;
use crate::store::guild::guild_setting;

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
    let zone = guild_setting::timezone(&app.store.reader, guild).await?;
    parse_range(
        text.as_ref().map_or(DEFAULT_RANGE, |text| &text.0),
        zone,
        now,
    )
    .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("range: {error}")))
}
