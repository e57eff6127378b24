//! The audit log, in pages.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::device::answer;
use super::problem::Problem;
use super::query::{Asked, limit, wrong};
use crate::domain::event::EventKind;
use crate::domain::key::KeyKind::{Admin, Read};
use crate::domain::monitor::MonitorId;
use crate::domain::text;
use crate::http::HttpState;
use crate::store::event::{self, Event, EventFilter};

/// The default and the maximum page size.
const PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 200;

/// The query of the audit log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventQuery {
    #[serde(rename = "type")]
    kind: Option<String>,
    monitor: Option<i64>,
    /// Only events before the one with this id.
    before: Option<i64>,
    limit: Option<u32>,
}

/// `GET /events`, with a read or an admin key.
pub(super) async fn list(
    State(app): State<HttpState>,
    caller: Caller,
    Asked(filter): Asked<EventQuery>,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin])?;
    let limit = limit(filter.limit, PAGE, LONGEST_PAGE)?;
    let kind = filter.kind.as_deref().map(known).transpose()?;
    let asked = EventFilter {
        kind,
        monitor: filter.monitor.map(MonitorId),
        before: filter.before.unwrap_or(i64::MAX),
    };
    let events = event::list(&app.store.reader, caller.0.guild_id, asked, limit).await?;
    let is_full = events.len() == limit as usize;
    let next = events.last().filter(|_| is_full).map(|event| event.id);
    let shown: Vec<Value> = events.iter().map(shown).collect();
    Ok(answer(
        StatusCode::OK,
        &json!({ "events": shown, "next": next }),
    ))
}

fn known(word: &str) -> Result<EventKind, Problem> {
    word.parse::<EventKind>()
        .ok()
        .ok_or_else(|| wrong("unknown `type`. Example: `type=device_offline`"))
}

fn shown(event: &Event) -> Value {
    json!({
        "id": event.id, "at": text::timestamp(event.at), "type": event.kind.as_str(), "actor": event.actor.to_string(),
        "monitor": event.monitor_id.map(|id| id.0), "name": event.name, "details": event.details,
    })
}
