//! The audit log, in pages.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::list::{Cursor, PageLimit, page};
use super::problem::Problem;
use super::request::{InQuery, Reader};
use super::routes::{Json, Routes, about};
use super::values::{DateTime, EventKindWord, Id, JsonObject, Word, date_time};
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::store::event::{self, Event, EventFilter};

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "events",
        "The audit log: what changed, when, and who caused it.",
    );
    routes.get::<Reader, _>(
        "/events",
        about("list_events", "List the audit log, newest first"),
        list,
    );
}

/// The query of the audit log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    #[serde(rename = "type")]
    kind: Option<EventKindWord>,
    /// The id of a monitor.
    monitor: Option<Id>,
    /// Only events before the one with this id.
    before: Option<Id>,
    #[param(inline)]
    cursor: Option<Cursor>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLimit<50, 200>,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
struct EventList {
    events: Vec<EventView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
    /// The id of the last event of a full page, for `before`; the cursor does the same.
    #[schema(required)]
    next: Option<Id>,
}

/// An event of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
struct EventView {
    id: Id,
    at: DateTime,
    #[serde(rename = "type")]
    kind: EventKindWord,
    /// `system`, `cli`, `discord:<user id>` or `key:<key id>`.
    #[schema(examples("cli"))]
    actor: String,
    /// The id of the monitor.
    #[schema(required)]
    monitor: Option<Id>,
    /// The name of the monitor.
    #[schema(required, examples("web shop"))]
    name: Option<String>,
    #[schema(value_type = JsonObject)]
    details: serde_json::Value,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            at: date_time(event.at),
            kind: Word(event.kind),
            actor: event.actor.to_string(),
            monitor: event.monitor_id.map(|id| id.0),
            name: event.name.clone(),
            details: event.details.clone(),
        }
    }
}

async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<EventQuery>,
) -> Result<Json<EventList>, Problem> {
    let before = query.before.unwrap_or(i64::MAX);
    let filter = EventFilter {
        kind: query.kind.map(|word| word.0),
        monitor: query.monitor.map(MonitorId),
        before: query.cursor.map_or(before, |cursor| cursor.number(0)),
    };
    let (guild, limit) = (reader.0.guild_id, query.limit.get());
    let events = event::list(&app.store.reader, guild, filter, limit + 1).await?;
    let page = page(events, limit, |event| [event.id.to_string()].into());
    let is_full = page.items.len() == limit as usize;
    Ok(Json(EventList {
        next: page.items.last().filter(|_| is_full).map(|event| event.id),
        events: page.items.iter().map(EventView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}
